#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A guest with a real systemd, Debian 13's, which finds by itself whom to tell that it is ready.
. "$(dirname "$0")/../case-lib.sh"

DISK=/dev/vdc
[ -b $DISK ] || skip_all "there is no Debian 13 here: make check makes it"
private_host "$@"
cp "$BUILD/systemd-initramfs.img" "$WORK/initramfs.img" # the kernel is the same
chmod 666 $DISK

tells_that_it_is_ready() {
	spec "$VM" "" "$(jq -n --arg folder "$WORK" --arg words "$LINUX_WORDS mvmd.root=/dev/vda" --arg disk $DISK '{
		memory: "256MiB", ready: "guest", timeouts: { guest: "10min" },
		disks: [ { id: "root", path: $disk } ],
		boot: {
			kernel: ($folder + "/vmlinuz"), initramfs: ($folder + "/initramfs.img"), cmdline: $words
		} }')"
	run "$VM"
	ends "$VM: the guest powers off by itself, once it is up" 0
	has "$VM: before that its systemd told that it is ready" "$WORK/$VM.err" "the guest is ready after"
	has_not "$VM: nothing was wrong" "$WORK/$VM.err" "error:"
}

case_with cloud-hypervisor systemd tells_that_it_is_ready
finish
