#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mvmd start, stop and their like, in a real systemd: what a person sees of it, and who may.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

EXIT_NOT_RUNNING=3
EXIT_NO_SPEC=66
EXIT_UNAVAILABLE=69
EXIT_SYSTEM=71
EXIT_BUSY=75
EXIT_PERMISSION=77
EXIT_SPEC=78
SOMEBODY=12345

QUICK='{ "timeouts": { "stop": "1s" } }'

# mvmd_exits TITLE STATUS WORD...: mvmd, as root in the container.
mvmd_exits() {
	exits "$1" "$2" inside mvmd "${@:3}"
}

# as_somebody COMMAND...: no root, in no group.
as_somebody() {
	inside setpriv --reuid $SOMEBODY --regid $SOMEBODY --clear-groups "$@"
}

# says_here TITLE TEXT; says_not_here TITLE TEXT: the last command, on stderr.
says_here() {
	has "$1" "$WORK/err" "$2"
}

says_not_here() {
	has_not "$1" "$WORK/err" "$2"
}

# without_bridge NAME LIMIT: a VM that waits so long for a bridge that never comes.
without_bridge() {
	spec "$1" hang '{ "interfaces": [ { "id": "net0", "bridge": "br9" } ],
		"timeouts": { "bridge": "'"$2"'", "stop": "1s" } }'
}

start_and_stop() {
	spec life-1.a hang "$QUICK"
	mvmd_exits "start" 0 start life-1.a
	is "start: the VM runs when it returns" "$(property life-1.a ActiveState)" active
	says_here "start: it tells the VMM" "mvmd: life-1.a: running: qemu "
	says_here "start: it told the phases" "mvmd: life-1.a: booting: "
	mvmd_exits "start of a VM that runs" 0 start life-1.a
	says_here "start: it says that it runs" "life-1.a: runs already"
	before=$(vmm_pid life-1.a)
	mvmd_exits "restart" 0 restart life-1.a
	is "restart: it is another VMM" "$(($(vmm_pid life-1.a) != before))" 1
	mvmd_exits "stop" 0 stop life-1.a
	says_here "stop: it tells how long the guest has" "stopping: the guest was asked to power off, "
	says_here "stop: it says when it is done" "life-1.a: stopped"
	is "stop: that is no failure" "$(property life-1.a Result) $(property life-1.a ActiveState)" "success inactive"
	is "stop: nothing of it is left" "$(remains life-1.a)" ""
	mvmd_exits "stop of a VM that does not run" $EXIT_NOT_RUNNING stop life-1.a
	mvmd_exits "restart of a VM that does not run starts it" 0 restart life-1.a
	mvmd_exits "stop --force" 0 stop --force life-1.a
	comes "stop --force: the unit is inactive" life-1.a ActiveState inactive
	is "stop --force: that is no failure" "$(property life-1.a Result) $(property life-1.a NRestarts)" "success 0"
}

# Each of these would be another unit, had one been made of it by its ending, or by systemd-escape.
names() {
	local name
	for name in web.service a.mount my-vm 7 x-1.2.slice A--b; do
		spec "$name" hang "$QUICK"
	done
	mvmd_exits "names: all that a VM may have" 0 start web.service a.mount my-vm 7 x-1.2.slice A--b
	for name in web.service a.mount my-vm 7 x-1.2.slice A--b; do
		is "names: $name is an instance" "$(inside systemctl is-active "mvmd@$name.service") $(inside mvmd status --json "$name" | jq -r .state)" \
			"active running"
	done
	mvmd_exits "names: stop --all" 0 stop --all
	is "names: none runs any more" "$(inside systemctl list-units --plain --no-legend --state=active 'mvmd@*')" ""
}

without_waiting() {
	spec quick hang "$QUICK"
	mvmd_exits "no-wait: start" 0 start --no-wait quick
	comes "no-wait: it starts" quick ActiveState active
	mvmd_exits "no-wait: restart" 0 restart --no-wait quick
	mvmd_exits "no-wait: stop" 0 stop --no-wait quick
	comes "no-wait: it stops" quick ActiveState inactive
}

