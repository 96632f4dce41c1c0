#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A plain user's VMs as units of his own systemd, user@UID.service: mvmd start and its like, the journal, a supervisor
# that is killed, the generator, and qemu-bridge-helper, whose rights a unit must leave alone.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

EXIT_NO_SPEC=66
EXIT_UNAVAILABLE=69
EXIT_PERMISSION=77
ALICE=4242
HOME_DIR=/home/alice
RUNTIME=/run/user/$ALICE
HELPER=/usr/lib/qemu/qemu-bridge-helper

# add_alice: before the boot. Here is no logind to tell her systemd where it has its sockets.
add_alice() {
	local image=$WORK/image from=${SYSTEM%/}
	mkdir -p "$image$HOME_DIR/.config/mvmd" "$image/etc"
	{ cat "$from/etc/passwd"; echo "alice:*:$ALICE:$ALICE::$HOME_DIR:/bin/sh"; } >"$image/etc/passwd"
	{ cat "$from/etc/group"; echo "alice:*:$ALICE:"; } >"$image/etc/group"
	mkdir -p "$image/etc/systemd/system/user@.service.d"
	printf '%s\n' '[Service]' 'Environment=XDG_RUNTIME_DIR=/run/user/%i' \
		>"$image/etc/systemd/system/user@.service.d/runtime.conf"
}

# as_alice COMMAND...: as after her login.
as_alice() {
	inside setpriv --reuid $ALICE --regid $ALICE --clear-groups env HOME=$HOME_DIR \
		XDG_RUNTIME_DIR=$RUNTIME "$@"
}

# vm NAME WORDS [JSON]: a VM of hers, without interfaces.
vm() {
	jq -n --arg words "$2" --argjson more "${3:-"{}"}" '{
			vmm: "qemu", accel: "tcg", memory: "64MiB",
			boot: { kernel: "/srv/kernel", cmdline: $words }
		} + $more' >"$(root $HOME_DIR)/.config/mvmd/$1.json"
}

# hers NAME PROPERTY: of its unit.
hers() {
	as_alice systemctl --user show --value -p "$2" "mvmd@$1"
}

alice_exits() {
	exits "$1" "$2" as_alice mvmd "${@:3}"
}

value() {
	as_alice mvmd status --json "$1" | jq -r "$2"
}

starts_and_stops() {
	vm web1 "powerbutton print=pressed poweroff"
	alice_exits "start" 0 start web1
	has "it says that it runs" "$WORK/err" "web1: running"
	is "its unit is her systemd's" "$(hers web1 ActiveState) $(hers web1 Type)" "active notify"
	is "and its processes are hers" "$(stat -c %u "/proc/$(value web1 .vmm.pid)" 2>/dev/null ||
		inside stat -c %u "/proc/$(value web1 .vmm.pid)")" $ALICE
	alice_exits "start of one that runs" 0 start web1
	has "says so" "$WORK/err" "web1: runs already"
	as_alice mvmd list >"$WORK/list"
	succeeds "list has it" grep -q '^web1  *running' "$WORK/list"
	is "the host's systemd knows nothing of it" \
		"$(inside systemctl list-units --plain --no-legend 'mvmd@*')" ""
	as_alice mvmd blame web1 >"$WORK/blame"
	has "blame has its times" "$WORK/blame" "web1: ran "
	alice_exits "stop" 0 stop web1
	is "its unit has ended well" "$(hers web1 ActiveState) $(hers web1 Result)" "inactive success"
	sync_journal
	as_alice mvmd logs web1 >"$WORK/logs" 2>&1
	has "logs has the guest's words" "$WORK/logs" "tiny: life 1"
	has "and those of her systemd" "$WORK/logs" "Started mvmd@web1.service"
	as_alice mvmd logs --console web1 >"$WORK/logs" 2>&1
	has "logs --console" "$WORK/logs" "pressed"
	has_not "has nothing else" "$WORK/logs" "systemd"
	alice_exits "--user says what is meant" 0 --user check web1
	alice_exits "the host has none of that name" $EXIT_NO_SPEC --system start web1
}

fails_with_its_cause() {
	vm web2 poweroff '{ "boot": { "kernel": "/srv/nothing" } }'
	alice_exits "a start that fails has the supervisor's exit code" $EXIT_UNAVAILABLE start web2
	has "and its cause, from her journal" "$WORK/err" "[path-unusable]"
	vm web2 poweroff '{ "interfaces": [ { "id": "net0", "bridge": "br0" } ] }'
	alice_exits "so has what is root's" $EXIT_PERMISSION start web2
	has "with a way for her" "$WORK/err" '"attach": "helper"'
}

pid_is_new() {
	[ "$(hers "$1" MainPID)" != "$2" ] && [ "$(hers "$1" ActiveState)" = active ]
}

is_adopted() {
	as_alice mvmd logs "$1" 2>/dev/null | grep -q "adopted the running VM"
}

survives() {
	local vmm supervisor
	vm web3 "powerbutton print=pressed poweroff"
	alice_exits "start" 0 start web3
	vmm=$(value web3 .vmm.pid) supervisor=$(hers web3 MainPID)
	inside kill -KILL "$supervisor"
	succeeds "a killed supervisor has a next one" await pid_is_new web3 "$supervisor"
	is "the VM has gone on" "$(value web3 .vmm.pid) $(value web3 .state)" "$vmm running"
	succeeds "which says that it took it over" await is_adopted web3
	is "its console came with the fd store" "$(value web3 '[.findings[].id] | join(" ")')" ""
	supervisor=$(hers web3 MainPID)
	alice_exits "reload" 0 reload web3
	is "is in place" "$(hers web3 MainPID) $(value web3 .vmm.pid)" "$supervisor $vmm"
	alice_exits "stop" 0 stop web3
}

