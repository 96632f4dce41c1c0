#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# "attach": "passt": one that mvmd starts for each connection of the VMM, over reboots, crashes and a supervisor's death;
# its ports, and what keeps it from starting.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
need qemu-system-x86_64 jq ip ss

VMM=qemu ACCEL=tcg
. "$TOP/tests/guest/run-lib.sh"
. "$TOP/tests/guest/faults-lib.sh"
. "$TOP/tests/guest/passt-lib.sh"
make_host
need_passt
ip link set lo up

# vm NAME WORDS [PASST] [JSON]
vm() {
	local passt=${3:-"{}"} more=${4:-"{}"}
	truncate -s 0 "$WORK/$1.img"
	truncate -s 1M "$WORK/$1.img"
	chmod 666 "$WORK/$1.img"
	spec "$1" "$2" "$(jq -nc --arg disk "$WORK/$1.img" --argjson passt "$passt" --argjson more "$more" '{
		disks: [ { id: "lives", path: $disk } ],
		interfaces: [ { id: "net0", attach: "passt", passt: $passt } ] } + $more')"
}

passt_pid() {
	value "$VM" '.backends[0].pid'
}

listens_at() {
	[ -n "$(ss -Hln"$1" "src $2")" ]
}

reboots() {
	vm "$VM" "lives=disk reboot=2 powerbutton poweroff" '{ "forward": [ { "host": 8080, "guest": 80 },
		{ "protocol": "udp", "host": 5353, "address": "127.0.0.1" } ] }'
	boot "$VM"
	await_text "$WORK/$VM.out" "tiny: life 3"
	await_value "$VM" '.backends[0] | .pid != null and .kind == "passt"'
	holds "$VM: status names the way and no tap" "$VM" \
		'.interfaces[0] | .attach == "passt" and has("tap") and .tap == null and .bridge == null'
	no_findings "$VM: two reboots are no finding" "$VM"
	is "$VM: it runs as the VM's user, without a right" \
		"$(status_field "$(passt_pid)" Uid | cut -d' ' -f1) $(status_field "$(passt_pid)" CapEff)" \
		"$("$MVMD" plan --json "$VM" | jq .uid) 0000000000000000"
	succeeds "$VM: the port of all addresses is open" await listens_at t ":8080"
	succeeds "$VM: and that of one" await listens_at u "127.0.0.1:5353"
	exits "$VM: it stops as ever" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
}

# QEMU takes a lost one back at once; cloud-hypervisor once the guest's driver, or the next reboot, wants it.
crashes() {
	local first
	vm "$VM" "powerbutton poweroff"
	boot "$VM"
	await_value "$VM" '.backends[0].pid != null'
	first=$(passt_pid)
	kill -KILL "$first"
	await_value "$VM" ".backends[0] | .pid != null and .pid != $first and .restarts == 1"
	status_names "$VM: one that is killed comes back" backend-crashed "$VM" \
		"backend=passt[net0], interface=net0" "out of memory"
	exits "$VM: it stops as ever" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
}

stops() {
	vm "$VM" "powerbutton poweroff" '{ "on_exit": "stop-vm" }'
	boot "$VM"
	await_value "$VM" '.backends[0].pid != null'
	kill -KILL "$(passt_pid)"
	ends "$VM: on_exit says what its end leads to" $EXIT_BACKEND
	has "$VM: and the finding says that it did" "$WORK/$VM.err" "the VM is stopped, as on_exit says"
}

adopted() {
	local first
	vm "$VM" "powerbutton poweroff"
	boot "$VM"
	await_value "$VM" '.backends[0].pid != null'
	first=$(passt_pid)
	next_supervisor "$VM"
	is "$VM: the next supervisor has the same passt" "$(passt_pid)" "$first"
	kill -KILL "$first"
	await_value "$VM" ".backends[0] | .pid != null and .pid != $first"
	exits "$VM: it stops as ever" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
}

# somebody PORT: listens there already.
somebody() {
	start "somebody" "$PASST" --foreground --runas 65534 --socket "$WORK/somebody.sock" --tcp-ports "$1"
	SOMEBODY=$STARTED
	await listens_at t ":$1"
}