wrong_specs() {
	spec wrong hang '{ "cpus": "many" }'
	mvmd_exits "wrong: 78" $EXIT_SPEC start wrong
	says_here "wrong: the place in the file is told" "/etc/mvmd/wrong.json:"
	is "wrong: systemd was not asked" "$(property wrong ActiveState)" inactive
	spec right hang "$QUICK"
	mvmd_exits "wrong: the others are started" $EXIT_SPEC start wrong right
	is "wrong: they run" "$(property right ActiveState)" active
	cp "$SPECS/wrong.json" "$SPECS/right.json"
	mvmd_exits "wrong: a restart" $EXIT_SPEC restart right
	is "wrong: does not stop what runs" "$(property right ActiveState)" active
	rm "$SPECS/right.json"
	mvmd_exits "wrong: a VM without a spec is stopped all the same" 0 stop right
	mvmd_exits "no spec: 66" $EXIT_NO_SPEC start wrng
	says_here "no spec: with the nearest name" 'did you mean "wrong"?'
	echo '{ "uid_range": "x" }' >"$SPECS/host.conf"
	mvmd_exits "wrong: host.conf" $EXIT_SPEC start quick
	says_here "wrong: its place is told" "/etc/mvmd/host.conf:"
	rm "$SPECS/host.conf" "$SPECS/wrong.json"
}

# Of several, those that others come after are first, however they are named; and end last.
in_order() {
	spec front hang '{ "after": [ "middle" ], "timeouts": { "stop": "1s" } }'
	spec middle hang '{ "after": [ "z" ], "timeouts": { "stop": "1s" } }'
	spec z hang "$QUICK"
	mvmd_exits "order: start" 0 start front middle z
	is "order: z, middle, front" "$(sed -n 's/^mvmd: \(.*\): running: .*/\1/p' "$WORK/err" | xargs)" "z middle front"
	mvmd_exits "order: stop" 0 stop z front middle
	is "order: front, middle, z" "$(sed -n 's/^mvmd: \(.*\): stopped$/\1/p' "$WORK/err" | xargs)" "front middle z"
}

failing_start() {
	without_bridge lost 1s
	mvmd_exits "failing: the exit code is the supervisor's" $EXIT_UNAVAILABLE start lost
	says_here "failing: the finding is told" "mvmd: lost: error: bridge br9 did not appear within 1s [bridge-missing]"
	says_here "failing: with what fits this host" "bridges on this host: br0"
	says_here "failing: with what to do" "  try: did you mean br0?"
	says_here "failing: and that it is tried again" "it is tried again"
	spec nothing hang '{ "boot": { "kernel": "/srv/none" }, "disks": [ { "id": "d", "path": "/srv/no-disk" } ] }'
	mvmd_exits "failing: before there is a VM" $EXIT_UNAVAILABLE start nothing
	says_here "failing: all is told" "/srv/none: No such file"
	says_here "failing: in one go" "/srv/no-disk: No such file"
	mvmd_exits "failing: stop" 0 stop nothing
	mvmd_exits "failing: stop ends that" 0 stop lost
	is "failing: it is not tried again" "$(property lost ActiveState)" inactive
}

# A VM whose next try would come in a minute.
start_while_it_waits() {
	without_bridge turn 1s
	write_history turn
	inside systemctl start --no-block mvmd@turn
	comes "turn: it waits" turn StatusText "waiting: next try in*"
	ip link add br9 type bridge
	ip link set br9 up
	mvmd_exits "turn: start ends the wait" 0 start turn
	is "turn: it runs" "$(property turn ActiveState)" active
	mvmd_exits "turn: stop" 0 stop turn
	write_history turn
	mvmd_exits "turn: a start has no need to wait" 0 start turn
	mvmd_exits "turn: stop again" 0 stop turn
	ip link del br9
}

# write_history NAME: eight failures in a row, the last one just now.
write_history() {
	mkdir -p "$(root /var/lib/mvmd)/$1"
	jq -n --arg boot "$(cat /proc/sys/kernel/random/boot_id)" \
		--argjson now "$(awk '{ printf "%d", $1 * 1e6 }' /proc/uptime)" '{
		version: 1, boot_id: $boot, failed: 9, runs: false, last_exit_code: 69,
		last_finding: "bridge-missing", began_usec: $now, ended_usec: $now,
		waits_until_usec: 0, crashes_usec: [] }' >"$(root /var/lib/mvmd)/$1/history.json"
}

stop_during_start() {
	without_bridge early 1min
	start early inside mvmd start early
	comes "early: it waits for its bridge" early StatusText "*waiting for*br9*"
	mvmd_exits "early: stop" 0 stop early
	ended "$STARTED"
	is "early: the start fails" "$STATUS" $EXIT_SYSTEM
	has "early: and says who it was" "$WORK/early.err" "[unit-job]"
}

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
	mvmd_exits "enable: a VM without a spec" 0 enable later
	says_here "enable: it warns" "[no-spec]"
	mvmd_exits "disable: a VM without a spec" 0 disable later
}

