#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mvmd blame: where the time of real starts went, of those that ran and of those that did not.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"
need jq ip qemu-system-x86_64
private_namespaces "$@"
VMM=qemu ACCEL=tcg
make_host

# blame NAME FILTER: of its data.
blame() {
	"$MVMD" blame --json "$1" | jq -r "$2"
}

NAMES_OF_STEPS='[.steps[].name] | sort | join(" ")'

is_recorded() {
	[ -e "$WORK/state/$1/start-times.json" ]
}

runs() {
	spec web1 hang
	run web1
	await is_recorded web1
	is "it runs" "$(blame web1 '"\(.name) \(.runs) \(.exit_code) \(.cause)"')" "web1 true 0 null"
	is "its phases, in their order" "$(blame web1 '[.phases[].name] | join(" ")')" \
		"waiting slot preparing applying creating booting"
	is "its steps are those of the plan" "$(blame web1 "$NAMES_OF_STEPS")" \
		"$("$MVMD" plan --json web1 | jq -r '[.steps[].id] | sort | join(" ")')"
	is "all of them are done" "$(blame web1 '[.steps[].end] | unique | join(" ")')" done
	is "the phases follow each other, and fill the start" "$(blame web1 '
		[.phases[:-1], .phases[1:]] | transpose | all(.[0].begin_usec + .[0].took_usec == .[1].begin_usec)') $(
		blame web1 '(.phases[-1] | .begin_usec + .took_usec) == .took_usec')" "true true"
	is "a step begins when what it waits for is done" "$(blame web1 '[.steps[] | {(.name): .}] | add |
		.vmm.begin_usec >= (.["tap:net0"] | .begin_usec + .took_usec)')" true
	is "the start waited for the VMM" "$(blame web1 '.steps[] | select(.name == "vmm").decisive')" true
	"$MVMD" blame web1 >"$WORK/text"
	has "as text" "$WORK/text" "vmm (awaits the first answer of qemu)"
	is "as a picture: a bar for each phase and step" "$("$MVMD" blame --svg web1 | grep -c '<g><title>')" \
		"$(blame web1 '(.phases | length) + (.steps | length)')"
}

# Somebody else's start is no start of this VM.
second_start() {
	local before
	before=$(cat "$WORK/state/web1/start-times.json")
	exits "a second start is refused" $EXIT_BUSY "$MVMD" run web1
	is "and the record is that of the first" "$(cat "$WORK/state/web1/start-times.json")" "$before"
	"$MVMD" stop --force web1
	ended "$SUPERVISOR"
	is "it stays when the VM has ended" "$(blame web1 .runs)" true
}

fails() {
	spec bad hang '{ "interfaces": [ { "id": "net0", "bridge": "br7" } ], "timeouts": { "bridge": "300ms" } }'
	exits "a bridge that does not come" $EXIT_UNAVAILABLE "$MVMD" run bad
	is "it failed, and for what" "$(blame bad '"\(.runs) \(.exit_code) \(.cause)"')" "false $EXIT_UNAVAILABLE bridge-missing"
	is "the step that failed" "$(blame bad '.steps[] | select(.end == "failed").name')" bridge:net0
	is "took its time" "$(blame bad '.steps[] | select(.end == "failed").took_usec >= 300000')" true
	is "the VMM never began" "$(blame bad '[.steps[] | select(.name == "vmm")] | length')" 0
	"$MVMD" blame bad >"$WORK/text"
	has "as text" "$WORK/text" "bridge:net0, failed (awaits bridge br7)"
	exits "a spec that is wrong" $EXIT_SPEC sh -c "echo '{' >'$WORK/spec/wrong.json'; '$MVMD' run wrong"
	is "failed while it was prepared" "$(blame wrong '.phases[-1].name')" preparing
}

is_ended() {
	spec early hang '{ "interfaces": [ { "id": "net0", "bridge": "br7" } ] }'
	run early
	await_text "$WORK/early.err" "waiting up to"
	kill -TERM "$SUPERVISOR"
	ended "$SUPERVISOR"
	is "ended on request: no failure, a step that went on" \
		"$(blame early '"\(.runs) \(.exit_code) \(.steps[] | select(.name == "bridge:net0").end)"')" "false 0 unfinished"
}

errors() {
	exits "no such VM" 4 "$MVMD" blame nobody
	spec idle hang
	exits "a VM that was never started" $EXIT_NOT_RUNNING "$MVMD" blame idle
	exits "--json or --svg" $EXIT_USAGE "$MVMD" blame --json --svg web1
	echo '{}' >"$WORK/state/web1/start-times.json"
	exits "a damaged record" $EXIT_SYSTEM "$MVMD" blame web1
	has "is called so" "$WORK/err" "start-times.json is damaged [start-times]"
	is "a name without a spec gets no record" \
		"$("$MVMD" run nobody 2>/dev/null >&2; ls "$WORK/state" | grep -c nobody)" 0
}

runs
second_start
fails
is_ended
errors
finish
