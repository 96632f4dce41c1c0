#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A guest whose kernel says that it is one of the known bad ones, in each VMM that is here: the start
# is refused, or it runs with a warning where the spec says so. What a start records.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

need jq
private_namespaces "$@"
make_host
export MVMD_DATA_DIR=$TOP/contrib
RECORD=$WORK/state/bad/last-start.json
ALLOW='{ "allow_known_issues": [ "PVH-6664" ] }'

# kernel VERSION: no longer than the one that it replaces. PVH-6664 is of Linux; that the tiny guest
# is none does not show.
kernel() {
	sed "$(printf 's/6\\.12\\.0-tiny/%-11s/' "$1")" "$TINY" >"$WORK/kernel"
}

is_refused() {
	kernel 6.6.64
	spec bad "print=hello poweroff"
	run bad
	ends "$VMM: a start with a known bad kernel is refused" $EXIT_SPEC
	has "$VMM: with its row" "$WORK/bad.err" \
		"error: known issue PVH-6664: the guest's kernel 6.6.64 has it"
	has "$VMM: and its finding" "$WORK/bad.err" "[known-issue-refused]"
	has "$VMM: and the way out" "$WORK/bad.err" "try: Take a guest kernel 6.6.65 or later"
	is "$VMM: the guest has not run" "$(cat "$WORK/bad.out")" ""
	has_not "$VMM: no tap was made" "$WORK/bad.err" "tap "
	succeeds "$VMM: it is recorded what was to run" jq -e --arg vmm "$VMM" '
		.version == 1 and .name == "bad" and .facts.guest.kernel == "6.6.64" and
		.facts.vmm.kind == $vmm and .facts.vmm.version != null and
		(.facts.known_issues.fitting[0] | .id == "PVH-6664" and (.allowed | not))' "$RECORD"
}

is_allowed() {
	spec bad "print=hello poweroff" "$ALLOW"
	run bad
	ends "$VMM: what is allowed runs" 0
	has "$VMM: as any other" "$WORK/bad.out" hello
	is "$VMM: with one warning" "$(grep -c PVH-6664: "$WORK/bad.err")" 1
	has "$VMM: that says so" "$WORK/bad.err" \
		"warning: known issue PVH-6664: the guest's kernel 6.6.64 has it, which is allowed"
	has "$VMM: the log has what runs" "$WORK/bad.err" \
		"host kernel $(uname -r), guest kernel 6.6.64 (PVH), $VMM "
	succeeds "$VMM: the record is this start's" jq -e --arg host "$(uname -r)" '
		.facts.host.release == $host and .facts.known_issues.fitting[0].allowed' "$RECORD"
	is "$VMM: which is root's alone" \
		"$(stat -c '%a %u' "$RECORD" "$WORK/state/bad" | paste -sd ' ')" "600 0 700 0"
}

# dies VERSION ALLOWED: at its first instruction, twice.
dies() {
	kernel "$1"
	spec bad "silent console=ttyS0 triplefault" '{ "crash_limit": { "count": 2, "within": "1min" },
		"allow_known_issues": '"$2"' }'
	run bad
}

is_named_after_a_death() {
	dies 6.6.64 '[ "PVH-6664" ]'
	ends "$VMM: its death ends the VM" $EXIT_CRASH_LIMIT
	has "$VMM: of which the row is told" "$WORK/bad.err" \
		"why: known issue PVH-6664: the guest's kernel 6.6.64 has it: x86/pvh"
	has "$VMM: with the innocent" "$WORK/bad.err" "Tap, bridge and backends are not to blame"
	is "$VMM: and what helps" "$(grep -c "try: Take a guest kernel 6.6.65" "$WORK/bad.err")" 2
}

is_not_named_for_another_kernel() {
	dies 6.6.65 '[]'
	ends "$VMM: the death of another kernel ends the VM" $EXIT_CRASH_LIMIT
	has "$VMM: with what was seen" "$WORK/bad.err" "without one byte on its console"
	has_not "$VMM: and no row is named" "$WORK/bad.err" "known issue"
	kernel 6.6.64
}

# The warning is among the findings of status, and a record that cannot be written is another.
is_told_by_status() {
	spec bad "print=hello hang" "$ALLOW"
	rm -r "$WORK/state/bad"
	echo >"$WORK/state/bad"
	boot bad
	holds "$VMM: status has the warning" bad '.findings[] | select(.id == "known-issue")'
	holds "$VMM: and that the record is missing" bad \
		'.findings[] | select(.id == "start-record") | .evidence.errno == "ENOTDIR"'
	succeeds "$VMM: it stops" "$MVMD" stop --force bad
	ended "$SUPERVISOR"
	rm "$WORK/state/bad"
}

cases() {
	case_of bad is_refused
	case_of bad is_allowed
	case_of bad is_named_after_a_death
	case_of bad is_not_named_for_another_kernel
}

if command -v qemu-system-x86_64 >/dev/null; then
	VMM=qemu ACCEL=tcg
	cases
	case_of bad is_told_by_status
else
	skip "QEMU" "qemu-system-x86_64 is not installed"
fi
if has_cloud_hypervisor; then
	VMM=cloud-hypervisor ACCEL=kvm
	cases
else
	skip "cloud-hypervisor" "$(no_cloud_hypervisor)"
fi
finish