told_of_unknown() {
	as_alice mvmd logs web4 2>/dev/null | grep -q "\[after-unknown\]"
}

enabled() {
	vm web4 "powerbutton poweroff" '{ "after": [ "web1" ] }'
	alice_exits "enable" 0 enable web4
	has "says when it starts" "$WORK/err" "starts with this user's systemd"
	is "it is wanted by her default target" "$(as_alice systemctl --user is-enabled mvmd@web4)" enabled
	as_alice mvmd list >"$WORK/list"
	succeeds "list knows" grep -Eq '^web4 .*(enabled|yes)' "$WORK/list"
	is "the generator has ordered it" \
		"$(hers web4 After | tr ' ' '\n' | grep '^mvmd@')" "mvmd@web1.service"
	alice_exits "disable" 0 disable web4
	is "it is wanted no more" "$(as_alice systemctl --user is-enabled mvmd@web4)" disabled
	vm web4 "powerbutton poweroff" '{ "after": [ "web2" ] }'
	alice_exits "a start sees to it that her systemd knows the order" 0 start web4
	alice_exits "stop" 0 stop web4
	vm web4 "powerbutton poweroff" '{ "after": [ "web2", "webb" ] }'
	alice_exits "a name that no spec has" 0 start web4
	succeeds "is told in her journal" await told_of_unknown
	succeeds "as it is now" grep -qw "mvmd@web2.service" <<<"$(hers web4 After)"
	alice_exits "stop" 0 stop web4
}

with_the_helper() {
	inside cp $HELPER /srv/bridge-helper
	inside chmod 4755 /srv/bridge-helper
	echo '{ "helper": { "program": "/srv/bridge-helper" } }' >"$SPECS/host.conf"
	inside chmod 666 /dev/net/tun
	inside sh -c 'mkdir -p /etc/qemu && echo "allow br0" >/etc/qemu/bridge.conf'
	vm web5 "powerbutton poweroff" \
		'{ "interfaces": [ { "id": "net0", "attach": "helper", "bridge": "br0" } ] }'
	alice_exits "the helper that the host.conf of the host names has its rights in the unit" 0 start web5
	is "its tap is on the bridge" "$(value web5 '.interfaces[0].attached')" true
	alice_exits "stop" 0 stop web5
	mkdir -p "$(root $HOME_DIR)/.config/systemd/user/mvmd@web5.service.d"
	printf '%s\n' '[Service]' NoNewPrivileges=yes \
		>"$(root $HOME_DIR)/.config/systemd/user/mvmd@web5.service.d/nnp.conf"
	as_alice systemctl --user daemon-reload
	alice_exits "unless the unit takes them" $EXIT_PERMISSION start web5
	has "which is said" "$WORK/err" "[helper-rights-void]"
	# The same for root's unit, whose generator allows what the helper needs.
	spec root1 "powerbutton poweroff" \
		'{ "interfaces": [ { "id": "net0", "attach": "helper", "bridge": "br0" } ] }'
	exits "the helper in the host's unit" 0 inside mvmd start root1
	exits "stop" 0 inside mvmd stop root1
}

# What mvmd@.service(8) gives as an example for a VM without the helper.
with_a_sandbox() {
	vm web6 "powerbutton poweroff"
	mkdir -p "$(root $HOME_DIR)/.config/systemd/user/mvmd@web6.service.d"
	printf '%s\n' '[Service]' NoNewPrivileges=yes \
		'SystemCallFilter=@system-service seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self' \
		>"$(root $HOME_DIR)/.config/systemd/user/mvmd@web6.service.d/sandbox.conf"
	as_alice systemctl --user daemon-reload
	alice_exits "a drop-in that makes a sandbox" 0 start web6
	is "has effect" "$(inside sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$(hers web6 MainPID)/status")" 2
	alice_exits "stop" 0 stop web6
}

no_manager() {
	exits "a user without a systemd of his" $EXIT_UNAVAILABLE inside setpriv --reuid 4343 --regid 4343 \
		--clear-groups env HOME=/nowhere XDG_RUNTIME_DIR=/run/user/4343 mvmd --user start --all
	has "is told so" "$WORK/err" "[no-user-manager]"
	has "and how to get one" "$WORK/err" "loginctl enable-linger"
}

boot add_alice
inside chown -R $ALICE:$ALICE $HOME_DIR
if ! inside systemctl start user@$ALICE.service >"$WORK/user.err" 2>&1; then
	inside journalctl --no-pager -n 20 >>"$WORK/user.err"
	cat "$WORK/user.err" >&2
	skip "a user's systemd" "user@$ALICE.service does not start here"
	finish
fi
starts_and_stops
fails_with_its_cause
survives
enabled
if inside test -x $HELPER; then
	with_the_helper
else
	skip "the helper in a unit" "$HELPER is not installed"
fi
with_a_sandbox
no_manager
is "no unit of hers is left" "$(as_alice systemctl --user list-units --plain --no-legend --state=active 'mvmd@*')" ""
finish
