#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A tap stays over a restart of its VM's unit, with its index and what the bridge has learnt of it; and over nothing
# else: not over a stop, nor where nobody starts the VM again.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"
. "$(dirname "$0")/kept-lib.sh"
need bridge

# index NAME: of its tap; nothing where there is none.
index() {
	index_of "vm-$1-net0"
}

# runs NAME [WORDS [JSON]]: its unit is active, and its guest hears the power button.
runs() {
	spec "$1" "${2-"powerbutton poweroff"}" "${3:-"{}"}"
	start_unit "$1"
	comes "$1: runs" "$1" ActiveState active
	await journal_has "$1" "awaiting the power button"
}

has_learnt() {
	bridge fdb show dev "vm-$1-net0" | grep -q "^$LEARNT .*master br0"
}

is_on_bridge() {
	ip -j link show "vm-$1-net0" | jq -e '.[0].master == "br0" and (.[0].flags | index("LOWER_UP"))'
}

stays_over_a_restart() {
	drop_in stays $PRESERVE
	runs stays
	local before since vmm
	before=$(index stays)
	since=$(since stays)
	vmm=$(vmm_pid stays)
	bridge fdb add "$LEARNT" dev vm-stays-net0 master dynamic
	succeeds "stays: mvmd restart" inside mvmd restart stays
	[ "$(vmm_pid stays)" != "$vmm" ] && pass "stays: it has another VMM" || fail "stays: it has another VMM"
	is "stays: and the same tap" "$(index stays)" "$before"
	succeeds "stays: which is on its bridge" is_on_bridge stays
	succeeds "stays: where it was learnt before" has_learnt stays
	is "stays: status tells since when it is there" "$(since stays)" "$since"
	is "stays: nobody else has it while the VM runs" "$(property stays NFileDescriptorStore)" 0
	succeeds "stays: systemctl restart" inside systemctl restart mvmd@stays
	is "stays: does the same" "$(index stays)" "$before"
	succeeds "stays: a reload" inside mvmd reload stays
	is "stays: keeps it anyway" "$(index stays) $(since stays)" "$before $since"
	succeeds "stays: and so does a restart after that" inside mvmd restart stays
	is "stays: with the same tap" "$(index stays) $(since stays)" "$before $since"
	stop stays
	start_unit stays
	comes "stays: after a stop it has a new one" stays ActiveState active
	[ "$(index stays)" != "$before" ] && pass "stays: of another index" || fail "stays: of another index"
	is "stays: nothing is found about it" "$(inside mvmd status --json stays | jq -c .findings)" "[]"
	stop stays
	is "stays: no note is left" "$(find "$(root /run/mvmd)" -name '*.taps')" ""
}

# The spec wants another one.
does_not_fit() {
	runs fits
	local before
	before=$(index fits)
	spec fits "powerbutton poweroff" '{ "cpus": 2, "interfaces": [ { "id": "net0", "bridge": "br0", "queues": 2 } ] }'
	succeeds "fits: a restart with more queues" inside mvmd restart fits
	[ -n "$(index fits)" ] && [ "$(index fits)" != "$before" ] && pass "fits: makes the tap anew" ||
		fail "fits: makes the tap anew" "$before" "$(index fits)"
	before=$(index fits)
	succeeds "fits: one with several queues" inside mvmd restart fits
	is "fits: stays as well" "$(index fits)" "$before"
	spec fits "powerbutton poweroff" '{ "interfaces": [ { "id": "lan", "bridge": "br0" } ] }'
	succeeds "fits: a restart with another interface" inside mvmd restart fits
	is "fits: leaves nothing of the old one" "$(index fits)" ""
	inside systemctl stop mvmd@fits
	is "fits: nor of the new one in the end" "$(ip -o link show vm-fits-lan 2>/dev/null)" ""
}

# The start after it fails for the spec: what was kept for it goes.
start_fails() {
	drop_in fails $PRESERVE
	runs fails
	echo '{ "cpus": "many" }' >"$SPECS/fails.json"
	inside systemctl restart mvmd@fails 2>/dev/null
	comes "fails: the start fails" fails ActiveState failed
	succeeds "fails: and the tap is gone" await eval '[ -z "$(index fails)" ]'
	is "fails: and the note of it" "$(find "$(root /run/mvmd)" -name '.fails.taps')" ""
	inside systemctl reset-failed mvmd@fails
}

# Somebody asks for a stop when the taps are kept already.
stop_overrides() {
	drop_in over $PRESERVE 'ExecStopPost=' \
		"ExecStopPost=-+/bin/sh -c 'touch /run/over.waits; while [ ! -e /run/over.goes ]; do sleep 0.1; done'" \
		'ExecStopPost=-+/usr/bin/mvmd unit sweep %i'
	runs over
	inside systemctl restart --no-block mvmd@over
	succeeds "over: the VM has ended for a restart" await test -e "$(root /run/over.waits)"
	[ -n "$(index over)" ] && pass "over: its tap is there" || fail "over: its tap is there"
	inside systemctl stop --no-block mvmd@over
	touch "$(root /run/over.goes)"
	comes "over: somebody stops it instead" over ActiveState inactive
	succeeds "over: and the tap is gone" await eval '[ -z "$(index over)" ]'
	is "over: and all else" "$(remains over)$(find "$(root /run/mvmd)" -name '.over.taps')" ""
}

boot
stays_over_a_restart
does_not_fit
start_fails
stop_overrides
finish
