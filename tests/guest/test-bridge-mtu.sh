#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A tap with an MTU of its own, and what that does to its bridge and to whoever else is on it.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
need qemu-system-x86_64 jq ip

VMM=qemu ACCEL=tcg
. "$TOP/tests/guest/run-lib.sh"
make_host

mtu() {
	ip -j link show "$1" | jq '.[0].mtu'
}

# vm NAME MTU
vm() {
	spec "$1" "powerbutton poweroff" \
		"{ \"interfaces\": [ { \"id\": \"net0\", \"bridge\": \"br0\", \"mtu\": $2 } ] }"
	boot "$1"
}

# leave NAME
leave() {
	"$MVMD" stop "$1" 2>/dev/null
	ends "$1 ends" 0
}

vm small 1000
is "the tap has the MTU that was asked for" "$(mtu vm-small-net0)" 1000
is "the kernel gave the same to the bridge" "$(mtu br0)" 1000
has "which is told" "$WORK/small.err" "bridge br0 now has MTU 1000; before this VM's tap it had 1500"
leave small

vm same 1500
is "an MTU that changes nothing" "$(mtu br0)" 1500
has_not "is not worth a line" "$WORK/same.err" "now has MTU"
leave same

# By hand; what changes nothing would not count (net/core/dev.c: dev_set_mtu).
ip link set br0 mtu 1400
ip link set br0 mtu 1500
vm fixed 1000
is "a bridge whose MTU was set keeps it" "$(mtu br0)" 1500
has_not "and nothing is told" "$WORK/fixed.err" "now has MTU"
leave fixed
finish
