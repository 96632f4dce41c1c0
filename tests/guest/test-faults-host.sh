#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What can be wrong with the host: devices, rights, programs, kernels, memory. Each fault is provoked, named, and
# where that is cheap cured as its remedy says.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
need qemu-system-x86_64 jq strace setpriv gzip

VMM=qemu ACCEL=tcg
. "$TOP/tests/guest/run-lib.sh"
. "$TOP/tests/guest/faults-lib.sh"
make_host

vm() {
	spec "$1" poweroff "${2-"{}"}"
}

# LeakSanitizer cannot work under strace. The call of that number fails: when=N.
inject() {
	echo "env ASAN_OPTIONS=detect_leaks=0 strace -f -o /dev/null -e trace=$1 -e inject=$1:$2"
}

# --- devices: a /dev of our own, in which they are missing, forbidden, or there

make_dev() {
	local node
	mkdir "$WORK/dev"
	mount -t tmpfs -o mode=755 tmpfs "$WORK/dev"
	mkdir "$WORK"/dev/{net,pts,shm}
	for node in null:3 zero:5 full:7 random:8 urandom:9; do
		mknod -m 666 "$WORK/dev/${node%:*}" c 1 "${node#*:}"
	done
	mknod -m 666 "$WORK/dev/tty" c 5 0
	mknod -m 666 "$WORK/dev/net/tun" c 10 200
	ln -s pts/ptmx "$WORK/dev/ptmx"
	ln -s /proc/self/fd "$WORK/dev/fd"
	mount -t devpts -o newinstance,ptmxmode=666 devpts "$WORK/dev/pts"
	mount --rbind "$WORK/dev" /dev
	umount --recursive --lazy "$WORK/dev"
}
make_dev

vm good
checks "a good VM is checked without a finding" good
starts "and starts without one" good

rm /dev/net/tun
provokes "/dev/net/tun" tun-missing $EXIT_UNAVAILABLE "errno=ENOENT" "modprobe tun" check good
mknod -m 600 /dev/net/tun c 10 200
spec user poweroff "{ \"user\": \"nobody\" }"
UNDER="setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=+net_admin --ambient-caps=+net_admin --" \
	provokes "/dev/net/tun for root alone" tun-denied $EXIT_PERMISSION "errno=EACCES" \
	"DeviceAllow=/dev/net/tun" check user
chmod 666 /dev/net/tun
starts "with the device all is well" good

vm kvm '{ "accel": "kvm" }'
provokes "no /dev/kvm" kvm-missing $EXIT_UNAVAILABLE "" 'modprobe kvm_intel or kvm_amd' check kvm
mknod -m 600 /dev/kvm c 10 232
if (: <>/dev/kvm) 2>/dev/null; then
	provokes "/dev/kvm for root alone" kvm-denied $EXIT_PERMISSION "uid=$((FIRST_UID + 1))" \
		"chgrp kvm /dev/kvm && chmod 0660 /dev/kvm" check kvm
	chgrp 99 /dev/kvm && chmod 0660 /dev/kvm
	checks "a group of its own as the remedy says" kvm
else
	skip "kvm-denied: /dev/kvm for root alone" "this kernel has no KVM"
fi
if [ -c /dev/kvm ] && (: <>/dev/kvm) 2>/dev/null && ! grep -qwE 'vmx|svm' /proc/cpuinfo &&
	command -v cloud-hypervisor >/dev/null; then
	vm unfit '{ "vmm": "cloud-hypervisor", "accel": "auto" }'
	provokes "KVM without VMX or SVM" kvm-unfit $EXIT_UNAVAILABLE "" '"vmm": "qemu"' check unfit
else
	skip "kvm-unfit: KVM without VMX or SVM" "it takes cloud-hypervisor and a paravirtual KVM"
fi
rm /dev/kvm

vm vsock '{ "vsock": {} }'
provokes "QEMU without the module" vsock-missing $EXIT_UNAVAILABLE "errno=ENOENT" \
	"modprobe vhost_vsock" check vsock

# --- programs, from a folder that is the whole PATH

mkdir "$WORK/path"
program() {
	printf '%s\n' "${@:2}" >"$WORK/path/$1"
	chmod 755 "$WORK/path/$1"
}
only_here() {
	PATH=$WORK/path "$@"
}
UNDER="env PATH=$WORK/path" provokes "QEMU" program-missing $EXIT_UNAVAILABLE "program=QEMU" \
	"apt install qemu-system-x86" check good
