# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# B15: what a Linux guest in QEMU sends to the host and takes from it, by TCP over the bridge: on mvmd's tap, and in a
# QEMU of the same options on a tap made by hand. With KVM where stock guests run on it.

THROUGHPUT_TAP=vm-hand
THROUGHPUT_RUNS_MAX=5 # of several seconds each
THROUGHPUT_MEGABYTES=64
THROUGHPUT_HOST=10.0.0.1
THROUGHPUT_WORDS="console=ttyS0 panic=-1 quiet mvmd.ip=10.0.0.2/24 mvmd.peer=$THROUGHPUT_HOST"

streaming_accel() {
	grep -qwE 'vmx|svm' /proc/cpuinfo && echo kvm || echo tcg
}

stream_spec() { # NAME ACTION
	jq -n --arg guest "$WORK/linux" --arg words "$THROUGHPUT_WORDS mvmd.action=$2,poweroff" \
		--arg accel "$(streaming_accel)" --arg bridge $BRIDGE '{
		vmm: "qemu", accel: $accel, memory: "192MiB",
		boot: { kernel: "\($guest)/vmlinuz", initramfs: "\($guest)/initramfs.img", cmdline: $words },
		interfaces: [ { id: "net0", bridge: $bridge } ]
	}' >"$WORK/spec/$1.json"
}

guest_of_mvmd() { # ACTION
	"$MVMD" run "stream-$1" >/dev/null 2>"$WORK/err" </dev/null
}

# As mvmd starts it, but for who makes the tap (src/model/qemu-args.c).
guest_by_hand() { # ACTION
	local cpu=host
	[ "$(streaming_accel)" = kvm ] || cpu=max,-cx16
	ip tuntap add $THROUGHPUT_TAP mode tap vnet_hdr
	ip link set $THROUGHPUT_TAP master $BRIDGE up
	qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
		-machine q35,sata=off,smbus=off,vmport=off -accel "$(streaming_accel)" -cpu $cpu \
		-smp 1 -m size=192M -kernel "$WORK/linux/vmlinuz" -initrd "$WORK/linux/initramfs.img" \
		-append "$THROUGHPUT_WORDS mvmd.action=$1,poweroff" -serial null \
		-netdev tap,id=net0,ifname=$THROUGHPUT_TAP,script=no,downscript=no,vhost=off \
		-device virtio-net-pci,netdev=net0,romfile=,host_mtu=1500 >"$WORK/err" 2>&1 </dev/null
	ip link del $THROUGHPUT_TAP
}

# stream_with mvmd|hand send|receive
stream_with() {
	local arguments=(sink 5001) guest=guest_of_mvmd peer
	[ "$2" = send ] || arguments=(source 5002 $THROUGHPUT_MEGABYTES)
	[ "$1" = mvmd ] || guest=guest_by_hand
	"$BENCH/stream" "${arguments[@]}" >"$WORK/streamed" 2>"$WORK/err.stream" &
	peer=$!
	$guest "$2"
	wait $peer || broken "$1, $2: $(cat "$WORK/err.stream")"
	sample "$1, the guest ${2}s a megabyte" "$(cat "$WORK/streamed")"
}

bench_throughput() {
	local runs=$((RUNS < THROUGHPUT_RUNS_MAX ? RUNS : THROUGHPUT_RUNS_MAX)) i action
	figure B15 usec "TCP between a Linux guest in QEMU and the host"
	command -v qemu-system-x86_64 >/dev/null || { skip_figure "QEMU is not installed" && return; }
	[ -e "$BUILD/linux-guest/vmlinuz" ] || { skip_figure "no Linux guest: make check makes it" && return; }
	mkdir "$WORK/linux"
	cp "$BUILD"/linux-guest/{vmlinuz,initramfs.img} "$WORK/linux/"
	ip addr add $THROUGHPUT_HOST/24 dev $BRIDGE
	stream_spec stream-send send
	stream_spec stream-receive receive
	for ((i = 0; i < runs; i++)); do
		for action in send receive; do
			stream_with mvmd $action
			stream_with hand $action
		done
	done
	ip addr del $THROUGHPUT_HOST/24 dev $BRIDGE
	for action in send receive; do
		goal ratio "mvmd, the guest ${action}s a megabyte" "hand, the guest ${action}s a megabyte" 1.1
	done
}
