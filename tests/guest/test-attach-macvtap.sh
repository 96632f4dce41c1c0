#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# "attach": "macvtap": made on a link of the host's, opened without udev, gone with the VM whatever ended it; and what
# keeps it from being made.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
need qemu-system-x86_64 jq ip

VMM=qemu ACCEL=tcg
. "$TOP/tests/guest/run-lib.sh"
. "$TOP/tests/guest/faults-lib.sh"
make_host

ip link add out0 type veth peer name out1
ip link set out0 up
ip link set out1 up
ip link add link out0 name probe0 type macvtap mode bridge 2>/dev/null ||
	skip_all "the kernel has no macvtap"
ip link del probe0

# /dev is one for all network namespaces, and a copy of this test may make VMs of these names beside us: whose device it
# is mvmd tells by name and MAC.
MAC=$(printf '02:00:5e:%02x:%02x:%02x' $((RANDOM % 256)) $((RANDOM % 256)) $((RANDOM % 256)))

# in_netns FILE COMMAND...: in that network namespace, and with its sysfs.
in_netns() {
	# shellcheck disable=SC2016
	nsenter --net="$1" unshare --mount sh -c 'mount -t sysfs sysfs /sys && exec "$@"' sh "${@:2}"
}

# has_device FILE LINK NUMBER: what /dev has of that number is that macvtap's, and not another namespace's.
has_device() {
	[ "$(stat -c %Hr:%Lr "/dev/tap$3" 2>/dev/null)" = "$(in_netns "$1" cat "/sys/class/net/$2/tap$3/dev")" ]
}

# makes_devices: some macvtap's device is there; others' may have the numbers of the first ones.
makes_devices() {
	local found number
	for _ in {1..16}; do
		ip link add link out0 name probe0 type macvtap mode bridge
		number=$(ip -j link show probe0 | jq '.[0].ifindex')
		has_device /proc/self/ns/net probe0 "$number" && found=yes
		ip link del probe0
		[ -z "${found-}" ] || return 0
	done
	return 1
}
makes_devices || skip_all "/dev is no devtmpfs here: no device comes with a macvtap"

# vm NAME WORDS [DETAILS] [KEYS] [JSON]
vm() {
	local details=${3:-"{}"} keys=${4:-"{}"} more=${5:-"{}"}
	spec "$1" "$2" "$(jq -nc --argjson details "$details" --argjson keys "$keys" --argjson more "$more" '{
		interfaces: [ { id: "net0", attach: "macvtap", mac: "'"$MAC"'", macvtap: ({ link: "out0" } + $details) } + $keys ]
	} + $more')"
}

TAP() {
	echo "vm-$VM-net0"
}

# has_queues NAME N: the VMM has its device open, once per pair. cloud-hypervisor keeps a copy of each.
has_queues() {
	local wanted=$2
	[ $VMM = qemu ] || wanted=$((2 * wanted))
	is "$1" "$(find "/proc/$VMM_PID/fd" -lname "/dev/tap$(ip -j link show "$(TAP)" | jq '.[0].ifindex')" | wc -l)" $wanted
}

