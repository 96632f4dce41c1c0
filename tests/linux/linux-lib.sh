# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A Linux guest from the distribution's own packages, in QEMU without KVM, on br0, with a share and a disk, unless the
# test writes other specs. Sourced after tests/lib.sh; goes on in namespaces of the test's own.

need qemu-system-x86_64 busybox ip jq
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

# make_host: the bridge, and the guest's files where the VM's user may read them.
make_host() {
	mkdir "$WORK/spec"
	printf "a word of the host's" >"$WORK/greeting"
	cp "$GUEST"/{vmlinuz,initramfs.img} "$WORK/"
	ip link add br0 type bridge
	ip addr add 10.0.0.1/24 dev br0
	ip link set br0 up
}

# left_behind: links, files and processes of the VM.
left_behind() {
	ip -br link | awk '{ print $1 }' | grep -vE '^(lo|br0)$'
	find "$WORK" -path "$WORK/run/*"
	ps -eo comm= | grep -E '^(mvmd|qemu|virtiofsd)'
}

nothing_is_left() {
	await eval '[ -z "$(left_behind)" ]' # what a backend had forked ends a moment after it
	is "nothing is left behind" "$(left_behind)" ""
}
