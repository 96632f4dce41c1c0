#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The founding failure with all its parts real: a guest's kernel that dies at its first instruction is
# reset by its VMM for ever, and its share's backend leaves each time.
. "$(dirname "$0")/../case-lib.sh"
private_host "$@"

dies_at_once() {
	spec "$VM" "silent console=ttyS0 triplefault" "$(share)"
	provokes "$VM: a guest that dies at its first instruction is not started for ever" \
		crash-limit $EXIT_CRASH_LIMIT "count=5, end=never-executed, console_bytes=0" \
		"try another kernel" run "$VM"
	has "$VM: and the search is not led astray" "$WORK/err" \
		"Tap, bridge and backends are not to blame"
	has_not "$VM: nothing is said of the backend" "$WORK/err" "virtiofsd[data] ended"
	is "$VM: the guest's console has nothing" "$(cat "$WORK/out")" ""
}

cloud_hypervisor_dies() {
	dies_at_once
	has "$VM: it was a triple fault, as the VMM says" "$WORK/err" "triple-faulted"
}

case_with cloud-hypervisor dead cloud_hypervisor_dies
case_with qemu dead-qemu dies_at_once
finish
