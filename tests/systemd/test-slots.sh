#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# "start_slots" in host.conf: so many VMs start at the same time, the others wait.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

# A VM starts as long as its bridge is missing.
VMS="one two three"

slow() { # NAME
	inside systemctl start --no-block "mvmd@$1"
}

bridge() {
	ip link add "br-$1" type bridge
	ip link set "br-$1" up
}

# with_status PATTERN: the VMs that start and say so, in order.
with_status() {
	local name
	for name in $VMS; do
		is_so "$name" StatusText "$1" && is_so "$name" ActiveState activating && echo "$name"
	done
}

are_waiting() {
	[ "$(with_status 'waiting for a start slot (1 VM starts now)' | wc -l)" = "$1" ] &&
		[ "$(with_status '*waiting for*bridge br-*' | wc -l)" = 1 ]
}

# turns TITLE NUMBER: one VM starts, its name in STARTING; so many wait.
turns() {
	if await are_waiting "$2"; then
		pass "$1"
	else
		fail "$1" "$(for name in $VMS; do echo "$name: $(property "$name" StatusText)"; done)"
	fi
	STARTING=$(with_status '*waiting for*bridge br-*')
}

one_after_the_other() {
	local name first
	for name in $VMS; do
		spec "$name" hang '{ "interfaces": [ { "id": "net0", "bridge": "br-'"$name"'" } ],
			"timeouts": { "bridge": "10min", "stop": "1s" } }'
		# One that is killed is not to be there again before another has its slot.
		drop_in "$name" Restart=no
	done
	for name in $VMS; do
		slow "$name"
	done
	turns "one VM starts, two wait for its slot" 2
	first=$STARTING
	name=$(with_status 'waiting for a start slot*' | head -n 1)
	is "one that waits: mvmd status says so" "$(inside mvmd status "$name" | sed 's/[0-9]*$//')" \
		"$name: waiting for a start slot, supervisor pid "
	is "and as data" "$(inside mvmd status --json "$name" | jq -c '[.state, .next_try_usec]')" '["waiting",null]'
	says "its journal says for whom it waits" "$name" "waits for a start slot; 1 VM starts now: $first"
	is "it is no running unit meanwhile" "$(property "$name" ActiveState)" activating
	bridge "$first"
	comes "the first runs" "$first" ActiveState active
	turns "then the next one starts" 1
}

killed() {
	local killed=$STARTING
	inside systemctl kill --kill-whom=main -s KILL "mvmd@$killed"
	await gets_slot "$killed" && pass "a supervisor that is killed: another one has its slot" ||
		fail "a supervisor that is killed: another one has its slot" "$(with_status '*')"
	slow "$killed"
	comes "it waits itself when it is started again" "$killed" StatusText "waiting for a start slot*"
}

# gets_slot NAME: another one than that.
gets_slot() {
	STARTING=$(with_status '*waiting for*bridge br-*')
	[ -n "$STARTING" ] && [ "$STARTING" != "$1" ]
}

stopped() {
	local name
	name=$(with_status 'waiting for a start slot*')
	succeeds "a stop ends the wait" inside systemctl stop "mvmd@$name"
	is "in order" "$(property "$name" Result) $(property "$name" ActiveState)" "success inactive"
	bridge "$STARTING"
	comes "the last one runs" "$STARTING" ActiveState active
	slow "$name"
	await are_waiting 0 && pass "a slot that nobody has any more is free" ||
		fail "a slot that nobody has any more is free" "$(property "$name" StatusText)"
	bridge "$name"
	comes "and so all run in the end" "$name" ActiveState active
}

boot
echo '{ "start_slots": 1 }' >"$SPECS/host.conf"
one_after_the_other
killed
stopped
finish
