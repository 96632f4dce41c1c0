#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whole lives of the tiny guest under mvmd, in each VMM that is here: power-off, a guest that dies in
# silence, the power button, a flood. What ordinary reboots are is test-reboots.sh's.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
[ -e "$BUILD/tests/guest/tiny.elf" ] || skip_all "the tiny guest is for x86-64"

export MVMD_SPEC_DIR=$WORK/spec MVMD_RUNTIME_DIR=$WORK/run MVMD_STATE_DIR=$WORK/state
mkdir "$WORK/spec"
cp "$BUILD/tests/guest/tiny.elf" "$WORK/"
open_kvm

# spec NAME VMM CMDLINE [MORE-KEYS]
spec() {
	local accel=tcg
	[ "$2" = qemu ] || accel=kvm
	cat >"$MVMD_SPEC_DIR/$1.json" <<-SPEC
		{
		  "vmm": "$2",
		  "accel": "$accel",
		  "boot": { "kernel": "$WORK/tiny.elf", "cmdline": "$3" },
		  "memory": "128MiB"${4+, $4}
		}
	SPEC
}

console() {
	tr -d '\r' <"$WORK/$1"
}

left_behind() {
	ip -br link | awk '{ print $1 }' | grep -vx lo
	find "$WORK" -path "$WORK/run/*"
	ps -eo comm= | grep -E '^(mvmd|qemu|cloud-hyper|virtiofsd)'
}

nothing_left() {
	[ -z "$(left_behind)" ]
}

# leaves_nothing NAME: what a backend had forked ends a moment after it.
leaves_nothing() {
	if await nothing_left; then
		pass "$1"
	else
		fail "$1" "$(left_behind)"
	fi
}

powers_off() {
	spec off "$1" "print=hello poweroff"
	exits "$1: a guest that powers off ends the run with 0" 0 "$MVMD" run off
	is "$1: its console is on stdout" "$(console out)" $'tiny: life 1\nhello'
	leaves_nothing "$1: nothing is left behind"
}

dies_in_silence() {
	spec mute "$1" "silent reboot"
	exits "$1: a guest that reboots without a word is stopped, 80" 80 "$MVMD" run mute
	leaves_nothing "$1: nothing is left behind after a crash loop"
}

stops_by_button() {
	spec button "$1" "powerbutton print=bye poweroff"
	start button "$MVMD" run button
	local supervisor=$STARTED
	if ! await_text "$WORK/button.out" "awaiting the power button"; then
		fail "$1: waits for the power button" "$(cat "$WORK/button.err")"
		return
	fi
	kill -TERM "$supervisor"
	ended "$supervisor"
	is "$1: SIGTERM is the power button" "$STATUS $(console button.out | tail -n 1)" "0 bye"
}

# Nobody may hang for want of a reader, and force ends what does not listen.
floods() {
	spec flood "$1" "flood"
	start flood "$MVMD" run flood
	local supervisor=$STARTED
	succeeds "$1: a flood of lines arrives" await_text "$WORK/flood.out" "tiny: flood 500"
	succeeds "$1: stop --force ends a guest that does not listen" "$MVMD" stop flood --force
	ended "$supervisor"
	leaves_nothing "$1: nothing is left behind after force"
}

lives_in() {
	powers_off "$1"
	dies_in_silence "$1"
	stops_by_button "$1"
	floods "$1"
}

if command -v qemu-system-x86_64 >/dev/null; then
	lives_in qemu
else
	skip "lives in QEMU" "qemu-system-x86_64 is not installed"
fi
if has_cloud_hypervisor; then
	lives_in cloud-hypervisor
else
	skip "lives in cloud-hypervisor" "$(no_cloud_hypervisor)"
fi
finish