program qemu-system-x86_64 '#!/no/such/interpreter'
UNDER="env PATH=$WORK/path" provokes "an interpreter that is not there" spawn-failed \
	$EXIT_UNAVAILABLE "path=$WORK/path/qemu-system-x86_64, errno=ENOENT" "head -n 1 $WORK/path/qemu-system-x86_64" run --now good
chmod 700 "$WORK/path/qemu-system-x86_64"
UNDER="env PATH=$WORK/path" provokes "QEMU for root alone" program-denied $EXIT_PERMISSION \
	"path=$WORK/path/qemu-system-x86_64, uid=$FIRST_UID, errno=EACCES" "/usr/local/bin" check good

mknod -m 666 /dev/kvm c 10 232
vm ch '{ "vmm": "cloud-hypervisor", "accel": "kvm" }'
program cloud-hypervisor '#!/bin/sh' 'echo cloud-hypervisor v51.1.0'
UNDER="env PATH=$WORK/path:/bin" provokes "v51" vmm-too-old $EXIT_UNAVAILABLE \
	"path=$WORK/path/cloud-hypervisor, version=51.1.0" "install cloud-hypervisor v52" check ch
program cloud-hypervisor '#!/bin/sh' 'echo wrapper'
UNDER="env PATH=$WORK/path:/bin" provokes "a wrapper" vmm-version-unknown $EXIT_UNAVAILABLE \
	"path=$WORK/path/cloud-hypervisor" "$WORK/path/cloud-hypervisor --version" check ch
rm /dev/kvm

# Whatever Rust one is installed is hidden: only the C one's words are left.
hide() {
	local path
	for path in "$@"; do
		[ ! -e "$path" ] || mount --bind /dev/null "$path"
	done
}
hide /usr/libexec/virtiofsd /usr/lib/virtiofsd /usr/lib/qemu/virtiofsd
program qemu-system-x86_64 '#!/bin/sh' 'echo QEMU emulator version 7.2.0'
program virtiofsd '#!/bin/sh' 'echo virtiofsd version 7.2.22'
vm share "$(share)"
UNDER="env PATH=$WORK/path:/bin" provokes "as an ordinary user" virtiofsd-c-needs-root \
	$EXIT_UNAVAILABLE "path=$WORK/path/virtiofsd, share=data" "install the Rust virtiofsd" check share
vm share "$(share | jq '.shares[0] += { user: "root", readonly: true }')"
UNDER="env PATH=$WORK/path:/bin" provokes "read-only" virtiofsd-c-writes $EXIT_UNAVAILABLE \
	"path=$WORK/path/virtiofsd, share=data" 'take "readonly" off' check share

program virtiofsd '#!/bin/sh' 'echo virtiofsd 1.13.0'
echo 0 >"$WORK/namespaces"
mount --bind "$WORK/namespaces" /proc/sys/user/max_user_namespaces
vm share "$(share)"
UNDER="env PATH=$WORK/path:/bin" provokes "for ordinary users" user-namespaces-off \
	$EXIT_UNAVAILABLE "share=data, uid=$((FIRST_UID + 1))" \
	"sysctl user.max_user_namespaces=10000" check share
echo 10000 >/proc/sys/user/max_user_namespaces
PATH=$WORK/path:/bin checks "switched on as the remedy says" share
umount /proc/sys/user/max_user_namespaces

# --- kernels

kernel() {
	vm kernel "{ \"boot\": { \"kernel\": \"$1\", \"cmdline\": \"poweroff\" } }"
}
gzip -c "$WORK/kernel" >"$WORK/kernel.gz"
kernel "$WORK/kernel.gz"
provokes "gzip" kernel-compressed $EXIT_UNAVAILABLE "path=$WORK/kernel.gz, looks_like=a gzip file" \
	"is it the initramfs?" check kernel
gunzip -c "$WORK/kernel.gz" >"$WORK/unpacked"
kernel "$WORK/unpacked"
starts "unpacked as the remedy says" kernel
echo "a text" >"$WORK/text"
kernel "$WORK/text"
provokes "a text" not-a-kernel $EXIT_UNAVAILABLE "path=$WORK/text" \
	"correct the path in $WORK/spec/kernel.json" check kernel
