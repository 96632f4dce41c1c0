#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What mvmd writes into the journal, in a real systemd: fields, catalog, lines of children and console.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"
DGRAM_QUEUE=10 # mvmd is to find it full

# entries NAME [MATCH...]: of the VM's unit, a JSON object each; all that was sent by now.
entries() {
	sync_journal
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
	sed -n "s/^#define MVMD_MESSAGE_$1[[:space:]]*\"\([0-9a-f]*\)\".*/\1/p" "$TOP/include/mvmd/journal.h"
}

fields() {
	local id
	spec fields "powerbutton print=pressed poweroff"
	start_unit fields
	await journal_has fields "awaiting the power button"
	stop fields
	id=$(message_id STATE)
	is "fields: one entry for each state" "$(entries fields MESSAGE_ID="$id" | jq -r .MVMD_STATE | tr '\n' ' ')" \
		"applying creating booting running stopping ending unwinding dead "
	is "fields: it has the VM" "$(field fields MVMD_VM MESSAGE_ID="$id")" fields
	is "fields: and what was before" "$(field fields MVMD_STATE_BEFORE MESSAGE_ID="$id" MVMD_STATE=running)" booting
	is "fields: and why" "$(field fields MVMD_EVENT MESSAGE_ID="$id" MVMD_STATE=running)" booted
	# journald finds it out as well, but of processes that live still when it gets to their entries.
	is "fields: each entry of mvmd's names the unit by itself" \
		"$(entries fields MVMD_VM=fields | jq -r .OBJECT_SYSTEMD_UNIT | sort -u)" mvmd@fields.service
	is "fields: a step" "$(count fields MESSAGE_ID="$(message_id STEP)" MVMD_STEP=tap:net0)" 1
}

# last_line NAME: what mvmd itself said last, at info or above.
last_line() {
	entries "$1" -p info SYSLOG_IDENTIFIER=mvmd | jq -r 'select(.MVMD_STREAM == null) | .MESSAGE' | tail -n 1
}

finding() {
	local match=MVMD_FINDING=bridge-missing text
	spec finding hang '{ "interfaces": [ { "id": "net0", "bridge": "br9" } ], "timeouts": { "bridge": "1s" } }'
	drop_in finding Restart=no
	start_unit finding
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

console() {
	local typist
	spec console "print=hello echo" '{ "timeouts": { "stop": "1s" } }'
	start_unit console
	await has_entries console MVMD_STREAM=console
	await journal_has console hello
	is "console: a line of the guest's is an entry" "$(field console SYSLOG_IDENTIFIER MESSAGE=hello)" console/console
	is "console: of its kind, its VM and its life" "$(field console MESSAGE_ID MESSAGE=hello) $(
		field console MVMD_VM MESSAGE=hello) $(field console MVMD_LIFE MESSAGE=hello)" "$(message_id CONSOLE) console 1"
	is "console: in the VM's unit" "$(field console OBJECT_SYSTEMD_UNIT MESSAGE=hello)" mvmd@console.service
	is "console: and nothing of it is raw text" "$(count console _TRANSPORT=stdout)" 0
	printf '\033[31mred\033[0m\007\nlogin: ' >"$WORK/keys"
	inside mvmd console console <"$WORK/keys" >/dev/null 2>&1 &
	typist=$!
	says "console: colours are left out, control bytes replaced" console "red?"
	is "console: and so there is none in it" "$(inside journalctl --no-pager -o cat -u mvmd@console |
		grep -c "$(printf '[\001-\010\013-\037]')")" 0
	says "console: a prompt is seen before its line ends" console "login:"
	stop console
	wait "$typist"
}

# told_numbers: of $WORK/flood, a guest's flood of numbered lines: for each entry of its console how many lines it
# stands for. The very last one may have been cut.
told_numbers() {
	jq -r 'select(.MVMD_STREAM == "console") | .MVMD_LINES // .MESSAGE' "$WORK/flood" | sed '/tiny: life/d; $d' >"$WORK/said"
	sed 's/.*flood.*/1/' "$WORK/said" | jq -s add
}

