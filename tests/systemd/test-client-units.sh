#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mvmd enable, disable, list and reload in a real systemd, units that fail by themselves, and who may ask for what.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"
. "$(dirname "$0")/client-lib.sh"

# A unit's own files in systemd's folders, by mvmd and never by systemctl.
enabled() {
	local link
	link=$(root /etc/systemd/system)/mvmd.target.wants/mvmd@boot-1.a.service
	spec boot-1.a hang "$QUICK"
	mvmd_exits "enable" 0 enable boot-1.a
	says_here "enable: it says what that means" "boot-1.a: enabled: starts at boot, with mvmd.target"
	[ -h "$link" ] && pass "enable: mvmd.target wants it" || fail "enable: mvmd.target wants it"
	is "enable: systemd knows it" "$(inside systemctl show --value -p Wants mvmd.target)" mvmd@boot-1.a.service
	is "enable: it is not started" "$(property boot-1.a ActiveState)" inactive
	says_here "enable: the target is not enabled itself" "[target-disabled]"
	inside systemctl enable mvmd.target 2>/dev/null
	mvmd_exits "enable --now" 0 enable --now boot-1.a
	says_here "enable --now: it was enabled" "is enabled already"
	says_not_here "enable --now: the target is enabled" "target-disabled"
	is "enable --now: it runs" "$(property boot-1.a ActiveState)" active
	mvmd_exits "disable" 0 disable boot-1.a
	[ ! -h "$link" ] && pass "disable: the link is gone" || fail "disable: the link is gone"
	is "disable: it runs on" "$(property boot-1.a ActiveState)" active
	mvmd_exits "disable --now" 0 disable --now boot-1.a
	is "disable --now: it is stopped" "$(property boot-1.a ActiveState)" inactive
	mvmd_exits "disable --now of what is neither" 0 disable --now boot-1.a
	mvmd_exits "enable: a slip" $EXIT_NO_SPEC enable boto-1.a
	says_here "enable: which VM was meant" 'did you mean "boot-1.a"?'
	mvmd_exits "enable: one slip of two" $EXIT_NO_SPEC enable boot-1.a boto-1.a
	[ ! -h "$link" ] && pass "enable: then none is" || fail "enable: then none is"
	echo '{ "cpus": 0 }' >"$SPECS/wrong.json"
	mvmd_exits "enable: a VM whose spec is wrong" 0 enable wrong boot-1.a
	says_here "enable: it warns" "wrong: its spec is wrong"
	rm "$SPECS/wrong.json"
	mvmd_exits "disable: all, also one whose spec is gone" 0 disable --all
	says_here "disable: it says so" "wrong: disabled: does not start at boot"
	is "disable: none is enabled" "$(inside systemctl show --value -p Wants mvmd.target)" ""
}

# listed NAME WORDS: as `mvmd list` has it, but for the time.
listed() {
	inside mvmd list | awk -v name="$1" '$1 == name' | sed -E 's/[0-9-]{10} [0-9:]{8}/TIME/; s/  +/ /g'
}

listed_json() {
	inside mvmd list --json | jq -c --arg vm "$1" '.vms[] | select(.name == $vm) |
		[.state, .enabled, .has_spec, .exit_code, .cause, .pid != null, .since_realtime_usec != null]'
}

# It is between two tries most of the time.
keyless_is_listed() {
	[ "$(listed keyless)" = "keyless waiting disabled TIME exit code 69: a credential's file cannot be read" ]
}

