#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Linux guests without a bridge: by passt one fetches from outside and serves a port of the host's, also after its passt
# was killed; by a macvtap one reaches what is on the cable.
. "$(dirname "$0")/../lib.sh"

need virtiofsd curl
. "$(dirname "$0")/linux-lib.sh"
mkdir "$WORK"/{bin,spec,www}
. "$TOP/tests/guest/passt-lib.sh"

# A cable, out0, with somebody at its other end who has the address 10.9.0.1 and a web server.
make_host() {
	cp "$GUEST"/{vmlinuz,initramfs.img} "$WORK/"
	echo "a word from outside" >"$WORK/www/word"
	ip link add out0 type veth peer name out1
	start outside unshare --net busybox httpd -f -p 8000 -h "$WORK/www"
	await eval "[ \"\$(readlink /proc/$STARTED/ns/net)\" != \"$(readlink /proc/self/ns/net)\" ]"
	ip link set out1 netns "$STARTED"
	nsenter --net="/proc/$STARTED/ns/net" ip addr add 10.9.0.1/24 dev out1
	nsenter --net="/proc/$STARTED/ns/net" ip link set out1 up
	ip link set lo up
	ip addr add 10.9.0.2/24 dev out0
	ip link set out0 up
	ip route add default via 10.9.0.1
}

# write_spec NAME WORDS INTERFACE
write_spec() {
	mkdir "$WORK/$1.share"
	cat >"$WORK/$1.share/run" <<-'PROGRAM'
		#!/bin/busybox sh
		ip route add default via 10.9.0.1
		echo "guest: fetched $(wget -q -O - http://10.9.0.1:8000/word)"
		mkdir /www
		echo "a word of the guest's" >/www/word
		httpd -p 80 -h /www
		echo "guest: serves"
		echo "guest: features $(cat /sys/class/net/eth0/device/features)"
		[ ! -e /mnt/told ] || udhcpc -i eth0 -n -q -f -O mtu -s /mnt/told
	PROGRAM
	chmod 755 "$WORK/$1.share" "$WORK/$1.share/run"
	jq -n --arg folder "$WORK" --arg share "$WORK/$1.share" --argjson interface "$3" --arg words "$2" '{
		vmm: "qemu", accel: "tcg", memory: "192MiB",
		boot: { kernel: "\($folder)/vmlinuz", initramfs: "\($folder)/initramfs.img",
			cmdline: "console=ttyS0 panic=-1 quiet \($words)" },
		interfaces: [ { id: "net0" } + $interface ],
		shares: [ { tag: "data", source: $share, readonly: true } ]
	}' >"$MVMD_SPEC_DIR/$1.json"
}

# fetches: from the guest, by a port of the host's.
fetches() {
	[ "$(curl -s --noproxy "*" -m 5 http://127.0.0.1:8080/word)" = "a word of the guest's" ]
}

passt_pid() {
	"$MVMD" status --json pa | jq '.backends[] | select(.kind == "passt").pid // empty'
}

# What DHCP says, and nothing done about it.
tell_dhcp() {
	cat >"$WORK/$1.share/told" <<-'PROGRAM'
		#!/bin/busybox sh
		echo "guest: $1 with MTU $mtu"
	PROGRAM
	chmod 755 "$WORK/$1.share/told"
}

# offloads FILE: which of those of virtio-net the guest got, by their bits (virtio 1.2, 5.1.3: CSUM 0, GUEST_CSUM 1,
# segmentation 7 to 14).
offloads() {
	sed -n 's/.*guest: features \(..\).....\(........\).*/\1\2/p' "$1"
}

by_passt() {
	local first
	write_spec pa "mvmd.ip=10.9.0.2/24 mvmd.share=data mvmd.action=run,wait" \
		'{ "attach": "passt", "mtu": 1400, "passt": { "forward": [ { "host": 8080, "guest": 80, "address": "127.0.0.1" } ] } }'
	tell_dhcp pa
	start pa "$MVMD" run pa
	supervisor=$STARTED
	await_text "$WORK/pa.out" "guest: waiting for the power button" ||
		fail "passt: the guest comes up" "$(tail -n 20 "$WORK/pa.err" "$WORK/pa.out")"
	has "passt: the guest fetches from outside" "$WORK/pa.out" "guest: fetched a word from outside"
	has "passt: DHCP tells the guest the spec's MTU" "$WORK/pa.out" "guest: bound with MTU 1400"
	is "passt: it takes no offload off the guest, as the spec's rule says" "$(offloads "$WORK/pa.out")" 0000000000
	succeeds "passt: the host fetches from the guest, by a port of its own" await fetches
	first=$(passt_pid)
	kill -KILL "$first"
	await eval '[ -n "$(passt_pid)" ] && [ "$(passt_pid)" != '"$first"' ]'
	succeeds "passt: and from behind another passt, when that one was killed" await fetches
	succeeds "passt: it stops as ever" "$MVMD" stop pa
	ended "$supervisor"
	is "passt: by its button" "$STATUS" 0
}

by_macvtap() {
	write_spec ma "mvmd.ip=10.9.0.5/24 mvmd.ping=10.9.0.1 mvmd.share=data mvmd.action=run,poweroff" \
		'{ "attach": "macvtap", "macvtap": { "link": "out0" } }'
	start ma "$MVMD" run ma
	ended "$STARTED"
	is "macvtap: the guest powers off by itself" "$STATUS" 0
	has "macvtap: the guest pings who is at the other end of the cable" "$WORK/ma.out" "10.9.0.1 answers"
	has "macvtap: and fetches from there" "$WORK/ma.out" "guest: fetched a word from outside"
	succeeds "macvtap: some offloads are there" grep -q 1 <<<"$(offloads "$WORK/ma.out")"
}

has_macvtap() {
	ip link add link out0 name probe0 type macvtap 2>/dev/null || return
	[ -c "/dev/tap$(ip -j link show probe0 | jq '.[0].ifindex')" ]
	local has=$?
	ip link del probe0
	return $has
}

make_host
if find_passt; then
	by_passt
else
	skip "passt" "no passt with vhost-user here, nor in $DEBIAN_13"
fi
if has_macvtap; then
	by_macvtap
else
	skip "macvtap" "the kernel has none, or /dev is no devtmpfs"
fi
finish