# Every line of a flood is in the journal or counted as left out: so the number in a line, from 0, is that of all
# before it.
all_is_counted() {
	local told
	entries "$1" >"$WORK/flood"
	told=$(told_numbers)
	is "$1: each line is there or counted" "$told" $(($(sed -n 's/^tiny: flood //p' "$WORK/said" | tail -n 1) + 1))
}

# line_of FILTER: the number of the last entry in $WORK/flood that the filter selects.
line_of() {
	jq "if $1 then 1 else 0 end" "$WORK/flood" | grep -n 1 | tail -n 1 | cut -d: -f1
}

flood() {
	local words finding console
	spec flood flood '{ "timeouts": { "stop": "1s" } }'
	drop_in flood Restart=no
	start_unit flood
	await has_entries flood MESSAGE_ID="$(message_id LEFT_OUT)"
	inside kill -TERM "$(vmm_pid flood)"
	await is_so flood ActiveState failed
	all_is_counted flood
	succeeds "flood: most are left out" [ "$(grep -c flood "$WORK/said")" -lt $(($(told_numbers) / 2)) ]
	words=$(line_of '.MVMD_STREAM == "vmm" and (.MESSAGE | contains("terminating on signal 15"))')
	finding=$(line_of '.PRIORITY == "3" and .MVMD_FINDING')
	console=$(line_of '.MVMD_STREAM == "console"')
	succeeds "flood: the last words of the VMM are there" [ -n "$words" ]
	is "flood: as the VMM's, in the VM's unit" "$(jq -r 'select(.MVMD_STREAM == "vmm") |
		.SYSLOG_IDENTIFIER + " " + .OBJECT_SYSTEMD_UNIT' "$WORK/flood" | tail -n 1)" "flood/qemu mvmd@flood.service"
	succeeds "flood: all words come before what mvmd says of the end" \
		[ "${words:-0}" -lt "${finding:-0}" -a "${console:-0}" -lt "${finding:-0}" ]
}

# has_written NAME BYTES: the guest, to its console.
has_written() {
	[ "$(inside mvmd status --json "$1" | jq .guest.console_bytes)" -gt "$2" ]
}

# The queue of journald's socket is full after a few entries.
frozen() {
	local journald bytes
	spec frozen flood '{ "timeouts": { "stop": "1s" } }'
	start_unit frozen
	await has_entries frozen MESSAGE_ID="$(message_id LEFT_OUT)"
	journald=$(inside systemctl show --value -p MainPID systemd-journald)
	inside kill -STOP "$journald"
	bytes=$(inside mvmd status --json frozen | jq .guest.console_bytes)
	succeeds "frozen: mvmd goes on while journald stands still" await has_written frozen $((bytes + 1000000))
	inside kill -CONT "$journald"
	stop frozen
	all_is_counted frozen
	start_unit frozen
	inside kill -STOP "$journald"
	inside systemctl stop --no-block mvmd@frozen
	succeeds "frozen: and so it does at a stop" await is_so frozen ActiveState inactive
	inside kill -CONT "$journald"
}

normal_start() {
	local n
	n=$(entries fields -p info SYSLOG_IDENTIFIER=mvmd MVMD_STATE=applying \
		+ SYSLOG_IDENTIFIER=mvmd MESSAGE_ID="$(message_id FACTS)" \
		+ SYSLOG_IDENTIFIER=mvmd MESSAGE_ID="$(message_id RUNNING)" | grep -c MESSAGE)
	succeeds "a start is about ten lines at info ($n)" [ "$n" -ge 4 -a "$n" -le 10 ]
}

# Of a field that its entry lacks journalctl -x prints the bare name.
nothing_is_missing() {
	inside journalctl --no-pager -x >"$WORK/all"
	is "no explanation names a field that is missing" "$(grep -E '^░░ .*MVMD_' "$WORK/all" | sort -u)" ""
	succeeds "there are explanations" [ "$(grep -c '^░░ Defined-By: mvmd' "$WORK/all")" -gt 20 ]
}

boot
succeeds "the catalog is taken" inside journalctl --update-catalog
fields
normal_start
finding
failed_start
console
flood
frozen
nothing_is_missing
finish
