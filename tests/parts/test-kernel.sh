#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What check, plan and run say of the file that a spec calls a kernel.
. "$(dirname "$0")/../lib.sh"

need jq qemu-system-x86_64
[ "$(uname -m)" = x86_64 ] || skip_all "the kernels of this test are x86-64's"

TINY=$BUILD/tests/guest/tiny.elf
export MVMD_SPEC_DIR=$WORK/spec MVMD_RUNTIME_DIR=$WORK/run MVMD_STATE_DIR=$WORK/state
mkdir "$WORK"/{spec,run,state}

# vm KERNEL: a VM of that kernel for QEMU without KVM.
vm() {
	cat >"$WORK/spec/web1.json" <<-SPEC
		{ "vmm": "qemu", "accel": "tcg", "boot": { "kernel": "$1" }, "user": "$(id -un)" }
	SPEC
}

# kernel_of KERNEL: "kernel" of the plan in JSON.
kernel_of() {
	vm "$1"
	"$MVMD" plan --json web1 2>/dev/null | jq -c '.kernel | [.kind, .version, .boot_protocol]'
}

# patched FROM HEX NAME: a copy of the tiny guest with other bytes from there on.
patched() {
	cp "$TINY" "$WORK/$3"
	# shellcheck disable=SC2059
	printf "$2" | dd of="$WORK/$3" bs=1 seek="$1" conv=notrunc status=none
}

is "the plan names the version and the boot protocol" "$(kernel_of "$TINY")" \
	'["elf","6.12.0-tiny","pvh"]'
"$MVMD" plan web1 >"$WORK/plan"
has "and so does the step of the VMM" "$WORK/plan" "kernel $TINY: Linux 6.12.0-tiny (ELF)"
exits "check finds nothing wrong with it" 0 "$MVMD" check web1
has "check names the kernel" "$WORK/out" \
	"web1: guest kernel: Linux 6.12.0-tiny (ELF), boot protocol pvh"

start run "$MVMD" run web1
await "$MVMD" status web1
is "status of a running VM names it" "$("$MVMD" status --json web1 | jq -r .guest.kernel)" 6.12.0-tiny
"$MVMD" stop --force web1
ended "$STARTED"

head -c 100000 /dev/urandom >"$WORK/noise"
printf '\001\002' | dd of="$WORK/noise" conv=notrunc status=none
is "noise is no kernel" "$(kernel_of "$WORK/noise")" '["not-a-kernel",null,null]'
exits "check refuses noise" 69 "$MVMD" check web1
has "and says what it looks like" "$WORK/err" \
	"kernel $WORK/noise is no kernel: it looks like data of no known kind"
exits "run refuses noise" 69 "$MVMD" run web1
has "in the same words" "$WORK/err" "kernel $WORK/noise is no kernel"

: >"$WORK/empty"
vm "$WORK/empty"
exits "an empty file is refused" 69 "$MVMD" check web1
has "as what it is" "$WORK/err" "it looks like an empty file"

gzip -c "$TINY" >"$WORK/tiny.gz"
is "a compressed kernel's version is unknown" "$(kernel_of "$WORK/tiny.gz")" \
	'["compressed",null,null]'
exits "no VMM boots it" 69 "$MVMD" check web1
has "which is said" "$WORK/err" "kernel $WORK/tiny.gz is a gzip file"

# e_machine is at 18 (elf(5)): 183 is AArch64.
patched 18 '\267\000' arm64.elf
vm "$WORK/arm64.elf"
exits "a kernel for another architecture is refused" 69 "$MVMD" check web1
has "by its name" "$WORK/err" "is for arm64, and this host is x86"

# A note's type stands before its name (elf(5)).
note=$(LC_ALL=C grep -abo -m 1 Xen "$TINY" | head -n 1 | cut -d : -f 1)
patched $((note - 4)) '\023' no-note.elf
is "an ELF without a note still tells its version" "$(kernel_of "$WORK/no-note.elf")" \
	'["elf","6.12.0-tiny",null]'
exits "but is refused" 69 "$MVMD" check web1
has "for want of the note" "$WORK/err" "is an ELF file without a PVH note"
timeout 60 qemu-system-x86_64 -M q35,accel=tcg -nodefaults -display none \
	-kernel "$WORK/no-note.elf" >"$WORK/qemu.out" 2>&1
has "QEMU says the same" "$WORK/qemu.out" "without PVH ELF Note"

mkdir "$WORK/directory"
vm "$WORK/directory"
"$MVMD" check web1 2>&1 | grep -c "is a directory" >"$WORK/count"
is "a directory is refused once" "$(cat "$WORK/count")" 1

vmlinuz=$BUILD/linux-guest/vmlinuz
if ! command -v file >/dev/null; then
	skip "a distribution's kernel is read" "file(1), which reads it independently, is not installed"
elif [ -r "$vmlinuz" ]; then
	version=$(file -b "$vmlinuz" | sed -n 's/.*, version \([^ ]*\) .*/\1/p')
	is "a distribution's kernel is read" "$(kernel_of "$vmlinuz")" \
		"[\"bzimage\",\"$version\",\"linux\"]"
else
	skip "a distribution's kernel is read" "contrib/make-linux-guest has made none in this build"
fi
finish
