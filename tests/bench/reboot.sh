# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# B10: a guest's reboot with a share in the real cloud-hypervisor: from its event vm/rebooting to vm/rebooted, by its
# own clock. Beside it, the same with the share's backend kept there by the least loop that does it.

REBOOTS_PER_RUN=5
REBOOT_TAP=vm-reboot
REBOOT_WORDS="lives=disk reboot=$REBOOTS_PER_RUN poweroff"

# Where mvmd starts cloud-hypervisor, its events go to a file as well.
make_listening_vmm() {
	mkdir "$WORK/listening"
	install -m 666 /dev/null "$WORK/listening/events"
	cat >"$WORK/listening/cloud-hypervisor" <<-END
		#!/bin/bash
		[[ "\$*" == *--event-monitor* ]] || exec "$REAL_VMM" "\$@"
		exec 4> >(exec tee "$WORK/listening/events" >&4)
		exec "$REAL_VMM" "\$@"
	END
	chmod 755 "$WORK/listening/cloud-hypervisor"
}

# reboot_times: in nanoseconds, a line for each reboot of which the events tell.
reboot_times() {
	awk -F '[:,]' '
		/"secs"/ { secs = $2 }
		/"nanos"/ { nanos = $2 }
		/"event": "rebooting"/ { began = secs * 1e9 + nanos }
		/"event": "rebooted"/ { printf "%.0f\n", secs * 1e9 + nanos - began }' "$WORK/listening/events"
}

sample_reboots() { # SERIES
	local times time
	mapfile -t times < <(reboot_times)
	[ ${#times[@]} = $REBOOTS_PER_RUN ] || broken "$1: ${#times[@]} reboots of $REBOOTS_PER_RUN"
	for time in "${times[@]}"; do
		sample "$1" "$time"
	done
}

mvmd_reboots() {
	: >"$WORK/listening/events"
	PATH=$WORK/listening:$PATH "$MVMD" run reboots >/dev/null 2>"$WORK/err" </dev/null ||
		broken "mvmd ended with $?"
	sample_reboots mvmd
}

bare_reboots() {
	local keeper
	: >"$WORK/listening/events"
	start keeper "$BENCH/always-there" "$(uid_of backed)" "$WORK/run/share.sock" \
		"$WORK/words.virtiofsd"
	keeper=$STARTED
	await test -S "$WORK/run/share.sock"
	"$REAL_VMM" --kernel "$TINY" --cmdline "$REBOOT_WORDS" --cpus boot=1 \
		--memory size=128M,shared=on --serial tty --console off \
		--disk "path=$WORK/disk.raw,image_type=raw" --net "tap=$REBOOT_TAP" \
		--fs "tag=data,socket=$WORK/run/share.sock" \
		--event-monitor "path=$WORK/listening/events" \
		>/dev/null 2>"$WORK/err" </dev/null || broken "cloud-hypervisor ended with $?"
	kill "$keeper"
	ended "$keeper"
	sample_reboots bare
}

# Each run begins with the first life.
blank_disk() {
	dd if=/dev/zero of="$WORK/disk.raw" bs=512 count=1 conv=notrunc status=none
}

why_no_reboots() {
	if [ ! -e "$TINY" ]; then
		echo "the tiny guest is for x86-64"
	elif ! has_cloud_hypervisor; then
		no_cloud_hypervisor
	else
		why_no_backends
	fi
}

bench_reboot() {
	local reason i
	figure B10 usec "a guest's reboot with a share, by cloud-hypervisor's clock"
	reason=$(why_no_reboots)
	if [ -n "$reason" ]; then
		skip_figure "$reason"
		return
	fi
	[ -e "$WORK/words.virtiofsd" ] || take_commands
	make_listening_vmm
	write_spec reboots "$TINY" "$REBOOT_WORDS" "$(disk_key ''), $(share_key)"
	chmod 755 "$BUILD" "$BUILD/tests" "$BUILD/tests/guest"
	ip tuntap add $REBOOT_TAP mode tap vnet_hdr
	ip link set $REBOOT_TAP master $BRIDGE up
	for ((i = 0; i < RUNS; i += REBOOTS_PER_RUN)); do
		blank_disk
		mvmd_reboots
		blank_disk
		bare_reboots
	done
	ip link del $REBOOT_TAP
	goal difference mvmd bare 20000
	compare mvmd bare
}
