#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ports of bridges where the kernel has all of it: VLANs that are filtered, and what a guest sends limited.
. "$(dirname "$0")/../case-lib.sh"
private_host "$@"
need bridge tc

# vm NAME KEYS: the tiny guest, with one interface on br0 that has these keys.
vm() {
	spec "$1" "powerbutton poweroff" "$(jq -nc --argjson keys "$2" \
		'{ interfaces: [ { id: "net0", bridge: "br0", mac: "02:00:5e:10:00:07" } + $keys ] }')"
}

stops() {
	exits "$VM: it stops" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
}

vlans_of() {
	bridge -j -compressvlans vlan show dev "$1" | jq -c '[.[0].vlans[] |
		[.vlan, .vlanEnd // .vlan, (.flags // [] | join(" "))]]'
}

filters_vlans() {
	local tap=vm-$VM-net0
	vm "$VM" '{ "locked": true, "vlan": { "pvid": 10, "tagged": [ 20, "30-33" ] } }'
	provokes "$VM: a bridge that does not filter yet" vlan-filtering-off $EXIT_UNAVAILABLE "bridge=br0" \
		"ip link set br0 type bridge vlan_filtering 1" run "$VM"
	ip link set br0 type bridge vlan_filtering 1
	boot "$VM"
	is "$VM: the port is in its VLANs and in no others" "$(vlans_of "$tap")" \
		'[[10,10,"PVID Egress Untagged"],[20,20,""],[30,33,""]]'
	bridge fdb show dev "$tap" >"$WORK/text"
	for vlan in 10 20 30 33; do
		has "$VM: the guest's address is fixed in VLAN $vlan" "$WORK/text" \
			"02:00:5e:10:00:07 vlan $vlan master br0 static"
	done
	no_findings "$VM: nothing is wrong" "$VM"
	stops
	vm "$VM" '{ "vlan": { "tagged": [ 1, 7 ] } }'
	boot "$VM"
	is "$VM: the bridge's own VLAN is taken over as it was asked for" "$(vlans_of "$tap")" '[[1,1,""],[7,7,""]]'
	stops
	ip link set br0 type bridge vlan_filtering 0
}

makes_bridge() {
	vm "$VM" '{ "bridge": "vms", "vlan": { "pvid": 10 }, "create_bridge": { "vlan_filtering": true } }'
	boot "$VM"
	is "$VM: a bridge that filters is made, and the port is in its VLAN" "$(vlans_of "vm-$VM-net0")" \
		'[[10,10,"PVID Egress Untagged"]]'
	stops
}

limits() {
	local tap=vm-$VM-net0
	vm "$VM" '{ "rate": { "rx": "80Mbit", "tx": "8Mbit", "burst": "256KiB" } }'
	boot "$VM"
	tc qdisc show dev "$tap" >"$WORK/text"
	has "$VM: what the guest gets is limited" "$WORK/text" "rate 80Mbit burst 256Kb"
	tc filter show dev "$tap" ingress >"$WORK/text"
	has "$VM: what it sends, too" "$WORK/text" "matchall"
	has "$VM: to its rate" "$WORK/text" "rate 8Mbit burst 256Kb"
	no_findings "$VM: nothing is wrong" "$VM"
	# A repair sets all again, on top of what is there.
	ip link set "$tap" nomaster
	succeeds "$VM: a repair takes it" await_value "$VM" '.interfaces[0].attached'
	has_not "$VM: and nothing stands in its way" "$WORK/$VM.err" "rate-set"
	stops
}

# had_feature NUMBER: 1 where guest and VMM agreed on it (linux/virtio_net.h), else 0.
had_feature() {
	local bits
	bits=$(sed -n 's/^guest: features \([01]*\).*/\1/p' "$WORK/$VM.out")
	echo "${bits:$1:1}"
}

# What a stock Linux guest makes of it: it has its network, within its lock, and none of what is switched off.
guest_sees() {
	cat >"$WORK/share/run" <<-'END'
		#!/bin/sh
		echo "guest: features $(cat /sys/class/net/eth0/device/features)"
		echo "guest: mtu $(cat /sys/class/net/eth0/mtu)"
	END
	chmod 755 "$WORK/share/run"
	linux_spec "$VM" "mvmd.ip=10.0.0.2/24 mvmd.ping=10.0.0.1 mvmd.share=data mvmd.action=run,poweroff" \
		'{ "interfaces": [ { "id": "net0", "bridge": "br0", "locked": true, "isolated": true, "mtu": 1400,
			"rate": { "rx": "100Mbit", "tx": "100Mbit" }, "offloads": { "tso": false } } ] }'
	run "$VM"
	ends "$VM: Linux powers off" 0
	has "$VM: it pings the host from its locked and limited port" "$WORK/$VM.out" "10.0.0.1 answers over the bridge"
	has "$VM: it was told the MTU" "$WORK/$VM.out" "guest: mtu 1400"
	is "$VM: it leaves checksums to the host" "$(had_feature 0)" 1
	is "$VM: and cuts IPv4's TCP itself" "$(had_feature 11)" 0
	is "$VM: and IPv6's" "$(had_feature 12)" 0
	is "$VM: nor gets such packets" "$(had_feature 7)$(had_feature 8)" 00
	rm -f "$WORK"/share/{run,from-guest}
}

case_with qemu vlans filters_vlans
case_with qemu made makes_bridge
case_with qemu limits limits
case_with qemu sees guest_sees
case_with cloud-hypervisor sees-ch guest_sees
finish