lists() {
	spec shown hang "$QUICK"
	without_bridge unseen 100ms
	spec broken "print=Kernel_panic_-_not_syncing:_Fatal_exception reboot" '{ "crash_limit": { "count": 1, "within": "1min" } }'
	is "list: a VM that never ran" "$(listed shown)" "shown stopped disabled -"
	is "list: as data" "$(listed_json shown)" '["stopped",false,true,null,null,false,false]'
	inside mvmd enable shown 2>/dev/null
	inside mvmd start shown 2>/dev/null
	is "list: one that runs" "$(listed shown)" "shown running enabled TIME"
	is "list: as data" "$(listed_json shown)" '["running",true,true,null,null,true,true]'
	spec shown hang '{ "timeouts": { "stop": "2s" }, "cpus": 2 }'
	is "list: one whose spec was changed" "$(listed shown)" "shown running enabled TIME changed since start: cpus, timeouts"
	is "list: as data" "$(inside mvmd list --json | jq -c '.vms[] | select(.name == "shown").changed_since_start')" '["cpus","timeouts"]'
	mv "$SPECS/shown.json" "$WORK/shown.json"
	is "list: one that runs, and has no spec any more" "$(listed shown)" "shown running enabled TIME no spec"
	mv "$WORK/shown.json" "$SPECS/shown.json"
	spec keyless hang '{ "credentials": { "k": { "file": "/srv/no-key" } } }'
	inside mvmd start keyless 2>/dev/null
	succeeds "list: one that lacks what its start needs, with the cause" await keyless_is_listed
	inside mvmd stop keyless 2>/dev/null
	spec never hang "$QUICK"
	inside mvmd enable never 2>/dev/null
	is "list: a unit that systemd has just read is no VM that ended" "$(listed never)" "never stopped enabled -"
	inside mvmd disable never 2>/dev/null
	write_history unseen
	inside systemctl start --no-block mvmd@unseen
	comes "list: one waits" unseen StatusText "waiting: next try in*"
	is "list: with the exit code" "$(listed unseen)" "unseen waiting disabled TIME exit code 69: the bridge is not there"
	inside mvmd start broken 2>/dev/null
	comes "list: one fails" broken ActiveState failed
	is "list: with its cause" "$(listed broken | cut -d : -f 1)" "broken failed disabled TIME exit code 80"
	is "list: as data" "$(listed_json broken | cut -d , -f 1-4)" '["failed",false,true,80'
	inside systemctl mask mvmd@broken 2>/dev/null
	is "list: one that is masked" "$(listed broken | cut -d " " -f 1-3)" "broken failed masked"
	inside systemctl unmask mvmd@broken 2>/dev/null
	inside mvmd disable --now shown 2>/dev/null
	mvmd_exits "list: all stop" 0 stop --all
}

# What a reload does is test-reload's; here it does nothing.
reloaded() {
	spec fresh hang "$QUICK"
	mvmd_exits "reload: a VM that does not run" $EXIT_NOT_RUNNING reload fresh
	drop_in fresh ExecReload= ExecReload=/bin/true
	mvmd_exits "reload: start" 0 start fresh
	mvmd_exits "reload" 0 reload fresh
	says_not_here "reload: nothing of the unit is new" "[unit-changed]"
	drop_in fresh ExecReload= ExecReload=/bin/true
	mvmd_exits "reload: with a drop-in that is newer than the VM" 0 reload fresh
	says_here "reload: it says that the line has to wait" "mvmd@fresh.service.d/test.conf was written after"
	says_here "reload: with an id" "[unit-changed]"
	drop_in fresh ExecReload= ExecReload=/bin/false
	mvmd_exits "reload: one that fails" $EXIT_SYSTEM reload --all
	says_here "reload: it is told" "the reload failed; the VM runs on"
	is "reload: the VM runs on" "$(property fresh ActiveState)" active
	mvmd_exits "reload: stop" 0 stop fresh
}

