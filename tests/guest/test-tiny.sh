#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The tiny guest itself, in the bare VMMs: what the other tests take for granted of it.
. "$(dirname "$0")/../lib.sh"

TINY=$BUILD/tests/guest/tiny.elf
LIFE_LIMIT_SEC=60

[ -e "$TINY" ] || skip_all "the tiny guest is for x86-64"

qemu() {
	timeout $LIFE_LIMIT_SEC qemu-system-x86_64 -M q35 -accel tcg -cpu max,-cx16 -m 128 \
		-nodefaults -no-user-config -display none -device pvpanic -kernel "$TINY" "$@"
}

cloud_hypervisor() {
	timeout $LIFE_LIMIT_SEC cloud-hypervisor --kernel "$TINY" --memory size=128M --cpus boot=1 \
		--serial tty --console off --cmdline "$@"
}

# in_qemu NAME WORDS WANTED: the whole console, and a clean end.
in_qemu() {
	qemu -serial stdio -append "$2" </dev/null >"$WORK/console" 2>"$WORK/err"
	is "qemu: $1" "$? $(tr -d '\r' <"$WORK/console")" "0 $3"
}

in_cloud_hypervisor() {
	cloud_hypervisor "$2" </dev/null >"$WORK/console" 2>"$WORK/err"
	is "cloud-hypervisor: $1" "$? $(tr -d '\r' <"$WORK/console")" "0 $3"
}

# awaits_power_button VMM PRESS...: goes on only once the button was pressed; the guest's pid is
# STARTED.
awaits_power_button() {
	local vmm=$1
	shift
	if ! await_text "$WORK/console" "tiny: awaiting the power button"; then
		fail "$vmm: the guest reaches its wait" "$(cat "$WORK"/*.err)"
		return
	fi
	has_not "$vmm: it waits for the button" "$WORK/console" "went on"
	"$@" >/dev/null
	ended "$STARTED"
	is "$vmm: ends well after the button" "$STATUS" 0
	has "$vmm: does the next word after the button" "$WORK/console" "went on"
}

# new_disk: a blank one of 1 MiB, the folder's only one.
new_disk() {
	rm -f "$WORK/disk.raw"
	truncate -s 1M "$WORK/disk.raw"
}

# lives_on_disk: what the guest counted in the disk's first sector.
lives_on_disk() {
	head -c 8 "$WORK/disk.raw"
	od -An -tu4 -j 8 -N 4 "$WORK/disk.raw"
}

test_qemu() {
	in_qemu "prints, skips what it does not know, powers off" \
		"console=ttyS0 print=hello_world nonsense poweroff" $'tiny: life 1\nhello world'
	in_qemu "a silent one prints nothing of its own" "silent print=x poweroff" "x"
	in_qemu "reboots twice and goes on" "reboot=2 print=done poweroff" \
		$'tiny: life 1\ntiny: life 2\ntiny: life 3\ndone'
	in_qemu "waits for the clock" "wait=1 print=done poweroff" $'tiny: life 1\ndone'

	new_disk
	qemu -serial stdio -drive file="$WORK/disk.raw",format=raw,if=none,id=d \
		-device virtio-blk-pci,drive=d \
		-append "silent lives=disk reboot=2 print=done poweroff" \
		</dev/null >"$WORK/console" 2>"$WORK/err"
	is "qemu: counts its lives on a disk" \
		"$(tr -d '\r' <"$WORK/console") $(lives_on_disk)" "done tinylife          3"
	in_qemu "says that there is no disk" "lives=disk poweroff" "tiny: no disk that works"

	printf 'abcq' |
		qemu -serial stdio -append "silent echo poweroff" >"$WORK/console" 2>"$WORK/err"
	is "qemu: sends back its input up to the q" "$(tr -d '\r' <"$WORK/console")" "abcq"

	in_qemu "an echo of another life is none" "echo=2 print=done poweroff" $'tiny: life 1\ndone'

	: >"$WORK/console"
	mkfifo "$WORK/qmp.in"
	qemu -serial file:"$WORK/console" -qmp stdio -append "powerbutton print=went_on poweroff" \
		<"$WORK/qmp.in" >"$WORK/qmp.out" 2>"$WORK/qemu.err" &
	STARTED=$!
	started+=("$STARTED")
	exec 3>"$WORK/qmp.in"
	echo '{"execute":"qmp_capabilities"}' >&3
	awaits_power_button qemu eval 'echo "{\"execute\":\"system_powerdown\"}" >&3'
	exec 3>&-

	exits "qemu: a panic reaches the VMM" 1 \
		qemu -serial null -action panic=exit-failure -append "panic poweroff"
}

test_cloud_hypervisor() {
	in_cloud_hypervisor "prints, skips what it does not know, powers off" \
		"console=ttyS0 print=hello_world nonsense poweroff" $'tiny: life 1\nhello world'
	in_cloud_hypervisor "waits for the clock" "wait=1 print=done poweroff" $'tiny: life 1\ndone'

	new_disk
	cloud_hypervisor "silent lives=disk reboot=2 print=done poweroff" --disk \
		path="$WORK/disk.raw",image_type=raw </dev/null >"$WORK/console" 2>"$WORK/err"
	is "cloud-hypervisor: counts its lives on a disk" \
		"$(tr -d '\r' <"$WORK/console") $(lives_on_disk)" "done tinylife          3"

	start rebooting cloud_hypervisor "reboot"
	lives() { [ "$(grep -c 'tiny: life 1' "$WORK/rebooting.out")" -ge 3 ]; }
	succeeds "cloud-hypervisor: reboots over and over" await lives
	kill "$STARTED"
	ended "$STARTED"

	if ! command -v curl >/dev/null; then
		skip "cloud-hypervisor: power button" "curl is not installed"
		return
	fi
	: >"$WORK/console"
	timeout $LIFE_LIMIT_SEC cloud-hypervisor --api-socket path="$WORK/api" --kernel "$TINY" \
		--memory size=128M --cpus boot=1 --serial file="$WORK/console" --console off \
		--cmdline "powerbutton print=went_on poweroff" \
		</dev/null >"$WORK/ch.out" 2>"$WORK/ch.err" &
	STARTED=$!
	started+=("$STARTED")
	awaits_power_button cloud-hypervisor \
		curl -s --unix-socket "$WORK/api" -X PUT http://localhost/api/v1/vm.power-button
}

if command -v qemu-system-x86_64 >/dev/null; then
	test_qemu
else
	skip "qemu" "qemu-system-x86_64 is not installed"
fi
if has_cloud_hypervisor; then
	test_cloud_hypervisor
else
	skip "cloud-hypervisor" "$(no_cloud_hypervisor)"
fi
finish
