#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A unit whose VM lives in a network namespace: systemd enters it, mvmd needs no right for that.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

# index NAME: of its tap in there; nothing where there is none.
index() {
	inside ip -n blue -j link show "vm-$1-net0" 2>/dev/null | jq '.[0].ifindex'
}

is_not_there() {
	start_unit away
	comes "away: without its namespace it does not start" away ActiveState failed
	is "away: systemd says why" "$(property away ExecMainStatus)" 225
	inside mvmd check away >"$WORK/check.out" 2>"$WORK/check.err"
	has "away: and mvmd check says what to do" "$WORK/check.err" "ip netns add blue"
	inside systemctl reset-failed mvmd@away
}

lives_there() {
	inside ip netns add blue
	inside mvmd check away >"$WORK/check.out" 2>"$WORK/check.err"
	has "away: a bridge is missed in there" "$WORK/check.err" \
		"error: network namespace blue: interface net0: there is no bridge br0 yet"
	has "away: and what is to be typed is for there" "$WORK/check.err" \
		"ip -n blue link add br0 type bridge && ip -n blue link set br0 up"
	inside ip -n blue link add br0 up type bridge
	start_unit away
	comes "away: with its namespace it does" away ActiveState active
	await journal_has away "awaiting the power button"
	is "away: its tap is on the bridge in there" \
		"$(inside ip -n blue -j link show vm-away-net0 | jq -r '.[0].master')" br0
	is "away: and not out here" "$(ip -o link show vm-away-net0 2>/dev/null)" ""
	is "away: nothing is found" "$(inside mvmd status --json away |
		jq -c '[.interfaces[0].attached, .findings]')" "[true,[]]"
	inside ip -n blue link set vm-away-net0 nomaster
	says "away: it is watched there" away "mvmd has put it back"
	inside ip -n blue link set br0 down
	says "away: and told of as it is there" away "network namespace blue: bridge br0 is down"
	says "away: with what to type" away "try: ip -n blue link set br0 up"
	inside ip -n blue link set br0 up
}

stays_there() {
	local before
	before=$(index away)
	succeeds "away: a restart" inside mvmd restart away
	is "away: keeps the tap" "$(index away)" "$before"
	inside kill -KILL "$(property away MainPID)"
	says "away: the next supervisor takes the VM over" away "adopted the running VM"
	is "away: as it is" "$(inside mvmd status --json away | jq '.interfaces[0].attached')" true
	stop away
	is "away: and none is left in there" "$(index away)" ""
}

boot
spec away "powerbutton poweroff" '{ "netns": "blue" }'
inside systemctl daemon-reload
is_not_there
lives_there
stays_there
finish
