#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# While a VM runs its taps are kept on their bridges: what somebody takes away is put back, said, and made up for;
# on_detach decides. Frames of the guest's tap are the proof.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
need qemu-system-x86_64 jq ip

VMM=qemu ACCEL=tcg
. "$TOP/tests/guest/run-lib.sh"
. "$TOP/tests/guest/faults-lib.sh"
make_host

# nic JSON: a spec's part with one interface of these keys.
nic() {
	jq -nc --argjson nic "$1" '{ interfaces: [ { id: "net0", bridge: "br0" } + $nic ] }'
}

# is_on TAP BRIDGE
is_on() {
	ip -j link show "$1" | jq -e --arg bridge "$2" \
		'.[0].master == $bridge and (.[0].flags | index("UP"))'
}

# says VM TEXT: mvmd has said it, or will.
says() {
	succeeds "$1: it is said: $2" await_text "$WORK/$1.err" "$2"
}

# count VM TEXT: how often it has been said.
count() {
	grep -cF -e "$2" "$WORK/$1.err"
}

is_made_up_for() {
	spec kept "powerbutton poweroff" "$(nic '{ "mtu": 1400 }')"
	boot kept
	ip link set vm-kept-net0 nomaster
	succeeds "a tap that is taken off comes back" await is_on vm-kept-net0 br0
	says kept "tap vm-kept-net0 was taken off bridge br0; mvmd has put it back [tap-off-bridge]"
	succeeds "status keeps that" await_value kept '.findings
		| any(.id == "tap-off-bridge" and .evidence.repaired == "yes")'
	holds "and it is attached" kept '.interfaces[0].attached'

	ip link del br0
	says kept "bridge br0 is gone, and tap vm-kept-net0 is on none [bridge-lost]"
	status_names "a bridge that is gone is awaited" bridge-lost kept \
		"tap=vm-kept-net0, bridge=br0, repaired=when the bridge is back" "mvmd then puts tap"
	ip link add br0 up type bridge
	succeeds "and the tap is on the new one" await is_on vm-kept-net0 br0
	says kept "bridge br0 was removed and is there again; mvmd has put tap vm-kept-net0 back on it"
	is "with its MTU" "$(ip -j link show vm-kept-net0 | jq '.[0].mtu')" 1400

	ip link set br0 down
	ip link set br0 name br1
	says kept "there is no bridge br0 any more, and tap vm-kept-net0 is on br1 [bridge-lost]"
	status_names "a bridge that was renamed is called so" bridge-lost kept \
		"tap=vm-kept-net0, bridge=br0, master=br1, repaired=when the bridge is back" \
		"ip link set br1 name br0"
	ip link set br1 name br0
	ip link set br0 up
	succeeds "and with its name it is as it was" await_value kept '.interfaces[0].attached
		and (.findings | all(.id != "bridge-down" and .evidence.repaired != "when the bridge is back"))'
	"$MVMD" stop kept 2>/dev/null
	ends "kept: it ends as any" 0
	succeeds "and its tap with it" eval '! ip link show vm-kept-net0 2>/dev/null'
}

# has_said VM TEXT TIMES
has_said() {
	[ "$(count "$1" "$2")" = "$3" ]
}

# Somebody who takes the tap away as soon as it is put back: as mvmd has looked, too, which comes behind the setting.
is_no_endless_fight() {
	spec fought "powerbutton poweroff"
	boot fought
	local i
	for i in 1 2 3 4 5 6; do
		ip link set vm-fought-net0 nomaster
		[ "$i" = 6 ] || await has_said fought "mvmd has put it back" "$i"
	done
	says fought "mvmd leaves it now, and says no more of it"
	status_names "who does it again and again" tap-contested fought \
		"tap=vm-fought-net0, bridge=br0, times=5, repaired=no" "networkctl status vm-fought-net0"
	ip link set vm-fought-net0 master br0
	ip link set vm-fought-net0 nomaster
	status_names "while it is left, status tells how it is" tap-off-bridge fought \
		"tap=vm-fought-net0" "ip link set vm-fought-net0 master br0"
	is "and it was put back five times" "$(count fought "mvmd has put it back")" 5
	"$MVMD" stop fought 2>/dev/null
	ends "fought: it ends as any" 0
}

is_only_told() {
	spec told "powerbutton poweroff" "$(nic '{ "on_detach": "warn" }')"
	boot told
	ip link set vm-told-net0 nomaster
	says told "tap vm-told-net0 is not on bridge br0, nor on any other [tap-off-bridge]"
	ip link set vm-told-net0 master br0
	says told "tap vm-told-net0 is on bridge br0 again"
	no_findings "what has passed is no finding any more" told
	"$MVMD" stop told 2>/dev/null
	ends "told: it ends as any" 0
}

stops_the_vm() {
	spec ended "powerbutton print=pressed poweroff" "$(nic '{ "on_detach": "stop-vm" }')"
	boot ended
	await_text "$WORK/ended.out" "awaiting the power button"
	ip link set vm-ended-net0 nomaster
	ends "with stop-vm the guest is powered off" $EXIT_UNAVAILABLE
	has "by its button" "$WORK/ended.out" pressed
	has "and why is said" "$WORK/ended.err" \
		"the VM is stopped, as on_detach says: tap vm-ended-net0 is not on bridge br0"
}

# The next supervisor watches, and makes up for what came in between.
is_kept_over_a_supervisor() {
	spec heir "powerbutton poweroff"
	boot heir
	kill -KILL "$SUPERVISOR"
	ended "$SUPERVISOR"
	ip link set vm-heir-net0 down
	ip link set vm-heir-net0 nomaster mtu 1300 name mislaid0
	run heir
	await_text "$WORK/heir.err" "adopted the running VM"
	succeeds "a supervisor that takes over a VM puts its tap back" await is_on vm-heir-net0 br0
	is "with the MTU that it had" "$(ip -j link show vm-heir-net0 | jq '.[0].mtu')" 1500
	has "the name it had was known" "$WORK/heir.err" "tap vm-heir-net0 was renamed to mislaid0; mvmd has given it its name back"
	ip link set vm-heir-net0 down
	succeeds "and keeps it so" await is_on vm-heir-net0 br0
	"$MVMD" stop heir 2>/dev/null
	ends "heir: it ends as any" 0
	is "nothing is said of a tap that goes with its VMM" "$(count heir "[tap-lost]")" 0
}

is_made_up_for
is_no_endless_fight
is_only_told
stops_the_vm
is_kept_over_a_supervisor
finish
