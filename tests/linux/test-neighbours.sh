#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Linux guests on one bridge: they reach each other, and those on isolated ports do not, but the host.
. "$(dirname "$0")/../lib.sh"

need virtiofsd
. "$(dirname "$0")/linux-lib.sh"

# What the guests that ask run: a line for each address that answers. A busy host takes its time for an answer, and so
# gets a minute; but not where none is to come.
write_program() {
	cat >"$WORK/program" <<-'PROGRAM'
		#!/bin/busybox sh
		ask() { # ADDRESS TIMES
			n=0
			until ping -c 1 -W 5 $1 >/dev/null 2>&1; do
				n=$((n + 1))
				[ $n -lt $2 ] || return
			done
			echo "guest: reached $1"
		}
		ask 10.0.0.1 12
		if grep -q test.isolated /proc/cmdline; then
			ask 10.0.0.2 2
		else
			ask 10.0.0.2 12
		fi
		echo "guest: asked all"
	PROGRAM
}

# write_spec NAME NUMBER ACTION PORT: with the address 10.0.0.NUMBER; PORT is what its interface has beside the bridge.
# After the action the guest may have words of the test's.
write_spec() {
	mkdir "$WORK/$1.share"
	install -m 755 "$WORK/program" "$WORK/$1.share/run"
	chmod 777 "$WORK/$1.share"
	jq -n --arg folder "$WORK" --arg share "$WORK/$1.share" --argjson port "$4" \
		--arg words "mvmd.ip=10.0.0.$2/24 mvmd.share=data mvmd.action=$3" '{
		vmm: "qemu", accel: "tcg", memory: "192MiB",
		boot: { kernel: "\($folder)/vmlinuz", initramfs: "\($folder)/initramfs.img",
			cmdline: "console=ttyS0 panic=-1 quiet \($words)" },
		interfaces: [ { id: "net0", bridge: "br0" } + $port ],
		shares: [ { tag: "data", source: $share } ]
	}' >"$MVMD_SPEC_DIR/$1.json"
}

# What the guest could reach, in one line.
reached() {
	grep -o "guest: reached .*" "$WORK/$1.out" | tr -d '\r' | sed 's/guest: reached //' | tr '\n' ' '
}

make_host
write_program
write_spec target 2 wait '{ "isolated": true }'
write_spec friend 3 run,poweroff '{}'
write_spec stranger 4 "run,poweroff test.isolated" '{ "isolated": true }'

start target "$MVMD" run target
target=$STARTED
if ! await_text "$WORK/target.out" "guest: waiting for the power button"; then
	fail "target: the guest boots and waits" "$(cat "$WORK/target.err" "$WORK/target.out")"
	finish
fi
start friend "$MVMD" run friend
friend=$STARTED
start stranger "$MVMD" run stranger
stranger=$STARTED
ended "$friend"
is "friend: it ends by itself" "$STATUS" 0
ended "$stranger"
is "stranger: so does it" "$STATUS" 0
has "friend: it asked all" "$WORK/friend.out" "guest: asked all"
has "stranger: so did it" "$WORK/stranger.out" "guest: asked all"
is "friend: a guest reaches the host, and its neighbour on an isolated port" "$(reached friend)" "10.0.0.1 10.0.0.2 "
is "stranger: between two isolated ports nothing passes, and the host is reached" "$(reached stranger)" "10.0.0.1 "
succeeds "target: mvmd stop ends it" "$MVMD" stop target
ended "$target"
is "target: gracefully" "$STATUS" 0
is "no tap is left" "$(ip -br link | awk '{ print $1 }' | grep -vE '^(lo|br0)$')" ""
finish
