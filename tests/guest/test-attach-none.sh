#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# "attach": "none": a tap and nothing else, which others may put where they like, and what is told of it.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
need qemu-system-x86_64 jq ip

VMM=qemu ACCEL=tcg
. "$TOP/tests/guest/run-lib.sh"
. "$TOP/tests/guest/faults-lib.sh"
make_host

# vm NAME WORDS [KEYS]: with one interface of that way.
vm() {
	spec "$1" "$2" "$(jq -nc --argjson keys "${3:-"{}"}" '{ interfaces: [ { id: "net0", attach: "none" } + $keys ] }')"
}

alone() {
	vm "$VM" "powerbutton poweroff" '{ "mtu": 1400 }'
	boot "$VM"
	link_holds "$VM: the tap is up, ours, with its MTU, and nobody's port" \
		"any(.[]; .ifname == \"vm-$VM-net0\" and .master == null and .ifalias == \"mvmd:$VM/net0\"
			and (.flags | index(\"UP\")) and .mtu == 1400 and (.address | startswith(\"fe:\")))"
	holds "$VM: status knows no bridge, and has every key" "$VM" \
		'.interfaces[0] | .attach == "none" and has("bridge") and .bridge == null
			and has("attached") and .attached == null
			and has("network_file") and .network_file == null'
	"$MVMD" status "$VM" >"$WORK/text"
	has "$VM: its text speaks of the tap alone" "$WORK/text" "interface net0: tap vm-$VM-net0, guest MAC"
	has_not "$VM: and of no bridge" "$WORK/text" "bridge"
	ip link set "vm-$VM-net0" master br0
	no_findings "$VM: it is no finding that somebody puts it on a bridge" "$VM"
	ip link set "vm-$VM-net0" down
	status_names "$VM: a tap that is down" tap-changed "$VM" \
		"tap=vm-$VM-net0, differs=it is down instead of up" "ip link set vm-$VM-net0 up"
	ip link del "vm-$VM-net0"
	status_names "$VM: a tap that is removed" tap-lost "$VM" "tap=vm-$VM-net0" "start it again"
	holds "$VM: and since when it was there is told no more" "$VM" '.interfaces[0].since_realtime_usec == null'
	exits "$VM: it stops as ever" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
}

adopted() {
	vm "$VM" "powerbutton poweroff"
	boot "$VM"
	next_supervisor "$VM"
	no_findings "$VM: one that is adopted has its tap still" "$VM"
	exits "$VM: it stops as ever" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
}

checked() {
	vm "$VM" poweroff
	exits "$VM: check finds nothing" 0 "$MVMD" check "$VM"
	"$MVMD" doctor "$VM" >"$WORK/text" 2>&1
	has "$VM: doctor neither" "$WORK/text" "$VM could be started now"
	"$MVMD" plan --json "$VM" >"$WORK/plan"
	succeeds "$VM: the plan has the way, no bridge, and the kernel's MTU" jq -e '.interfaces[0]
		| .attach == "none" and has("bridge") and .bridge == null and .mtu == 1500' "$WORK/plan"
	ip link add "vm-$VM-net0" type bridge
	provokes "$VM: the name is taken" tap-name-taken $EXIT_BUSY "tap=vm-$VM-net0, kind=bridge" \
		"ip link del vm-$VM-net0" run --now "$VM"
	ip link del "vm-$VM-net0"
	run "$VM"
	ends "$VM: it runs" 0
}

case_of na alone
case_of nb adopted
case_of nc checked
finish