ports() {
	vm "$VM" poweroff '{ "forward": [ { "host": 80 } ] }'
	provokes "$VM: a port that takes a right" port-denied $EXIT_PERMISSION "port=80" \
		"ip_unprivileged_port_start=80" check "$VM"
	sysctl -q net.ipv4.ip_unprivileged_port_start=80
	checks "$VM: it is the host's to give it" "$VM"
	sysctl -q net.ipv4.ip_unprivileged_port_start=1024
	somebody 8081
	vm "$VM" hang '{ "forward": [ { "host": 8081 } ] }'
	provokes "$VM: a port that somebody has" port-taken $EXIT_BUSY \
		"interface=net0, port=8081, protocol=tcp, holder_pid=$SOMEBODY" "ss -lntup" run "$VM"
	has "$VM: its program is named" "$WORK/err" "it is open in pid $SOMEBODY ($(cat "/proc/$SOMEBODY/comm")"
	vm "$VM" hang '{ "forward": [ { "host": 8081, "address": "127.0.0.1" } ] }'
	provokes "$VM: one of all addresses is one of each" port-taken $EXIT_BUSY "holder_pid=$SOMEBODY" "ss -lntup" \
		run "$VM"
	vm "$VM" "poweroff" '{ "forward": [ { "host": 8081, "protocol": "udp" } ] }'
	run "$VM"
	ends "$VM: the same number of another protocol is another port" 0
	kill "$SOMEBODY"
	ended "$SOMEBODY"
}

# Two VMs of ours: of UDP the second would get all of the first's.
shared_port() {
	local first=$VM other=${VM}2 forward='{ "protocol": "udp", "host": 5354, "address": "127.0.0.1" }'
	vm "$first" "powerbutton poweroff" "{ \"forward\": [ { \"host\": 8082 }, $forward ] }"
	boot "$first"
	succeeds "$first: its ports are open" await listens_at u "127.0.0.1:5354"
	vm "$other" hang "{ \"forward\": [ $forward ] }"
	provokes "$other: a port of another VM's" port-taken $EXIT_BUSY \
		"port=5354, protocol=udp, holder_pid=$(passt_pid), holder_vm=$first" "mvmd stop $first" run "$other"
	provokes "$other: check tells it of two specs" port-conflict $EXIT_BUSY \
		"vms=$first, $other, both_have=the host's udp port 5354 at 127.0.0.1" 'another "host" in the forward' \
		check --all
	vm "$other" hang '{ "forward": [ { "protocol": "udp", "host": 5354, "address": "0.0.0.0" } ] }'
	provokes "$other: also where one has it at all addresses" port-conflict $EXIT_BUSY \
		"$first at 127.0.0.1 and $other at 0.0.0.0" 'another "host" in the forward' check --all
	vm "$other" "poweroff" '{ "forward": [ { "protocol": "udp", "host": 5354, "address": "::1" } ] }'
	checks "$other: another address is another port" --all
	run "$other"
	ends "$other: and can be open beside it" 0
	exits "$first: it stops as ever" 0 "$MVMD" stop "$first"
	ends "$first: by its button" 0
	rm "$MVMD_SPEC_DIR/$other.json"
}

old() {
	mkdir "$WORK/old"
	cat >"$WORK/old/passt" <<-END
		#!/bin/sh
		[ "\$1" != --version ] || echo "passt 2023_03_09.7c7625d"
		[ "\$1" != --help ] || echo "  -s, --socket, --socket-path PATH	UNIX domain socket path"
	END
	chmod 755 "$WORK/old/passt"
	vm "$VM" poweroff
	PATH=$WORK/old:$PATH provokes "$VM: one without vhost-user" passt-too-old $EXIT_UNAVAILABLE \
		"path=$WORK/old/passt, version=2023_03_09.7c7625d" "Debian 13" check "$VM"
}

case_of pa reboots
case_of pb crashes
case_of pc stops
case_of pd adopted
case_of pe ports
case_of pf old
case_of ph shared_port
if [ -e /dev/kvm ] && type -P cloud-hypervisor >/dev/null && kvm_runs_the_guest; then
	VMM=cloud-hypervisor ACCEL=kvm
	case_of pg reboots
else
	skip "cloud-hypervisor with a passt" "cloud-hypervisor does not run here"
fi
finish
