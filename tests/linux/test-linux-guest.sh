#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A Linux guest from the distribution's own packages, in QEMU: bridge, share and disk, a reboot, and
# the power button.
. "$(dirname "$0")/../lib.sh"

need qemu-system-x86_64 qemu-storage-daemon busybox ip jq
AWAIT_SEC=120 # a boot without KVM on a busy machine, with room
need_root

# Before the private namespaces, from which nothing can be downloaded.
GUEST=$BUILD/linux-guest
if ! "$TOP/contrib/make-linux-guest" "$GUEST" >"$WORK/make.out" 2>&1; then
	skip_all "no Linux guest could be made: $(tail -n 1 "$WORK/make.out")"
fi
rm -f "$WORK/make.out"
private_namespaces "$@"

FIRST_UID=400000 # src/host/uids.h
export MVMD_SPEC_DIR=$WORK/spec MVMD_RUNTIME_DIR=$WORK/run MVMD_STATE_DIR=$WORK/state

# write_spec NAME NUMBER ACTIONS DISK SHARE: a guest with the address 10.0.0.NUMBER; DISK and SHARE
# are what its disk and share have beside path and folder.
write_spec() {
	local cmdline="console=ttyS0 panic=-1 quiet mvmd.ip=10.0.0.$2/24 mvmd.ping=10.0.0.1"
	cmdline="$cmdline mvmd.share=data mvmd.disk=1 mvmd.credentials=1 mvmd.action=$3"
	mkdir "$WORK/$1.share"
	chmod 777 "$WORK/$1.share"
	echo "a line of the host's" >"$WORK/$1.share/from-host"
	echo "first words of the disk" >"$WORK/$1.raw"
	truncate -s 1M "$WORK/$1.raw"
	chmod 666 "$WORK/$1.raw"
	cat >"$MVMD_SPEC_DIR/$1.json" <<-SPEC
		{
		  "vmm": "qemu",
		  "accel": "tcg",
		  "boot": {
		    "kernel": "$WORK/vmlinuz",
		    "initramfs": "$WORK/initramfs.img",
		    "cmdline": "$cmdline"
		  },
		  "memory": "256MiB",
		  "disks": [ { "id": "root", "path": "$WORK/$1.raw"$4 } ],
		  "interfaces": [ { "id": "net0", "bridge": "br0" } ],
		  "credentials": { "greeting": { "file": "$WORK/greeting" } },
		  "shares": [ { "tag": "data", "source": "$WORK/$1.share"$5 } ]
		}
	SPEC
}

# One is served by backends, its share as root, and waits to be stopped; the other has its disk from
# the VMM, its share as its own user, and powers off by itself.
prepare() {
	mkdir "$WORK/spec"
	printf "a word of the host's" >"$WORK/greeting"
	cp "$GUEST"/{vmlinuz,initramfs.img} "$WORK/"
	ip link add br0 type bridge
	ip addr add 10.0.0.1/24 dev br0
	ip link set br0 up
	write_spec linux 2 reboot,wait ', "backend": "storage-daemon"' ', "user": "root"'
	write_spec alone 3 reboot,poweroff "" ""
}

# times VM TEXT: how often the guest said so.
times() {
	grep -cF "guest: $2" "$WORK/$1.out"
}

# lived_twice VM: all that a guest does in each of its two lives.
lived_twice() {
	is "$1: it came up twice" "$(times "$1" "Linux ")" 2
	is "$1: both lives ping the host over the bridge" \
		"$(times "$1" "10.0.0.1 answers over the bridge")" 2
	is "$1: both lives read the share" "$(times "$1" "the share says: a line of the host's")" 2
	is "$1: both lives wrote into the share" "$(grep -c "was here" "$WORK/$1.share/from-guest")" 2
	is "$1: both lives read the disk" \
		"$(times "$1" "the disk says: first words of the disk")" 2
	is "$1: both lives wrote to the disk" \
		"$(times "$1" "wrote to the disk and read it back")" 2
	is "$1: both lives find the credential" \
		"$(times "$1" "io.systemd.credential:greeting=a word of the host's")" 2
	has "$1: what the guest wrote is in the disk's file" "$WORK/$1.raw" "written by the guest"
}

# left_behind: links, files and processes of the VM.
left_behind() {
	ip -br link | awk '{ print $1 }' | grep -vE '^(lo|br0)$'
	find "$WORK" -path "$WORK/run/*"
	ps -eo comm= | grep -E '^(mvmd|qemu|virtiofsd)'
}

prepare
start linux "$MVMD" run linux
supervisor=$STARTED
# The Rust virtiofsd alone serves as a user of the VM's own.
if command -v virtiofsd >/dev/null; then
	start alone "$MVMD" run alone
	ended "$STARTED"
	is "alone: the guest powers off by itself" "$STATUS" 0
	lived_twice alone
	succeeds "alone: its file in the share belongs to a user of its own" \
		[ "$(stat -c %u "$WORK/alone.share/from-guest")" -ge $FIRST_UID ]
else
	skip "alone" "there is no virtiofsd but the C one, which serves only as root"
fi

if ! await_text "$WORK/linux.out" "guest: waiting for the power button"; then
	fail "linux: the guest boots, reboots and waits" "$(cat "$WORK/linux.err" "$WORK/linux.out")"
	finish
fi
lived_twice linux
is "linux: status says two lives" "$("$MVMD" status linux --json | jq .guest.lives)" 2
succeeds "linux: mvmd stop asks the guest" "$MVMD" stop linux
ended "$supervisor"
is "linux: the supervisor ends with 0" "$STATUS" 0
has "linux: the guest saw the power button" "$WORK/linux.out" "the power button was pressed"
await eval '[ -z "$(left_behind)" ]' # what a backend had forked ends a moment after it
is "nothing is left behind" "$(left_behind)" ""
finish
