#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an interface sets of its port and its card, with real VMMs: the kernel has it, and the VMM took it.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
need qemu-system-x86_64 jq ip bridge tc

. "$TOP/tests/guest/run-lib.sh"
. "$TOP/tests/guest/run-cases.sh"
. "$TOP/tests/guest/faults-lib.sh"
make_host

# vm NAME WORDS [KEYS [MORE]]: with one interface on br0 that has these keys.
vm() {
	spec "$1" "$2" "$(jq -nc --argjson keys "${3:-"{}"}" --argjson more "${4:-"{}"}" \
		'{ interfaces: [ { id: "net0", bridge: "br0" } + $keys ] } + $more')"
}

stops() {
	exits "$VM: it stops as ever" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
	succeeds "$VM: nothing is left of its tap" tap_is_gone
}

tap_is_gone() {
	! ip link show "vm-$VM-net0" >/dev/null 2>&1
}

# ch_config FILTER: of what cloud-hypervisor says that it runs.
ch_config() {
	python3 - "$WORK/run/$VM/api.sock" <<-'END' | jq -e "$1" >/dev/null
		import socket, sys
		api = socket.socket(socket.AF_UNIX)
		api.connect(sys.argv[1])
		api.sendall(b"GET /api/v1/vm.info HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n")
		head, body = b"", b""
		while b"\r\n\r\n" not in head:
		    head += api.recv(1)
		length = [int(l.split(b":")[1]) for l in head.split(b"\r\n") if l.lower().startswith(b"content-length")][0]
		while len(body) < length:
		    body += api.recv(length - len(body))
		print(body.decode())
	END
}

# qemu_was_told WORD: in its arguments.
qemu_was_told() {
	tr '\0' '\n' <"/proc/$VMM_PID/cmdline" | grep -q -- "$1"
}

ports() {
	local tap=vm-$VM-net0
	vm "$VM" "powerbutton poweroff" '{ "isolated": true, "locked": true, "mac": "02:00:5e:10:00:07",
		"rate": { "rx": "80Mbit" } }'
	boot "$VM"
	bridge -d link show dev "$tap" >"$WORK/text"
	has "$VM: the port is isolated" "$WORK/text" "isolated on"
	has "$VM: and locked" "$WORK/text" "locked on"
	bridge fdb show dev "$tap" >"$WORK/text"
	has "$VM: to the guest's address" "$WORK/text" "02:00:5e:10:00:07 master br0 static"
	tc qdisc show dev "$tap" >"$WORK/text"
	has "$VM: what the guest gets is limited" "$WORK/text" "rate 80Mbit burst 128Kb"
	is "$VM: the tap has no IPv6 address" "$(ip -6 addr show dev "$tap")" ""
	no_findings "$VM: nothing is wrong" "$VM"
	tc qdisc del dev "$tap" root
	succeeds "$VM: a limit that somebody takes away comes back" await eval \
		"tc qdisc show dev $tap | grep -q 'rate 80Mbit'"
	# Its line comes when mvmd has looked at all of the port again; what changes before that it leaves.
	succeeds "$VM: which is said, too" await_text "$WORK/$VM.err" "was set otherwise on bridge br0 (what it gets has no limit"
	bridge fdb del 02:00:5e:10:00:07 dev "$tap" master
	succeeds "$VM: and so does the address" await eval \
		"bridge fdb show dev $tap | grep -q '02:00:5e:10:00:07 master br0 static'"
	succeeds "$VM: which is said" await_text "$WORK/$VM.err" "was set otherwise on bridge br0 (the bridge does not have"
	stops
}

card() {
	vm "$VM" "powerbutton poweroff" '{ "queues": "auto", "offloads": { "csum": false } }' '{ "cpus": 2 }'
	boot "$VM"
	ip -d -j link show "vm-$VM-net0" >"$WORK/link"
	succeeds "$VM: as many queues as cpus" jq -e '.[0].num_tx_queues >= 2 and .[0].linkinfo.info_data.multi_queue' "$WORK/link"
	if [ "$VMM" = qemu ]; then
		succeeds "$VM: QEMU was told of the queues" qemu_was_told ",mq=on,vectors=6"
		succeeds "$VM: and to do without checksums" qemu_was_told ",csum=off,guest_csum=off,gso=off"
		succeeds "$VM: and without all that needs them" qemu_was_told ",host_tso4=off,.*,guest_ufo=off"
	else
		succeeds "$VM: cloud-hypervisor knows of the queues" ch_config '.config.net[0].num_queues == 4'
		succeeds "$VM: and that it does without offloads" ch_config \
			'.config.net[0] | [.offload_csum, .offload_tso, .offload_ufo] == [false, false, false]'
	fi
	no_findings "$VM: nothing is wrong" "$VM"
	stops
}

rate_of_vmm() {
	vm "$VM" "powerbutton poweroff" '{ "rate": { "rx": "8Mbit", "tx": "8Mbit", "burst": "1MiB", "by": "vmm" } }'
	boot "$VM"
	succeeds "$VM: cloud-hypervisor has the limit" ch_config \
		'.config.net[0].rate_limiter_config.bandwidth | .size == 1049000 and .refill_time == 1049'
	tc qdisc show dev "vm-$VM-net0" >"$WORK/text"
	has_not "$VM: and the tap has none" "$WORK/text" "tbf"
	stops
}

