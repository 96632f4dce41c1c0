#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A run without a fault reports none: every kind of device, and every way to live and to end, in both VMMs. Not a
# finding in status, and in stderr not one line with an id.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
need jq

. "$TOP/tests/guest/run-lib.sh"
make_host
for disk in vmm daemon; do
	truncate -s 1M "$WORK/$disk.raw"
	chmod 666 "$WORK/$disk.raw"
done

# vm WORDS: one with everything; cloud-hypervisor's vsock needs no module of the host.
vm() {
	local vsock='{ "vsock": {} }'
	[ "$VMM" = cloud-hypervisor ] || vsock='{}'
	spec "$VM" "$1" "$(jq -n --arg work "$WORK" --argjson vsock "$vsock" '$vsock + {
		cpus: 2,
		disks: [ { id: "own", path: "\($work)/vmm.raw" },
			{ id: "served", path: "\($work)/daemon.raw", backend: "storage-daemon" } ],
		shares: [ { tag: "data", source: "\($work)/share" } ],
		interfaces: [ { id: "net0", bridge: "br0" }, { id: "net1", bridge: "br0" } ] }')"
}

# A finding's line ends in its id.
is_faultless() {
	ended "$SUPERVISOR"
	if [ "$STATUS" = 0 ] && ! grep -qE '(error|warning): |\[[a-z0-9-]+\]$' "$WORK/$VM.err"; then
		pass "$VMM: $1: no finding"
	else
		fail "$VMM: $1: no finding" "mvmd run ended with $STATUS" "$(cat "$WORK/$VM.err")"
	fi
}

has_no_findings() {
	holds "$VMM: $1: status has none" "$VM" '.findings == [] and .state == "running"'
}

lives() {
	VM=off
	vm "print=hello poweroff"
	run "$VM"
	is_faultless "the guest powers off"

	VM=reboots
	vm "lives=disk reboot=2 print=up_again powerbutton poweroff"
	boot "$VM"
	await_text "$WORK/$VM.out" "awaiting the power button"
	await_value "$VM" '.guest.lives == 3'
	has_no_findings "after two reboots"
	"$MVMD" stop "$VM"
	is_faultless "it reboots twice, and is stopped"
	dd if=/dev/zero of="$WORK/vmm.raw" bs=1M count=1 conv=notrunc status=none

	VM=signal
	vm "powerbutton poweroff"
	boot "$VM"
	await_text "$WORK/$VM.out" "awaiting the power button"
	has_no_findings "while it runs"
	kill -TERM "$SUPERVISOR"
	is_faultless "it is stopped by a signal"

	VM=force
	vm hang
	boot "$VM"
	"$MVMD" stop --force "$VM"
	is_faultless "it is ended by force"
}

if command -v qemu-system-x86_64 >/dev/null && command -v qemu-storage-daemon >/dev/null &&
	command -v virtiofsd >/dev/null; then
	VMM=qemu ACCEL=tcg
	lives
else
	skip "QEMU" "qemu-system-x86_64, qemu-storage-daemon or virtiofsd is not installed"
fi
if has_cloud_hypervisor && command -v virtiofsd >/dev/null; then
	VMM=cloud-hypervisor ACCEL=kvm
	lives
else
	skip "cloud-hypervisor" "it, a usable /dev/kvm or virtiofsd is not there"
fi
finish
