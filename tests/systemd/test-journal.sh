#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What mvmd writes into the journal, in a real systemd: fields, catalog, lines of children and console.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

# entries NAME [MATCH...]: of the VM's unit, a JSON object each.
entries() {
	inside journalctl --no-pager -o json -u "mvmd@$1" "${@:2}"
}

# count NAME MATCH...
count() {
	entries "$@" | grep -c MESSAGE
}

has_entries() {
	[ "$(count "$@")" -gt 0 ]
}

# field NAME FIELD MATCH...: of the first entry.
field() {
	entries "$1" "${@:3}" | head -n 1 | jq -r ".$2 // empty"
}

message_id() {
	sed -n "s/^#define MVMD_MESSAGE_$1  *\"\([0-9a-f]*\)\".*/\1/p" "$TOP/include/mvmd/journal.h"
}

fields() {
	local id
	spec fields "powerbutton print=pressed poweroff"
	start_unit fields
	await journal_has fields "awaiting the power button"
	stop fields
	id=$(message_id STATE)
	is "fields: one entry for each state" "$(entries fields MESSAGE_ID="$id" | jq -r .MVMD_STATE | tr '\n' ' ')" \
		"applying creating booting running stopping killing unwinding dead "
	is "fields: it has the VM" "$(field fields MVMD_VM MESSAGE_ID="$id")" fields
	is "fields: and what was before" "$(field fields MVMD_STATE_BEFORE MESSAGE_ID="$id" MVMD_STATE=running)" booting
	is "fields: and why" "$(field fields MVMD_EVENT MESSAGE_ID="$id" MVMD_STATE=running)" booted
	is "fields: a step" "$(count fields MESSAGE_ID="$(message_id STEP)" MVMD_STEP=tap:net0)" 1
}

# last_line NAME: what mvmd itself said last, at info or above.
last_line() {
	entries "$1" -p info _COMM=mvmd | jq -r 'select(.MVMD_STREAM == null) | .MESSAGE' | tail -n 1
}

finding() {
	local match=MVMD_FINDING=bridge-missing text
	spec finding hang '{ "interfaces": [ { "id": "net0", "bridge": "br9" } ], "timeouts": { "bridge": "1s" } }'
	start_unit finding
	await has_entries finding "$match" && inside systemctl stop mvmd@finding
	is "finding: it is one entry" "$(count finding "$match" MVMD_WHY="$(field finding MVMD_WHY "$match")" \
		MVMD_REMEDY="$(field finding MVMD_REMEDY "$match")" PRIORITY=3)" 1
	is "finding: with its step and state" "$(field finding MVMD_STEP "$match") $(field finding MVMD_STATE "$match")" \
		"bridge:net0 applying"
	is "finding: with its evidence" "$(field finding MVMD_EVIDENCE_BRIDGE "$match")" br9
	is "finding: with error and exit code" "$(field finding ERRNO "$match") $(field finding MVMD_EXIT_CODE "$match")" \
		"110 69"
	text=$(inside journalctl --no-pager -o cat -u mvmd@finding "$match")
	[[ $text == *br9*"[bridge-missing]"*$'\n'"why: "*$'\n'"try: "* ]] &&
		pass "finding: its text has all for who reads without -x" ||
		fail "finding: its text has all for who reads without -x" "$text"
	inside journalctl --no-pager -x -u mvmd@finding "$match" >"$WORK/explained"
	has "finding: journalctl -x explains it" "$WORK/explained" "Subject: the bridge is not there"
	has "finding: by what was seen here" "$WORK/explained" "bridge=br9"
	has_not "finding: and no field is missing" "$WORK/explained" MVMD_
}

failed_start() {
	local cause
	cause=$(field finding MESSAGE MVMD_FINDING=bridge-missing | head -n 1)
	is "failed: the last line is the cause" "$(last_line finding)" "ended with exit code 69: $cause"
	spec wrong hang '{ "cpus": "many" }'
	start_unit wrong
	[[ $(last_line wrong) == /etc/mvmd/wrong.json:*/cpus:* ]] && pass "failed: a mistake in the spec, too" ||
		fail "failed: a mistake in the spec, too" "$(last_line wrong)"
	is "failed: as an entry of its kind" "$(count wrong MESSAGE_ID="$(message_id SPEC)" PRIORITY=3)" 1
}

boot
succeeds "the catalog is taken" inside journalctl --update-catalog
fields
finding
failed_start
finish
