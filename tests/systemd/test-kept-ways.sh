#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What stays over a restart of a VM's unit where mvmd is not who made a tap by name: that of qemu-bridge-helper, and a
# macvtap, which does not end with its descriptors. test-kept.sh has the others.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"
. "$(dirname "$0")/kept-lib.sh"
need bridge

# runs NAME: its unit is active, and its guest hears the power button.
runs() {
	start_unit "$1"
	comes "$1: runs" "$1" ActiveState active
	await journal_has "$1" "awaiting the power button"
}

# helped BRIDGE: the spec of that VM.
helped() {
	spec helped "powerbutton poweroff" \
		"{ \"interfaces\": [ { \"id\": \"net0\", \"attach\": \"helper\", \"bridge\": \"$1\" } ] }"
	inside systemctl daemon-reload
}

# The one that the VM has now; its name is the helper's choice.
helpers_tap() {
	inside mvmd status --json helped | jq -r '.interfaces[0].tap'
}

# What qemu-bridge-helper made stays, with its port; it has no alias, and is known by its descriptor.
stays_of_the_helper() {
	local tap before since
	printf '%s\n' '{ "helper": { "program": "/srv/bridge-helper" } }' >"$SPECS/host.conf"
	inside cp /usr/lib/qemu/qemu-bridge-helper /srv/bridge-helper
	inside sh -c 'mkdir -p /etc/qemu && echo "allow all" >/etc/qemu/bridge.conf'
	drop_in helped $PRESERVE
	helped br0
	runs helped
	tap=$(helpers_tap)
	before=$(index_of "$tap")
	since=$(since helped)
	bridge fdb add "$LEARNT" dev "$tap" master dynamic
	succeeds "helped: mvmd restart" inside mvmd restart helped
	is "helped: it has the same tap" "$(helpers_tap) $(index_of "$tap") $(since helped)" "$tap $before $since"
	succeeds "helped: where it was learnt before" \
		eval 'bridge fdb show dev "$tap" | grep -q "^$LEARNT .*master br0"'
	is "helped: nothing is found about it" "$(inside mvmd status --json helped | jq -c .findings)" "[]"
	ip link add br1 type bridge
	ip link set br1 up
	helped br1
	succeeds "helped: a restart on another bridge" inside mvmd restart helped
	is "helped: has another tap, there" "$(ip -j link show "$(helpers_tap)" | jq -r '.[0].master')" br1
	succeeds "helped: and nothing is left of the old one" await eval '[ "$(index_of "$tap")" != "$before" ]'
	tap=$(helpers_tap)
	before=$(index_of "$tap")
	echo '{ "cpus": "many" }' >"$SPECS/helped.json"
	inside systemctl restart mvmd@helped 2>/dev/null
	comes "helped: a start that fails" helped ActiveState failed
	succeeds "helped: leaves no tap" await eval '[ "$(index_of "$tap")" != "$before" ]'
	inside systemctl reset-failed mvmd@helped
}

# tapped LINK [JSON]: the spec of that VM, with more of its macvtap.
tapped() {
	spec tapped "powerbutton poweroff" "$(jq -nc --arg link "$1" --argjson more "${2:-"{}"}" '{ interfaces: [
		{ id: "net0", attach: "macvtap", macvtap: ({ link: $link } + $more) } ] }')"
	inside systemctl daemon-reload
}

# A macvtap does not end with its descriptors; it is the same where link and mode are.
stays_of_macvtap() {
	local before since
	ip link add out0 type veth peer name out1
	ip link set out0 up
	ip link set out1 up
	drop_in tapped $PRESERVE
	tapped out0
	runs tapped
	before=$(index_of vm-tapped-net0)
	since=$(since tapped)
	succeeds "tapped: mvmd restart" inside mvmd restart tapped
	is "tapped: it has the same macvtap" "$(index_of vm-tapped-net0) $(since tapped)" "$before $since"
	[ "$since" -gt 0 ] && pass "tapped: since it was made" || fail "tapped: since it was made" "$since"
	is "tapped: nothing is found about it" "$(inside mvmd status --json tapped | jq -c .findings)" "[]"
	ip link set out0 mtu 1400
	succeeds "tapped: a restart after its link's MTU was changed" inside mvmd restart tapped
	is "tapped: takes it with that" "$(index_of vm-tapped-net0) $(ip -j link show vm-tapped-net0 | jq '.[0].mtu')" "$before 1400"
	tapped out0 '{ "mode": "private" }'
	succeeds "tapped: a restart in another mode" inside mvmd restart tapped
	is "tapped: makes it anew" \
		"$(ip -d -j link show vm-tapped-net0 | jq -c "[.[0] | .ifindex != $before, .linkinfo.info_data.mode]")" \
		'[true,"private"]'
	before=$(index_of vm-tapped-net0)
	tapped out1 '{ "mode": "private" }'
	succeeds "tapped: a restart on another link" inside mvmd restart tapped
	is "tapped: too" "$(ip -j link show vm-tapped-net0 | jq -c "[.[0] | .ifindex != $before, .link]")" '[true,"out1"]'
	spec tapped "powerbutton poweroff" '{ "interfaces": [ { "id": "lan", "bridge": "br0" } ] }'
	inside systemctl daemon-reload
	succeeds "tapped: a restart with another interface" inside mvmd restart tapped
	is "tapped: leaves nothing of the old one" "$(index_of vm-tapped-net0)" ""
	tapped out0
	succeeds "tapped: back again" inside mvmd restart tapped
	echo '{ "cpus": "many" }' >"$SPECS/tapped.json"
	inside systemctl restart mvmd@tapped 2>/dev/null
	comes "tapped: a start that fails" tapped ActiveState failed
	is "tapped: leaves no macvtap" "$(index_of vm-tapped-net0)" ""
	inside systemctl reset-failed mvmd@tapped
	tapped out0
	runs tapped
	stop tapped
	is "tapped: a stop leaves none either" "$(index_of vm-tapped-net0)" ""
}

boot
if [ -x "$(root /usr/lib/qemu/qemu-bridge-helper)" ]; then
	stays_of_the_helper
else
	skip "the helper's tap over a restart" "no qemu-bridge-helper there"
fi
if has_macvtap && inside mount -t devtmpfs devtmpfs /dev; then
	stays_of_macvtap
else
	skip "a macvtap over a restart" "no macvtap, or no devtmpfs"
fi
finish
