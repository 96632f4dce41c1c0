#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The host's clock is set while a VM runs and while it stops: said, and nobody waits longer or less.
. "$(dirname "$0")/../case-lib.sh"
private_host "$@"

clock_jumps() {
	spec "$VM" "powerbutton poweroff"
	boot "$VM"
	await_text "$WORK/$VM.out" "awaiting the power button"
	date -s "+10 days" >/dev/null
	succeeds "$VM: a clock that is set ahead is a finding" await_value "$VM" \
		'any(.findings[]; .id == "clock-jump" and .severity == "note" and (.remedy | contains("chronyc"))
			and ((.evidence.jump_usec | tonumber) > 863000000000))'
	date -s "-20 days" >/dev/null
	succeeds "$VM: and one that is set back" await_value "$VM" \
		'any(.findings[]; .id == "clock-jump" and ((.evidence.jump_usec | tonumber) < -1727000000000))'
	has "$VM: in words" "$WORK/$VM.err" "the host's clock was set back by"
	holds "$VM: the VM runs on" "$VM" '.state == "running" and .guest.lives == 1'
	exits "$VM: and stops as any" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button, long before its time is up" 0
	has_not "$VM: it was not ended" "$WORK/$VM.err" "[power-button-ignored]"
	date -s "+10 days" >/dev/null
}

case_with qemu clock clock_jumps
finish