# e_machine is at 18 (elf(5)): 183 is AArch64.
cp "$WORK/kernel" "$WORK/arm64"
printf '\267\000' | dd of="$WORK/arm64" bs=1 seek=18 conv=notrunc status=none
kernel "$WORK/arm64"
provokes "arm64" kernel-wrong-arch $EXIT_UNAVAILABLE "path=$WORK/arm64, arch=arm64" \
	"put a kernel for x86 there" check kernel
# A note's type stands before its name (elf(5)).
cp "$WORK/kernel" "$WORK/no-note"
printf '\023' | dd of="$WORK/no-note" bs=1 conv=notrunc status=none \
	seek=$(($(LC_ALL=C grep -abo -m 1 Xen "$WORK/kernel" | head -n 1 | cut -d : -f 1) - 4))
kernel "$WORK/no-note"
provokes "no note" kernel-without-pvh $EXIT_UNAVAILABLE "path=$WORK/no-note" \
	"take the bzImage" check kernel
# The magic and its checksum (Multiboot Specification 0.6.96, 3.1.2), on 4 bytes within the first 8 KiB.
cp "$WORK/no-note" "$WORK/multiboot"
printf '\002\260\255\033\000\000\000\000\376\117\122\344' |
	dd of="$WORK/multiboot" bs=1 seek=4096 conv=notrunc status=none
vm kernel "{ \"vmm\": \"cloud-hypervisor\", \"accel\": \"kvm\",
	\"boot\": { \"kernel\": \"$WORK/multiboot\", \"cmdline\": \"poweroff\" } }"
mknod -m 666 /dev/kvm c 10 232
provokes "for QEMU" kernel-multiboot $EXIT_UNAVAILABLE "path=$WORK/multiboot" \
	'set "vmm": "qemu"' check kernel
rm /dev/kvm

# --- memory

memory_total() {
	awk '/^(MemTotal|SwapTotal):/ { n += $2 } END { print n }' /proc/meminfo
}
available=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
grep -v MemAvailable /proc/meminfo | sed '2i MemAvailable:   16384 kB' >"$WORK/meminfo"
mount --bind "$WORK/meminfo" /proc/meminfo
provokes "64 MiB where 16 are left" memory-short 0 "wanted_bytes=67108864, available_bytes=16777216" \
	'a smaller "memory"' check good
vm small '{ "memory": "16MiB" }'
checks "a smaller one as the remedy says" small
umount /proc/meminfo
[ "$available" -lt 200000 ] || checks "with the memory all is well" good

mkdir -p "$WORK/pools/hugepages-2048kB"
echo 8 >"$WORK/pools/hugepages-2048kB/nr_hugepages"
echo 6 >"$WORK/pools/hugepages-2048kB/free_hugepages"
mount --bind "$WORK/pools" /sys/kernel/mm/hugepages
vm huge '{ "memory": { "size": "64MiB", "hugepages": "2MiB" } }'
provokes "6 where 32 are wanted" hugepages-missing $EXIT_UNAVAILABLE "pages=6, pages_wanted=32" \
	"echo 34 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages" check huge
echo 32 >"$WORK/pools/hugepages-2048kB/free_hugepages"
checks "enough of them" huge
umount /sys/kernel/mm/hugepages

truncate -s 40M "$WORK/initrd"
vm initrd "{ \"boot\": { \"kernel\": \"$WORK/kernel\", \"initramfs\": \"$WORK/initrd\" } }"
provokes "40 MiB twice, in 64" initramfs-too-large $EXIT_UNAVAILABLE \
	"path=$WORK/initrd, size_bytes=41943040, memory_bytes=67108864" 'make "memory" larger' \
	check initrd
vm initrd "{ \"boot\": { \"kernel\": \"$WORK/kernel\", \"initramfs\": \"$WORK/initrd\" },
	\"memory\": \"128MiB\" }"
checks "more memory as the remedy says" initrd

# --- what hardly ever fails, made to fail

UNDER=$(inject socket error=EMFILE:when=1) provokes "no descriptor is left" probe $EXIT_SYSTEM \
	"looked_at=bridges, errno=EMFILE" "ulimit -n" check good

finish