lives() {
	vm "$VM" "powerbutton poweroff"
	boot "$VM"
	link_holds "$VM: it is on its link, up, ours, and has the guest's MAC" \
		"any(.[]; .ifname == \"$(TAP)\" and .link == \"out0\" and .linkinfo.info_kind == \"macvtap\"
			and .linkinfo.info_data.mode == \"bridge\" and .ifalias == \"mvmd:$VM/net0\"
			and (.flags | index(\"UP\")) and .address == \"$MAC\")"
	has_queues "$VM: the VMM has it open" 1
	has "$VM: the start says whom it does not reach" "$WORK/$VM.err" \
		"host and guest do not see each other"
	exits "$VM: its own macvtap is not in its own way" 0 "$MVMD" check "$VM"
	holds "$VM: status has its name, and the link's" "$VM" \
		'.interfaces[0] | .attach == "macvtap" and (.tap | startswith("vm-")) and .link == "out0" and .bridge == null'
	"$MVMD" status "$VM" >"$WORK/text"
	has "$VM: its text, too" "$WORK/text" "interface net0: macvtap $(TAP) on out0"
	no_findings "$VM: nothing is wrong with it" "$VM"
	ip link set out0 down
	await_value "$VM" ".findings | length > 0"
	status_names "$VM: its link is down" tap-no-carrier "$VM" "tap=$(TAP), link=out0" "ip link set out0 up"
	ip link set out0 up
	await_value "$VM" ".findings | length == 0"
	exits "$VM: it stops as ever" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
}

several() {
	vm "$VM" "powerbutton poweroff" '{ "mode": "private" }' '{ "queues": 2, "mtu": 1400 }' '{ "cpus": 2 }'
	boot "$VM"
	has_queues "$VM: two pairs of queues are two descriptors" 2
	link_holds "$VM: mode and MTU are the spec's" "any(.[]; .ifname == \"$(TAP)\"
		and .linkinfo.info_data.mode == \"private\" and .mtu == 1400)"
	exits "$VM: it stops as ever" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
}

# A supervisor that is killed leaves VMM and macvtap; the next takes over both, and removes both.
adopted() {
	vm "$VM" "powerbutton poweroff"
	boot "$VM"
	next_supervisor "$VM"
	no_findings "$VM: one that is adopted has it still" "$VM"
	exits "$VM: it stops as ever" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
}

kill_all() {
	kill -KILL "$SUPERVISOR" "$VMM_PID"
	ended "$SUPERVISOR"
} 2>/dev/null

has_tap() {
	ip link show "$(TAP)" >/dev/null 2>&1
}

# Of both killed it is left: it does not end with its last descriptor.
left() {
	vm "$VM" "powerbutton poweroff"
	boot "$VM"
	kill_all
	succeeds "$VM: it outlives who had it" has_tap
	vm "$VM" poweroff
	run "$VM"
	ends "$VM: the next start removes it" 0
}

swept() {
	vm "$VM" "powerbutton poweroff"
	boot "$VM"
	kill_all
	SERVICE_RESULT=success EXIT_CODE=exited EXIT_STATUS=0 "$MVMD" unit sweep "$VM" >"$WORK/text" 2>&1
	has "$VM: a sweep removes it" "$WORK/text" "$(TAP)"
	succeeds "$VM: it is gone" eval "! has_tap"
}

# At the start it is told at once.
down() {
	vm "$VM" poweroff
	ip link set out0 down
	provokes "$VM: a link that is down is no reason not to start" link-down 0 "link=out0" \
		"ip link set out0 up" run "$VM"
	ip link set out0 up
}

waits() {
	vm "$VM" poweroff '{ "link": "late0" }'
	run "$VM"
	await_text "$WORK/$VM.err" "waiting up to"
	ip link add late0 type veth peer name late1
	ends "$VM: its link is awaited" 0
	ip link del late0
	vm "$VM" poweroff '{ "link": "late0" }' '{}' '{ "timeouts": { "bridge": "200ms" } }'
	provokes "$VM: one that does not come ends the start" link-missing $EXIT_UNAVAILABLE "link=late0" \
		"ip -br link" run "$VM"
	provokes "$VM: check tells it before" link-missing $EXIT_UNAVAILABLE "link=late0" "ip -br link" check "$VM"
}

# words_of ID: what the last command that provoked it said.
words_of() {
	sed -n "s/.*mvmd: $VM: \(.*\[$1\]\)\$/\1/p" "$WORK/err"
}

# refused NAME ID EXIT_CODE EVIDENCE REMEDY: by the start, and by check before anything is made, in the same words.
refused() {
	local name=$1 words
	shift
	provokes "$VM: $name" "$@" run "$VM"
	words=$(words_of "$1")
	provokes "$VM: $name: check says it" "$@" check "$VM"
	is "$VM: $name: in the same words" "$(words_of "$1")" "$words"
}

taken() {
	vm "$VM" poweroff
	ip link set out0 master br0
	refused "a port of a bridge has none" macvtap-link-taken $EXIT_BUSY "link=out0, tap=$(TAP)" \
		"\"attach\": \"bridge\""
	vm "$VM" poweroff '{ "mode": "passthru" }'
	refused "in mode passthru neither" macvtap-link-taken $EXIT_BUSY "link=out0" "\"attach\": \"bridge\""
	ip link set out0 nomaster
	ip link add link out0 name other0 type macvtap mode bridge
	refused "passthru is alone on its link" macvtap-link-taken $EXIT_BUSY \
		"link=out0, tap=$(TAP), beside=other0" "type macvtap"
	ip link del other0
	exits "$VM: alone it can be made" 0 "$MVMD" check "$VM"
	starts "$VM: then it has it" "$VM"
	ip link add link out0 name other0 type macvlan mode passthru
	ip link set other0 alias mvmd:web2/net0
	vm "$VM" poweroff
	refused "nobody is beside passthru" macvtap-link-taken $EXIT_BUSY \
		"link=out0, tap=$(TAP), beside=other0, vm=web2" "mvmd stop web2"
	vm "$VM" poweroff '{ "link": "out1" }'
	exits "$VM: on another link it can be made" 0 "$MVMD" check "$VM"
	ip link del other0
	vm "$VM" poweroff '{}' '{ "mtu": 9000 }'
	refused "its MTU is not above the link's" macvtap-mtu $EXIT_UNAVAILABLE \
		"mtu=9000, mtu_of_link=1500, link=out0" "ip link set out0 mtu 9000"
	vm "$VM" poweroff '{ "link": "lo" }'
	refused "a loopback is no Ethernet" macvtap-link-unfit $EXIT_UNAVAILABLE "link=lo, tap=$(TAP)" \
		"network card"
	ip link add "$(TAP)" type bridge
	vm "$VM" poweroff
	provokes "$VM: the name is taken" tap-name-taken $EXIT_BUSY "tap=$(TAP), kind=bridge" \
		"ip link del $(TAP)" run --now "$VM"
	ip link del "$(TAP)"
}

# In mode passthru it does not stand in its own way either.
alone() {
	vm "$VM" "powerbutton poweroff" '{ "mode": "passthru" }'
	boot "$VM"
	exits "$VM: what has the link to itself is itself" 0 "$MVMD" check "$VM"
	exits "$VM: it stops as ever" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
}

# Where /dev is not devtmpfs, as in most containers, there is no device.
no_device() {
	vm "$VM" poweroff
	mkdir "$WORK/dev"
	mount -t tmpfs none "$WORK/dev"
	cp -a /dev/{null,zero,full,random,urandom,tty,net} "$WORK/dev"
	[ ! -e /dev/kvm ] || cp -a /dev/kvm "$WORK/dev"
	mount --bind "$WORK/dev" /dev
	provokes "$VM: a /dev of its own" macvtap-device $EXIT_UNAVAILABLE "tap=$(TAP), link=out0" \
		"give mvmd the host's /dev" run "$VM"
	umount /dev "$WORK/dev"
}

# take_next_number FILE: a macvtap far2 of that namespace has the device of the number that ours would get, in NEXT.
take_next_number() {
	for _ in {1..16}; do
		ip link add link out0 name probe0 type macvtap
		NEXT=$(($(ip -j link show probe0 | jq '.[0].ifindex') + 1))
		ip link del probe0
		nsenter --net="$1" ip link add link far0 name far2 index $NEXT type macvtap mode bridge
		! has_device "$1" far2 $NEXT || return 0
		nsenter --net="$1" ip link del far2
	done
	return 1
}

# The number of a macvtap of another network namespace is in /dev already: another is tried.
numbers() {
	local other
	vm "$VM" "powerbutton poweroff"
	other=$(mktemp "$WORK/netns.XXXXXX")
	unshare --net="$other" true
	nsenter --net="$other" ip link add far0 type veth peer name far1
	take_next_number "$other" || fail "$VM: another namespace has the next number"
	boot "$VM"
	has_queues "$VM: another namespace's macvtap is not taken for ours" 1
	succeeds "$VM: it has a number behind that" \
		[ "$(ip -j link show "$(TAP)" | jq '.[0].ifindex')" -gt "$NEXT" ]
	exits "$VM: it stops as ever" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
	umount "$other"
}

case_of ma lives
case_of mb several
case_of mc adopted
case_of md left
case_of me swept
case_of mf waits
case_of mk down
case_of mg taken
case_of mm alone
case_of mh numbers
case_of ml no_device
if [ -e /dev/kvm ] && type -P cloud-hypervisor >/dev/null && kvm_runs_the_guest; then
	VMM=cloud-hypervisor ACCEL=kvm
	case_of mi lives
	case_of mj several
else
	skip "cloud-hypervisor with a macvtap" "cloud-hypervisor does not run here"
fi
finish
