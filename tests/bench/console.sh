# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# B8: the real cloud-hypervisor and the tiny guest: from the command to the first byte of the console.

TINY=$BUILD/tests/guest/tiny.elf
NAMED_TAP=vm-named

mvmd_first_byte() {
	"$BENCH/first-byte" "$MVMD" run tiny 2>"$WORK/err" </dev/null
}

# A tap made by hand, given by its name, and the same devices.
bare_first_byte() {
	"$BENCH/first-byte" "$REAL_VMM" --kernel "$TINY" --cmdline poweroff --cpus boot=1 \
		--memory size=128M --serial tty --console off \
		--disk "path=$WORK/disk.raw,image_type=raw" --net "tap=$NAMED_TAP" \
		2>"$WORK/err" </dev/null
}

bench_console() {
	figure B8 usec "mvmd run to the first byte of the guest's console"
	if [ ! -e "$TINY" ] || ! has_cloud_hypervisor; then
		skip_figure "$([ -e "$TINY" ] && no_cloud_hypervisor || echo "the tiny guest is for x86-64")"
		return
	fi
	write_spec tiny "$TINY" poweroff "$(disk_key '')"
	chmod 755 "$BUILD" "$BUILD/tests" "$BUILD/tests/guest"
	ip tuntap add $NAMED_TAP mode tap vnet_hdr
	ip link set $NAMED_TAP master $BRIDGE up
	for ((i = 0; i < RUNS; i++)); do
		sample mvmd "$(mvmd_first_byte)"
		sample bare "$(bare_first_byte)"
	done
	ip link del $NAMED_TAP
	goal difference mvmd bare 5000
}
