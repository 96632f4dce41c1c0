#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A Linux guest from the distribution's own packages, in QEMU: bridge, share and disk, a reboot, and
# the power button.
. "$(dirname "$0")/../lib.sh"

need qemu-system-x86_64 qemu-storage-daemon busybox ip
AWAIT_SEC=120 # a boot without KVM on a busy machine, with room
need_root

# Before the private namespaces, from which nothing can be downloaded.
GUEST=$BUILD/linux-guest
if ! "$TOP/contrib/make-linux-guest" "$GUEST" >"$WORK/make.out" 2>&1; then
	skip_all "no Linux guest could be made: $(tail -n 1 "$WORK/make.out")"
fi
rm -f "$WORK/make.out"
private_namespaces "$@"

CMDLINE="console=ttyS0 panic=-1 quiet mvmd.ip=10.0.0.2/24 mvmd.ping=10.0.0.1"
CMDLINE="$CMDLINE mvmd.share=data mvmd.disk=1 mvmd.action=reboot,wait"

export MVMD_SPEC_DIR=$WORK/spec MVMD_RUNTIME_DIR=$WORK/run MVMD_STATE_DIR=$WORK/state

# The share and the disk are served as root, so that no file here needs another right.
prepare() {
	mkdir "$WORK"/{spec,share}
	cp "$GUEST"/{vmlinuz,initramfs.img} "$WORK/"
	echo "a line of the host's" >"$WORK/share/from-host"
	echo "first words of the disk" >"$WORK/disk.raw"
	truncate -s 1M "$WORK/disk.raw"
	chmod 666 "$WORK/disk.raw"
	ip link add br0 type bridge
	ip addr add 10.0.0.1/24 dev br0
	ip link set br0 up
	cat >"$MVMD_SPEC_DIR/linux.json" <<-SPEC
		{
		  "vmm": "qemu",
		  "accel": "tcg",
		  "boot": {
		    "kernel": "$WORK/vmlinuz",
		    "initramfs": "$WORK/initramfs.img",
		    "cmdline": "$CMDLINE"
		  },
		  "memory": "256MiB",
		  "disks": [
		    { "id": "root", "path": "$WORK/disk.raw", "backend": "storage-daemon" }
		  ],
		  "interfaces": [ { "id": "net0", "bridge": "br0" } ],
		  "shares": [ { "tag": "data", "source": "$WORK/share", "user": "root" } ]
		}
	SPEC
}

# times TEXT: how often the guest said so.
times() {
	grep -cF "guest: $1" "$WORK/mvmd.out"
}

# left_behind: links, files and processes of the VM.
left_behind() {
	ip -br link | awk '{ print $1 }' | grep -vE '^(lo|br0)$'
	find "$WORK" -path "$WORK/run/*"
	ps -eo comm= | grep -E '^(mvmd|qemu|virtiofsd)'
}

prepare
start mvmd "$MVMD" run linux
supervisor=$STARTED
if ! await_text "$WORK/mvmd.out" "guest: waiting for the power button"; then
	fail "the guest boots, reboots and waits" "$(cat "$WORK/mvmd.err" "$WORK/mvmd.out")"
	finish
fi
is "it came up twice" "$(times "Linux ")" 2
is "both lives ping the host over the bridge" "$(times "10.0.0.1 answers over the bridge")" 2
is "both lives read the share" "$(times "the share says: a line of the host's")" 2
is "both lives wrote into the share" "$(grep -c "was here" "$WORK/share/from-guest")" 2
is "both lives read the disk" "$(times "the disk says: first words of the disk")" 2
is "both lives wrote to the disk" "$(times "wrote to the disk and read it back")" 2
has "what the guest wrote is in the disk's file" "$WORK/disk.raw" "written by the guest"
is "status says two lives" "$("$MVMD" status linux --json | jq .guest.lives)" 2

succeeds "mvmd stop asks the guest" "$MVMD" stop linux
ended "$supervisor"
is "the supervisor ends with 0" "$STATUS" 0
has "the guest saw the power button" "$WORK/mvmd.out" "the power button was pressed"
is "nothing is left behind" "$(left_behind)" ""
finish
