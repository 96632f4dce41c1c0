#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real systemd-networkd: what it takes away from mvmd is told with its file.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"
[ -x /lib/systemd/systemd-networkd ] || skip_all "there is no systemd-networkd"
boot

# network_file PATH LINE...: of the container; networkd reads its files anew.
network_file() {
	mkdir -p "$(root "${1%/*}")"
	printf '%s\n' "${@:2}" >"$(root "$1")"
	inside networkctl reload
}

# without PATH...
without() {
	local path
	for path; do
		rm "$(root "$path")"
	done
	inside networkctl reload
}

# finding NAME ID FIELD: of a VM that runs.
finding() {
	inside mvmd status --json "$1" | jq -r --arg id "$2" ".findings[] | select(.id == \$id) | $3"
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

# remedy NAME: what the finding says is to be done, but the edit.
remedy() {
	inside sh -c "$(finding "$1" tap-off-bridge .remedy | sed 's/.*; then //')"
}

taken_by_a_file_of_etc() {
	spec "$VM" "powerbutton poweroff"
	start_unit "$VM"
	is "$VM: without a .network file networkd leaves it alone" \
		"$(inside mvmd status --json "$VM" | jq -c '[.interfaces[0].attached, .findings]')" "[true,[]]"
	network_file /etc/systemd/network/50-all.network '[Match]' Type=ether '[Network]' DHCP=yes
	succeeds "$VM: Type=ether takes the tap off its bridge" await master_is "$VM" null
	is "$VM: the finding names the file" \
		"$(finding "$VM" tap-off-bridge .evidence.network_file)" /etc/systemd/network/50-all.network
	finding "$VM" tap-off-bridge .why >"$WORK/why"
	has "$VM: and what is wrong with it" "$WORK/why" "50-all.network matches the tap and names no Bridge="
	finding "$VM" tap-off-bridge .remedy >"$WORK/remedy"
	has "$VM: and what to write there" "$WORK/remedy" \
		"add Kind=!tun to the [Match] of /etc/systemd/network/50-all.network"
	network_file /etc/systemd/network/50-all.network '[Match]' Type=ether 'Kind=!tun' '[Network]' DHCP=yes
	remedy "$VM"
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
	spec "$VM" "powerbutton poweroff"
	start_unit "$VM"
	network_file /etc/systemd/network/10-other.network.d/more.conf '[Network]' 'Bridge=br7'
	network_file $file '[Match]' 'Name=vm-*' '[Network]' Bridge=br8 '[Link]' Bridge=br9
	succeeds "$VM: another file puts it on another bridge" await master_is "$VM" br7
	is "$VM: which the finding names" "$(finding "$VM" tap-off-bridge .evidence.network_file)" $file
	finding "$VM" tap-off-bridge .why >"$WORK/why"
	has "$VM: with the bridge that its drop-in has" "$WORK/why" "$file matches the tap, and puts it on br7"
	finding "$VM" tap-off-bridge .remedy >"$WORK/remedy"
	has "$VM: a program's file is mended by a drop-in" "$WORK/remedy" \
		"into /etc/systemd/network/10-other.network.d/no-taps.conf"
	network_file /etc/systemd/network/10-other.network.d/no-taps.conf '[Match]' 'Kind=!tun'
	remedy "$VM"
	succeeds "$VM: so networkd lets go of it" await setup_is "$VM" unmanaged
	succeeds "$VM: and it is back" await master_is "$VM" br0
	without $file /etc/systemd/network/{10-other.network.d/{more,no-taps}.conf,br7.netdev}
	ip link del br7
	stop "$VM"
}

taken_by_a_file_that_is_ignored() {
	spec "$VM" "powerbutton poweroff"
	start_unit "$VM"
	network_file /etc/systemd/network/10-br0.network '[Match]' 'Name=vm-*' '[Network]' Bridge=br0
	succeeds "$VM: Bridge=br0 without a .netdev file takes it off br0" await master_is "$VM" null
	finding "$VM" tap-off-bridge .why >"$WORK/why"
	has "$VM: which the finding explains" "$WORK/why" \
		"networkd ignores its Bridge=br0, for which it has no .netdev file"
	without /etc/systemd/network/10-br0.network
	stop "$VM"
}

taken_by_hand() {
	spec "$VM" "powerbutton poweroff"
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

succeeds "networkd runs" inside systemctl start systemd-networkd
VM=ta taken_by_a_file_of_etc
VM=tb taken_by_a_file_of_run
VM=tc taken_by_a_file_that_is_ignored
VM=td taken_by_hand
finish