vlan_without_filtering() {
	vm "$VM" poweroff '{ "vlan": { "pvid": 7 } }'
	if bridge vlan add vid 7 dev br0 self 2>/dev/null; then
		bridge vlan del vid 7 dev br0 self
		provokes "$VM: a bridge that filters no VLANs" vlan-filtering-off $EXIT_UNAVAILABLE \
			"bridge=br0" "ip link set br0 type bridge vlan_filtering 1" run "$VM"
	else
		provokes "$VM: a kernel that filters no VLANs" vlan-unsupported $EXIT_UNAVAILABLE \
			"bridge=br0" "a bridge of its own" run "$VM"
	fi
}

# shares NAME: a VM on a bridge that is made for it, as 10.9.0.1.
shares() {
	spec "$1" "powerbutton poweroff" '{ "interfaces": [
		{ "id": "net0", "bridge": "vms", "create_bridge": { "address": [ "10.9.0.1/24" ] } } ] }'
}

bridge_is_gone() {
	! ip link show vms >/dev/null 2>&1
}

made_bridge() {
	local first second=${VM}2
	shares "$VM"
	shares "$second"
	exits "$VM: check finds nothing" 0 "$MVMD" check "$VM"
	boot "$VM"
	first=$SUPERVISOR
	link_holds "$VM: the bridge was made, is ours, and up" \
		'any(.[]; .ifname == "vms" and .ifalias == "mvmd:bridge" and (.flags | index("UP")))'
	ip addr show dev vms >"$WORK/text"
	has "$VM: with its address" "$WORK/text" "inet 10.9.0.1/24"
	link_holds "$VM: the tap is on it" "any(.[]; .ifname == \"vm-$VM-net0\" and .master == \"vms\")"
	no_findings "$VM: nothing is wrong" "$VM"
	boot "$second"
	exits "$VM: the first stops" 0 "$MVMD" stop "$VM"
	SUPERVISOR=$first
	ends "$VM: by its button" 0
	link_holds "$VM: the bridge stays for the other" 'any(.[]; .ifname == "vms")'

	# Killed, and all that it held with it: the next start finds the bridge, and its stop removes it.
	SUPERVISOR=$(value "$second" .pid)
	kill -KILL "$SUPERVISOR" "$VMM_PID"
	ended "$SUPERVISOR"
	boot "$second"
	exits "$VM: the other stops" 0 "$MVMD" stop "$second"
	ends "$VM: by its button, too" 0
	succeeds "$VM: and the bridge goes with it" bridge_is_gone
}

bridge_that_was_there() {
	spec "$VM" "powerbutton poweroff" '{ "interfaces": [ { "id": "net0", "bridge": "br0",
		"create_bridge": { "address": [ "10.9.0.7/24", "10.9.0.8/24" ] } } ] }'
	ip addr add 10.9.0.7/24 dev br0
	boot "$VM"
	status_names "$VM: a bridge that was there, and is otherwise" bridge-otherwise "$VM" \
		"bridge=br0, differs=the host has no address 10.9.0.8/24 there" \
		"ip addr add 10.9.0.8/24 dev br0; or"
	exits "$VM: it stops" 0 "$MVMD" stop "$VM"
	ends "$VM: as any" 0
	ip addr del 10.9.0.7/24 dev br0
}

bridge_that_cannot_be() {
	local no_ipv6=/proc/sys/net/ipv6/conf/default/disable_ipv6
	spec "$VM" poweroff '{ "interfaces": [ { "id": "net0", "bridge": "vms",
		"create_bridge": { "address": [ "10.9.0.1/24", "fd09::1/64" ] } } ] }'
	[ ! -e $no_ipv6 ] || echo 1 >$no_ipv6
	provokes "$VM: an address that it cannot have" bridge-make $EXIT_UNAVAILABLE "bridge=vms" "ip addr" run "$VM"
	succeeds "$VM: leaves no bridge" bridge_is_gone
	ip link add "vm-$VM-net0" type bridge
	shares "$VM"
	provokes "$VM: a tap that cannot be made" tap-name-taken $EXIT_BUSY "tap=vm-$VM-net0" "ip link del" run "$VM"
	succeeds "$VM: neither" bridge_is_gone
	ip link del "vm-$VM-net0"
}

VMM=qemu ACCEL=tcg
case_of pq ports
case_of cq card
case_of vq vlan_without_filtering
case_of mb made_bridge
case_of wb bridge_that_was_there
case_of nb bridge_that_cannot_be
VMM=cloud-hypervisor ACCEL=kvm
if has_cloud_hypervisor && command -v python3 >/dev/null && kvm_runs_the_guest; then
	case_of pc ports
	case_of cc card
	case_of rc rate_of_vmm
else
	skip "cloud-hypervisor takes it" "it is not installed, or no KVM runs the guest"
fi
finish
