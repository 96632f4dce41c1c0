#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real systemd-networkd: what it takes away from mvmd is told with its file; what is left to it is awaited.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"
[ -x /lib/systemd/systemd-networkd ] || skip_all "there is no systemd-networkd"
boot

# network_file PATH LINE...: of the container; networkd reads its files anew.
network_file() {
	mkdir -p "$(root "${1%/*}")"
	printf '%s\n' "${@:2}" >"$(root "$1")"
	await inside networkctl reload
}

# without PATH...
without() {
	local path
	for path; do
		rm "$(root "$path")"
	done
	await inside networkctl reload
}

# finding NAME ID FIELD: of a VM that runs.
finding() {
	inside mvmd status --json "$1" | jq -r --arg id "$2" ".findings[] | select(.id == \$id) | $3"
}

# of_found ID FIELD: what found() found, of the same answer.
of_found() {
	jq -r --arg id "$1" ".findings[] | select(.id == \$id) | $2" "$WORK/found"
}

finding_is() {
	inside mvmd status --json "$1" >"$WORK/found"
	[ "$(of_found "$2" "$3")" = "$4" ]
}

# found TITLE NAME ID FIELD WANTED: it is awaited, for a busy networkd answers late, and writes down what it did after it.
found() {
	await finding_is "${@:2}"
	is "$1" "$(of_found "$3" "$4")" "$5"
}

# master_is NAME MASTER: of the VM's tap; MASTER "null" for none.
master_is() {
	[ "$(ip -j link show "vm-$1-net0" | jq -r '.[0].master')" = "$2" ]
}

# setup_is NAME WORD: what networkd made of the VM's tap.
setup_is() {
	inside networkctl --no-pager --no-legend list "vm-$1-net0" | grep -q " $2\$"
}

# --- networkd takes a tap away from mvmd

# What is found lasts where mvmd puts nothing right.
WARN='{ "interfaces": [ { "id": "net0", "bridge": "br0", "on_detach": "warn" } ] }'

# remedy: what was found is to be done, but the edit.
remedy() {
	inside sh -c "$(of_found tap-off-bridge .remedy | sed 's/.*; then //')"
}

taken_by_a_file_of_etc() {
	spec "$VM" "powerbutton poweroff" "$WARN"
	start_unit "$VM"
	is "$VM: without a .network file networkd leaves it alone" \
		"$(inside mvmd status --json "$VM" | jq -c '[.interfaces[0].attached, .findings]')" "[true,[]]"
	network_file /etc/systemd/network/50-all.network '[Match]' Type=ether '[Network]' DHCP=yes
	succeeds "$VM: Type=ether takes the tap off its bridge" await master_is "$VM" null
	found "$VM: the finding names the file" \
		"$VM" tap-off-bridge .evidence.network_file /etc/systemd/network/50-all.network
	of_found tap-off-bridge .why >"$WORK/why"
	has "$VM: and what is wrong with it" "$WORK/why" "50-all.network matches the tap and names no Bridge="
	of_found tap-off-bridge .remedy >"$WORK/remedy"
	has "$VM: and what to write there" "$WORK/remedy" \
		"add Kind=!tun to the [Match] of /etc/systemd/network/50-all.network"
	network_file /etc/systemd/network/50-all.network '[Match]' Type=ether 'Kind=!tun' '[Network]' DHCP=yes
	remedy
	succeeds "$VM: so networkd lets go of it" await setup_is "$VM" unmanaged
	is "$VM: and it stays on its bridge" \
		"$(inside mvmd status --json "$VM" | jq -c '[.interfaces[0].attached, .findings]')" "[true,[]]"
	without /etc/systemd/network/50-all.network
	stop "$VM"
}

taken_by_a_file_of_run() {
	local file=/run/systemd/network/10-other.network
	network_file /etc/systemd/network/br7.netdev '[NetDev]' Name=br7 Kind=bridge
	await ip link show br7
	spec "$VM" "powerbutton poweroff" "$WARN"
	start_unit "$VM"
	network_file /etc/systemd/network/10-other.network.d/more.conf '[Network]' 'Bridge=br7'
	network_file $file '[Match]' 'Name=vm-*' '[Network]' Bridge=br8 '[Link]' Bridge=br9
	succeeds "$VM: another file puts it on another bridge" await master_is "$VM" br7
	found "$VM: which the finding names" "$VM" tap-off-bridge .evidence.network_file $file
	of_found tap-off-bridge .why >"$WORK/why"
	has "$VM: with the bridge that its drop-in has" "$WORK/why" "$file matches the tap, and puts it on br7"
	of_found tap-off-bridge .remedy >"$WORK/remedy"
	has "$VM: a program's file is mended by a drop-in" "$WORK/remedy" \
		"into /etc/systemd/network/10-other.network.d/no-taps.conf"
	network_file /etc/systemd/network/10-other.network.d/no-taps.conf '[Match]' 'Kind=!tun'
	remedy
	succeeds "$VM: so networkd lets go of it" await setup_is "$VM" unmanaged
	succeeds "$VM: and it is back" await master_is "$VM" br0
	without $file /etc/systemd/network/{10-other.network.d/{more,no-taps}.conf,br7.netdev}
	rmdir "$(root /etc/systemd/network)/10-other.network.d"
	ip link del br7
	stop "$VM"
}

taken_by_a_file_that_is_ignored() {
	spec "$VM" "powerbutton poweroff" "$WARN"
	start_unit "$VM"
	network_file /etc/systemd/network/10-br0.network '[Match]' 'Name=vm-*' '[Network]' Bridge=br0
	succeeds "$VM: Bridge=br0 without a .netdev file takes it off br0" await master_is "$VM" null
	found "$VM: which the finding names" \
		"$VM" tap-off-bridge .evidence.network_file /etc/systemd/network/10-br0.network
	of_found tap-off-bridge .why >"$WORK/why"
	has "$VM: and explains" "$WORK/why" \
		"networkd ignores its Bridge=br0, for which it has no .netdev file"
	without /etc/systemd/network/10-br0.network
	stop "$VM"
}

taken_by_hand() {
	spec "$VM" "powerbutton poweroff" "$WARN"
	start_unit "$VM"
	network_file /etc/systemd/network/10-kept.network '[Match]' 'Name=vm-*' '[Network]' KeepMaster=yes
	succeeds "$VM: a file that keeps the master" await setup_is "$VM" configured
	succeeds "$VM: takes nothing away" master_is "$VM" br0
	ip link set "vm-$VM-net0" nomaster
	is "$VM: and is not blamed where a hand did it" \
		"$(finding "$VM" tap-off-bridge '.evidence | has("network_file")')" false
	without /etc/systemd/network/10-kept.network
	inside systemctl stop systemd-networkd.socket systemd-networkd
	is "$VM: nor is networkd where it does not run" \
		"$(finding "$VM" tap-off-bridge '.evidence | has("network_file")')" false
	inside systemctl start systemd-networkd
	stop "$VM"
}

# Whoever comes last: mvmd puts the tap back each time, until that is somebody's wish.
taken_and_put_back() {
	spec "$VM" "powerbutton poweroff"
	start_unit "$VM"
	network_file /etc/systemd/network/50-all.network '[Match]' Type=ether '[Network]' DHCP=yes
	says "$VM: that mvmd put it back is told" "$VM" "[tap-off-bridge]"
	says "$VM: with the file for which that was needed" "$VM" \
		"/etc/systemd/network/50-all.network matches the tap and names no Bridge="
	without /etc/systemd/network/50-all.network
	stop "$VM"
}

# --- a tap that is left to networkd

# left NAME [KEYS]: a VM with an interface of that way.
left() {
	spec "$1" "powerbutton poweroff" "$(jq -nc --argjson keys "${2:-"{}"}" '{
		interfaces: [ { id: "net0", attach: "networkd" } + $keys ],
		timeouts: { bridge: ($keys.wait // "2s") } } | del(.interfaces[0].wait)')"
}

# refused NAME ID TEXT...: the start ends with that finding, whose lines have the texts.
refused() {
	local text
	start_unit "$1"
	says "$1: it is $2" "$1" "[$2]"
	for text in "${@:3}"; do
		says "$1: it says: $text" "$1" "$text"
	done
	stop "$1"
}

no_file_matches() {
	left "$VM" '{ "bridge": "br0" }'
	refused "$VM" networkd-no-file "systemd-networkd did not put tap vm-$VM-net0 on bridge br0 within 2s" \
		"none of its .network files matches the tap" \
		"mvmd networkd --output=/etc/systemd/network $VM && systemctl restart systemd-networkd" \
		"[Match] Name=vm-$VM-net0 Kind=tun [Network] Bridge=br0"
}

networkd_does_not_run() {
	left "$VM" '{ "bridge": "br0" }'
	succeeds "$VM: check finds nothing where it runs" inside mvmd check "$VM"
	inside systemctl stop systemd-networkd.socket systemd-networkd
	inside mvmd check "$VM" >"$WORK/said" 2>&1
	is "$VM: and where it does not, that a start would wait" $? 69
	has "$VM: for what" "$WORK/said" "its tap is left to systemd-networkd, which does not run"
	refused "$VM" networkd-absent "it does not run" "systemctl enable --now systemd-networkd"
	inside systemctl start systemd-networkd
}

another_file_matches() {
	left "$VM"
	network_file /etc/systemd/network/50-all.network '[Match]' Type=ether 'Kind=tun' '[Network]' DHCP=no
	refused "$VM" networkd-wrong-file "systemd-networkd did not put tap vm-$VM-net0 on a bridge" \
		"/etc/systemd/network/50-all.network matches the tap and names no Bridge="
	without /etc/systemd/network/50-all.network
}

an_earlier_file_matches() {
	left "$VM" '{ "bridge": "br0" }'
	network_file /etc/systemd/network/01-all.network '[Match]' Kind=tun '[Network]' Bridge=br0
	refused "$VM" networkd-wrong-file "which networkd ignores: no .netdev file is for that bridge" \
		"take the tap out of the [Match] of /etc/systemd/network/01-all.network"
	without /etc/systemd/network/01-all.network
}

the_bridge_is_missing() {
	left "$VM" '{ "bridge": "br5" }'
	network_file /etc/systemd/network/br5.netdev '[NetDev]' Name=br5 Kind=bridge
	network_file /etc/systemd/network/05-br5.network '[Match]' 'Name=vm-*' '[Network]' Bridge=br5
	await ip link show br5
	ip link del br5
	refused "$VM" networkd-late "05-br5.network matches the tap, and there is no bridge br5"
	without /etc/systemd/network/{br5.netdev,05-br5.network}
}

comes_up() {
	left "$VM" '{ "networkd": { "expect": "up" }, "mtu": 1400, "wait": "1min" }'
	inside systemctl start --no-block "mvmd@$VM"
	comes "$VM: STATUS says what it waits for" "$VM" StatusText \
		"*systemd-networkd to bring up tap vm-$VM-net0*"
	network_file /etc/systemd/network/05-up.network '[Match]' "Name=vm-$VM-net0" Kind=tun '[Link]' MTUBytes=1300
	comes "$VM: it starts when networkd has brought it up" "$VM" ActiveState active
	is "$VM: an MTU other than the spec's is told" \
		"$(finding "$VM" tap-changed .evidence.differs)" "MTU is 1300 instead of 1400"
	without /etc/systemd/network/05-up.network
	stop "$VM"
}

gets_an_address() {
	left "$VM" '{ "networkd": { "expect": "address" }, "wait": "1min" }'
	inside systemctl start --no-block "mvmd@$VM"
	comes "$VM: STATUS says what it waits for" "$VM" StatusText \
		"*systemd-networkd to give tap vm-$VM-net0 an address*"
	network_file /etc/systemd/network/05-address.network '[Match]' "Name=vm-$VM-net0" '[Network]' \
		Address=192.0.2.1/28 IPv6AcceptRA=no
	comes "$VM: it starts when networkd has given it one" "$VM" ActiveState active
	is "$VM: nothing is found, and nothing else is expected" \
		"$(inside mvmd status --json "$VM" | jq -c '[.interfaces[0].attached, .findings]')" "[null,[]]"
	without /etc/systemd/network/05-address.network
	stop "$VM"
}

index() {
	ip -j link show "vm-$1-net0" 2>/dev/null | jq '.[0].ifindex'
}

becomes_a_port() {
	local before
	drop_in "$VM" FileDescriptorStorePreserve=yes # as the unit has it for systemd 254 and newer
	network_file /etc/systemd/network/br6.netdev '[NetDev]' Name=br6 Kind=bridge
	network_file /etc/systemd/network/br6.network '[Match]' Name=br6 '[Network]' LinkLocalAddressing=no
	network_file /etc/systemd/network/05-br6.network '[Match]' "Name=vm-$VM-net0" '[Network]' Bridge=br6
	await ip link show br6
	left "$VM" '{ "bridge": "br6", "wait": "1min" }'
	succeeds "$VM: it starts when networkd has put it on the bridge" start_unit "$VM"
	is "$VM: it is attached, and nothing is found" \
		"$(inside mvmd status --json "$VM" | jq -c '[.interfaces[0].attached, .findings]')" "[true,[]]"
	before=$(index "$VM")
	succeeds "$VM: over a restart of its unit" inside systemctl restart "mvmd@$VM"
	is "$VM: the tap stays, and nothing is to be waited for" "$(index "$VM")" "$before"
	succeeds "$VM: nothing is found then, too" await nothing_is_found "$VM"
	is "$VM: the file that matched is told" "$(inside mvmd status --json "$VM" |
		jq -r '.interfaces[0].network_file')" /etc/systemd/network/05-br6.network
	inside mvmd status "$VM" >"$WORK/said"
	has "$VM: in the text, too" "$WORK/said" "tap vm-$VM-net0 on bridge br6 by /etc/systemd/network/05-br6.network"
	inside systemctl kill --kill-whom=main -s KILL "mvmd@$VM"
	succeeds "$VM: adopted it is as it was" await nothing_is_found "$VM"
	inside systemctl stop systemd-networkd.socket systemd-networkd
	ip link set "vm-$VM-net0" master br0
	found "$VM: somebody puts it elsewhere" "$VM" tap-off-bridge .evidence.master br0
	of_found tap-off-bridge .why >"$WORK/why"
	has "$VM: and networkd does not run" "$WORK/why" "systemd-networkd, which would bring it back, does not run"
	inside sh -c "$(of_found tap-off-bridge .remedy)"
	succeeds "$VM: networkd brings it back, as the remedy says" await nothing_is_found "$VM"
	without /etc/systemd/network/{br6.netdev,br6.network,05-br6.network}
	stop "$VM"
	ip link del br6
}

# --- the files that mvmd prints

# What mvmd networkd said is to be done, done.
reread() {
	inside sh -c "$(sed -n 's/.*systemd-networkd gets to know it by: //p' "$WORK/said")"
}

written_for_a_bridge_of_others() {
	local folder=/etc/systemd/network
	left "$VM" '{ "bridge": "br0", "wait": "1min" }'
	inside mvmd networkd --output=$folder "$VM" 2>"$WORK/said"
	is "$VM: mvmd networkd writes two files" "$(ls "$(root $folder)")" \
		"$(printf '05-mvmd-%s-net0.network\n95-mvmd-br0.netdev' "$VM")"
	has "$VM: and says that networkd knows a bridge of others only by a restart" "$WORK/said" \
		"systemctl restart systemd-networkd"
	exits "$VM: into a folder that is not there" 71 inside mvmd networkd --output=/nosuch "$VM"
	has "$VM: it says how there comes to be one" "$WORK/err" "try: mkdir -p /nosuch"
	inside mvmd networkd "$VM" >"$WORK/printed"
	(cd "$(root $folder)" && cat "05-mvmd-$VM-net0.network" && echo && cat 95-mvmd-br0.netdev) >"$WORK/wanted"
	succeeds "$VM: byte for byte what it prints" cmp "$WORK/printed" "$WORK/wanted"
	reread
	succeeds "$VM: with them the VM starts" start_unit "$VM"
	is "$VM: on its bridge" "$(inside mvmd status --json "$VM" | jq -c '[.interfaces[0].attached, .findings]')" \
		"[true,[]]"
	succeeds "$VM: as networkd sees it, too" await setup_is "$VM" configured
	inside mvmd networkd --output=$folder "$VM" 2>"$WORK/said"
	has "$VM: once more nothing is new" "$WORK/said" "$folder/05-mvmd-$VM-net0.network is there as it is to be"
	has_not "$VM: and nothing is to be done" "$WORK/said" "gets to know it"
	is "$VM: nothing else lies in the folder" "$(ls -A "$(root $folder)" | wc -l)" 2
	stop "$VM"
	without $folder/05-mvmd-"$VM"-net0.network $folder/95-mvmd-br0.netdev
	inside systemctl restart systemd-networkd
}

printed_for_a_bridge_of_networkd() {
	network_file /etc/systemd/network/br6.netdev '[NetDev]' Name=br6 Kind=bridge
	network_file /etc/systemd/network/50-all.network '[Match]' Type=ether '[Network]' DHCP=no
	left "$VM" '{ "bridge": "br6", "wait": "1min" }'
	inside mvmd networkd "$VM" >"$WORK/printed"
	is "$VM: one file, for there is one for the bridge" "$(grep -c '^# /etc/systemd/network/' "$WORK/printed")" 1
	cp "$WORK/printed" "$(root "$(sed -n '1s/^# //p' "$WORK/printed")")"
	await inside networkctl reload
	succeeds "$VM: put where it says it works, before a file for all" start_unit "$VM"
	succeeds "$VM: the tap is on its bridge" master_is "$VM" br6
	stop "$VM"
	without /etc/systemd/network/{br6.netdev,50-all.network,05-mvmd-"$VM"-net0.network}
	ip link del br6
}

printed_for_all() {
	local folder=/etc/systemd/network name
	left "$VM-up" '{ "networkd": { "expect": "up" }, "wait": "1min" }'
	left "$VM-address" '{ "networkd": { "expect": "address" }, "wait": "1min" }'
	rm -f "$SPECS"/[lwp]?.json # of the cases before
	inside mvmd networkd --all --output=$folder 2>"$WORK/said"
	has "$VM: all are written" "$WORK/said" "$folder/05-mvmd-$VM-up-net0.network is written"
	reread
	for name in "$VM-up" "$VM-address"; do
		succeeds "$name: starts with its file" start_unit "$name"
		is "$name: nothing is found" "$(inside mvmd status --json "$name" | jq -c .findings)" "[]"
	done
	is "$VM: the address is of the kind that guests can reach" \
		"$(ip -j -4 address show "$(inside mvmd status --json "$VM-address" |
			jq -r '.interfaces[0].tap')" | jq -r '.[0].addr_info[0].scope')" global
	inside systemctl stop "mvmd@$VM-up" "mvmd@$VM-address"
	without $folder/05-mvmd-"$VM"-{up,address}-net0.network
}

others_need_none() {
	spec "$VM" poweroff
	inside mvmd networkd "$VM" >"$WORK/printed" 2>"$WORK/said"
	is "$VM: an interface of another way needs no file" $? 0
	has "$VM: and is told which way it has" "$WORK/said" 'interface net0 has "attach": "bridge"'
	is "$VM: nothing is printed" "$(cat "$WORK/printed")" ""
	left "$VM"
	inside mvmd networkd "$VM" >"$WORK/printed" 2>"$WORK/said"
	has "$VM: a bridge that the spec does not name is not made up" "$WORK/printed" "#Bridge=BRIDGE"
	has "$VM: which is told" "$WORK/said" 'interface net0 names no "bridge"'
	inside mvmd networkd --output=/proc "$VM" 2>"$WORK/said"
	is "$VM: a folder that takes no files" $? 71
	has "$VM: is named" "$WORK/said" "cannot write /proc/05-mvmd-$VM-net0.network"
	inside mvmd networkd 2>"$WORK/said"
	is "$VM: it wants a name" $? 64
}

nothing_is_found() {
	[ "$(inside mvmd status --json "$1" | jq -c '[.state, .interfaces[0].attached, .findings]')" = \
		'["running",true,[]]' ]
}

succeeds "networkd runs" inside systemctl start systemd-networkd
VM=ta taken_by_a_file_of_etc
VM=tb taken_by_a_file_of_run
VM=tc taken_by_a_file_that_is_ignored
VM=td taken_by_hand
VM=te taken_and_put_back
VM=la no_file_matches
VM=lb networkd_does_not_run
VM=lc another_file_matches
VM=ld an_earlier_file_matches
VM=le the_bridge_is_missing
VM=lf comes_up
VM=lg gets_an_address
VM=lh becomes_a_port
VM=wa written_for_a_bridge_of_others
VM=wb printed_for_a_bridge_of_networkd
VM=wc others_need_none
VM=pa printed_for_all
finish
