#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A VM in the list of machines, in a real systemd with a real systemd-machined; and where there is none.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

MACHINED=org.freedesktop.machine1

# machine NAME PROPERTY: nothing where there is no such machine.
machine() {
	inside machinectl show --value -p "$2" "$1" 2>/dev/null
}

# interfaces NAME: as busctl prints them.
interfaces() {
	local path
	path=$(inside busctl --json=short call $MACHINED /org/freedesktop/machine1 $MACHINED.Manager GetMachine s "$1" |
		jq -r '.data[0]')
	inside busctl get-property $MACHINED "$path" $MACHINED.Machine NetworkInterfaces
}

is_listed() {
	[ "$(machine "$1" Leader)" = "$(property "$1" MainPID)" ]
}

is_not_listed() {
	[ -z "$(machine "$1" Leader)" ]
}

# listed TITLE NAME
listed() {
	if await is_listed "$2"; then
		pass "$1"
	else
		fail "$1" "leader '$(machine "$2" Leader)', supervisor $(property "$2" MainPID)" \
			"$(inside journalctl --no-pager -o cat -n 30)"
	fi
}

# gone TITLE NAME
gone() {
	await is_not_listed "$2" && pass "$1" || fail "$1" "$(inside machinectl --no-pager list)"
}

# ends TITLE NAME: the unit ended well, and the guest had been asked.
ends() {
	comes "$1" "$2" ActiveState inactive
	is "$2: that is no failure, and it is not started again" \
		"$(property "$2" Result) $(property "$2" NRestarts)" "success 0"
	says "$2: the guest heard its power button" "$2" pressed
}

run() {
	spec "$1" "powerbutton print=pressed poweroff"
	start_unit "$1"
	await journal_has "$1" "awaiting the power button"
}

is_shown() {
	run shown.1
	listed "shown: a VM that runs is a machine, led by its supervisor" shown.1
	is "shown: its class, whose it is, its unit" \
		"$(machine shown.1 Class) $(machine shown.1 Service) $(machine shown.1 Unit)" \
		"vm mvmd mvmd@shown.1.service"
	is "shown: its tap" "$(interfaces shown.1)" "ai 1 $(ip -j link show vm-shown.1-net0 | jq '.[].ifindex')"
	inside machinectl --no-pager status shown.1 >"$WORK/status" 2>&1
	has "shown: machinectl status shows the VMM" "$WORK/status" qemu-system
	stop shown.1
	gone "shown: stopped, it is no machine any more" shown.1
}

is_powered_off() {
	run off
	listed "off: it is listed" off
	succeeds "off: machinectl poweroff" inside machinectl poweroff off
	ends "off: it ends" off
	gone "off: and is no machine any more" off
}

is_terminated() {
	run end
	listed "end: it is listed" end
	succeeds "end: machinectl terminate" inside machinectl terminate end
	ends "end: it ends" end
	gone "end: and is no machine any more" end
}

has_run_twice() {
	[ "$(inside journalctl --no-pager -o cat -u "mvmd@$1" | grep -c 'running after')" = 2 ]
}

is_rebooted() {
	run again
	listed "again: it is listed" again
	succeeds "again: machinectl reboot" inside machinectl reboot again
	says "again: the guest heard its power button" again pressed
	await has_run_twice again
	comes "again: and it is active again" again ActiveState active
	listed "again: and listed" again
	is "again: that was no failure" "$(property again NRestarts)" 0
	stop again
}

# The entry of the one that died stands in the way.
supervisor_dies() {
	local before
	run dies
	listed "dies: it is listed" dies
	before=$(property dies MainPID)
	inside kill -KILL "$before"
	comes "dies: its supervisor killed, another one comes" dies NRestarts 1
	comes "dies: and is active" dies ActiveState active
	listed "dies: the new one is the leader" dies
	inside mvmd stop --force dies
}

name_is_taken() {
	# A machine of somebody else's, whose leader is any process that stays.
	inside busctl call $MACHINED /org/freedesktop/machine1 $MACHINED.Manager RegisterMachine sayssus \
		taken 0 other container "$(inside systemctl show --value -p MainPID systemd-journald)" "" >"$WORK/taken" 2>&1
	run taken
	says "taken: a name that a container has stays the container's" taken \
		"not in the list of machinectl: another machine has its name"
	stop taken
	is "taken: also when the VM has ended" "$(machine taken Service)" other
}

by_hand() {
	spec hand hang
	start hand inside mvmd run hand
	await_text "$WORK/hand.err" "running after"
	is_not_listed hand && pass "hand: what no unit runs is no machine" || fail "hand: what no unit runs is no machine"
	inside mvmd stop --force hand
}

no_machined() {
	inside systemctl stop systemd-machined
	inside systemctl mask --runtime systemd-machined dbus-org.freedesktop.machine1.service 2>/dev/null
	run none
	comes "none: without machined it starts all the same" none ActiveState active
	stop none
	is "none: and says nothing of it" "$(inside journalctl --no-pager -o cat -u mvmd@none | grep -i machine)" ""
}

no_bus() {
	inside systemctl stop dbus.socket dbus.service 2>/dev/null
	run alone
	comes "alone: without a bus it starts all the same" alone ActiveState active
	stop alone
	is "alone: and says nothing of it" "$(inside journalctl --no-pager -o cat -u mvmd@alone | grep -iE 'machine|bus')" ""
}

[ -e "$SYSTEM/lib/systemd/systemd-machined" ] || skip_all "systemd-machined is not installed"
boot
is_shown
is_powered_off
is_terminated
is_rebooted
supervisor_dies
name_is_taken
by_hand
no_machined
no_bus
finish