# listed NAME WORDS: as `mvmd list` has it, but for the time.
listed() {
	inside mvmd list | awk -v name="$1" '$1 == name' | sed -E 's/[0-9-]{10} [0-9:]{8}/TIME/; s/  +/ /g'
}

listed_json() {
	inside mvmd list --json | jq -c --arg vm "$1" '.vms[] | select(.name == $vm) |
		[.state, .enabled, .has_spec, .exit_code, .cause, .pid != null, .since_realtime_usec != null]'
}

lists() {
	spec shown hang "$QUICK"
	without_bridge unseen 1s
	spec broken "print=Kernel_panic_-_not_syncing:_Fatal_exception reboot" '{ "crash_limit": { "count": 1, "within": "1min" } }'
	is "list: a VM that never ran" "$(listed shown)" "shown stopped disabled -"
	is "list: as data" "$(listed_json shown)" '["stopped",false,true,null,null,false,false]'
	inside mvmd enable shown 2>/dev/null
	inside mvmd start shown 2>/dev/null
	is "list: one that runs" "$(listed shown)" "shown running enabled TIME"
	is "list: as data" "$(listed_json shown)" '["running",true,true,null,null,true,true]'
	mv "$SPECS/shown.json" "$WORK/shown.json"
	is "list: one that runs, and has no spec any more" "$(listed shown)" "shown running enabled TIME no spec"
	mv "$WORK/shown.json" "$SPECS/shown.json"
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

# Ctrl-C leaves the job.
leave_during_start() {
	without_bridge left 1min
	start left inside mvmd start left
	comes "left: it waits for its bridge" left StatusText "*waiting for*br9*"
	await_text "$WORK/left.err" "waiting for bridge br9"
	kill -INT "$(inside pgrep -x mvmd -a | awk '/mvmd start left/ { print $1 }' | in_our_pids)"
	ended "$STARTED"
	has "left: it says that the start goes on" "$WORK/left.err" "left: the start goes on"
	is "left: it does" "$(property left ActiveState)" activating
	mvmd_exits "left: stop" 0 stop left
}

# A pid of the container is none of ours: as the kernel tells.
in_our_pids() {
	local pid inner
	read -r inner
	for pid in /proc/[0-9]*; do
		if [ "$(awk '/^NSpid:/ { print $NF }' "$pid/status" 2>/dev/null)" = "$inner" ] &&
			[ "$(cat "$pid/comm")" = mvmd ]; then
			echo "${pid#/proc/}"
		fi
	done
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
	unit=$(root "$(inside systemctl show --value -p FragmentPath mvmd@quick)")
	mv "$unit" "$WORK/unit"
	inside systemctl daemon-reload
	mvmd_exits "no unit: a host where it was not installed" $EXIT_UNAVAILABLE start quick
	says_here "no unit: it says so" "[unit-missing]"
	cp "$WORK/unit" "$unit"
	inside systemctl daemon-reload
}

by_hand() {
	spec hand hang "$QUICK"
	start hand inside mvmd run hand
	await inside mvmd status hand
	mvmd_exits "by hand: start" 0 start hand
	says_here "by hand: says that it runs" "hand: runs already, started by hand"
	mvmd_exits "by hand: restart" $EXIT_BUSY restart hand
	says_here "by hand: is not systemd's" "[started-by-hand]"
	mvmd_exits "by hand: reload" $EXIT_BUSY reload hand
	mvmd_exits "by hand: stop --all takes it, too" 0 stop --all
	ended "$STARTED"
	is "by hand: its supervisor ended well" "$STATUS" 0
}

systemd_is_lost() {
	without_bridge reexec 1min
	start reexec inside mvmd start reexec
	comes "reexec: it waits for its bridge" reexec StatusText "*waiting for*br9*"
	inside systemctl daemon-reexec
	ended "$STARTED"
	is "reexec: a systemd that is executed anew" "$STATUS" $EXIT_SYSTEM
	has "reexec: is told" "$WORK/reexec.err" "[systemd-lost]"
	await inside systemctl is-system-running --wait
	mvmd_exits "reexec: stop" 0 stop reexec
}

# polkitd is started by systemd's own question, where it is installed.
unprivileged() {
	echo "somebody:x:$SOMEBODY:$SOMEBODY::/:/bin/sh" >>"$(root /etc/passwd)"
	spec private hang '{ "timeouts": { "stop": "1s" }, "owners": [ { "user": "somebody" } ] }'
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
}

boot
start_and_stop
names
without_waiting
wrong_specs
failing_start
start_while_it_waits
stop_during_start
leave_during_start
in_order
enabled
lists
reloaded
bad_units
no_unit
by_hand
systemd_is_lost
unprivileged
finish