# The units' own ways to fail.
bad_units() {
	spec bad hang "$QUICK"
	drop_in bad ExecStart= ExecStart=/nonexistent
	mvmd_exits "bad: what cannot be executed" $EXIT_SYSTEM start bad
	says_here "bad: is told" "exit code 203 [unit-failed]"
	mvmd_exits "bad: stop ends the tries" 0 stop bad
	drop_in bad ExecStart=
	mvmd_exits "bad: a wrong setting" $EXIT_UNAVAILABLE start bad
	says_here "bad: is told" "[unit-setting]"
	drop_in bad '' '[Unit]' RefuseManualStart=yes
	mvmd_exits "bad: what systemd refuses" $EXIT_SYSTEM start bad
	says_here "bad: is told in its words" "by dependency only"
	says_here "bad: with an id" "[unit-call]"
	drop_in bad ''
	inside systemctl mask mvmd@bad 2>/dev/null
	mvmd_exits "bad: a masked unit" $EXIT_UNAVAILABLE start bad
	says_here "bad: is told" "[unit-masked]"
	says_here "bad: with what to do" "systemctl unmask mvmd@bad"
	inside systemctl unmask mvmd@bad 2>/dev/null
}

no_unit() {
	local unit
	unit=$(root "$(inside systemctl show --value -p FragmentPath mvmd@bad)")
	mv "$unit" "$WORK/unit"
	inside systemctl daemon-reload
	mvmd_exits "no unit: a host where it was not installed" $EXIT_UNAVAILABLE start bad
	says_here "no unit: it says so" "[unit-missing]"
	cp "$WORK/unit" "$unit"
	inside systemctl daemon-reload
}

# polkitd is started by systemd's own question, where it is installed.
unprivileged() {
	echo "somebody:x:$SOMEBODY:$SOMEBODY::/:/bin/sh" >>"$(root /etc/passwd)"
	spec private hang '{ "timeouts": { "stop": "100ms" }, "owners": [ { "user": "somebody" } ] }'
	if ! inside systemctl start dbus.socket 2>/dev/null; then
		skip "denied: who may not, and why" "there is no dbus"
		return
	fi
	inside systemctl mask --runtime --now polkit 2>/dev/null
	exits "denied: without polkit" $EXIT_PERMISSION as_somebody mvmd start private
	says_here "denied: it says who" "uid $SOMEBODY may not [unit-denied]"
	says_here "denied: and what to do" "sudo mvmd start private"
	inside systemctl unmask --runtime polkit 2>/dev/null
	mvmd_exits "denied: root may" 0 start private
	is "denied: whether it runs is told to all" "$(as_somebody mvmd list | grep -c '^private  *running  *disabled ')" 1
	exits "denied: an owner may stop it" 0 as_somebody mvmd stop private
	comes "denied: it is stopped" private ActiveState inactive
	with_polkit
	inside systemctl stop dbus.socket dbus 2>/dev/null
	exits "denied: without a message bus" $EXIT_UNAVAILABLE as_somebody mvmd start private
	says_here "denied: it says so" "[no-system-bus]"
}

with_polkit() {
	local rules
	if ! inside systemctl start polkit 2>/dev/null; then
		skip "denied: with polkit" "polkitd is not installed, or does not start here"
		return
	fi
	exits "denied: with polkit" $EXIT_PERMISSION as_somebody mvmd start private
	says_here "denied: it says what polkit wants" "polkit wants"
	rules=$(root /etc/polkit-1/rules.d)
	mkdir -p "$rules"
	inside mvmd explain unit-denied | tr '\n' ' ' | sed 's/  */ /g' |
		grep -o 'polkit.addRule(.*});' | sed "s/subject.isInGroup(\"kvm\")/subject.user == \"somebody\"/" >"$rules/50-mvmd.rules"
	inside systemctl restart polkit
	exits "denied: the rule that explain tells allows it" 0 as_somebody mvmd start private
	exits "denied: and the stop" 0 as_somebody mvmd stop private
	without_bridge public 100ms
	exits "denied: a start that fails" $EXIT_UNAVAILABLE as_somebody mvmd start public
	says_here "denied: is told without the journal" "bridge br9 did not appear within 100ms ["
	exits "denied: its stop" 0 as_somebody mvmd stop public
}

boot
enabled
lists
reloaded
bad_units
no_unit
unprivileged
finish
