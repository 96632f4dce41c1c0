#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The host's vsock, QEMU's: a CID is one guest's, and a second start with it names the VM that has it.
. "$(dirname "$0")/../case-lib.sh"
private_host "$@"

CID=4711

# vm NAME WORDS: the tiny guest with that CID.
vm() {
	spec "$1" "$2" "{ \"vsock\": { \"cid\": $CID } }"
}

one_guest_each() {
	vm "$VM" "powerbutton poweroff"
	vm other "powerbutton poweroff"
	boot "$VM"
	await_text "$WORK/$VM.out" "awaiting the power button"
	provokes "$VM: another VM with its CID" cid-taken $EXIT_BUSY "cid=$CID, holder_vm=$VM" \
		"mvmd stop $VM" run other
	has "$VM: it is named" "$WORK/err" "$VM, which runs, has the vsock CID $CID of other"
	is "$VM: and nothing was made for the other" "$(ls "$WORK/run")" "$VM"
	exits "$VM: it stops" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
	boot other
	await_text "$WORK/other.out" "awaiting the power button"
	exits "$VM: then the other has it" 0 "$MVMD" stop other
	ends "$VM: until it stops" 0
}

# Whom mvmd did not start has no name.
somebody_else() {
	vm "$VM" "poweroff"
	# It answers when all its devices are there.
	# shellcheck disable=SC2016
	start stranger bash -c 'exec "$@" <<<"{ \"execute\": \"qmp_capabilities\" }"' - \
		qemu-system-x86_64 -nodefaults -no-user-config -display none -M q35 -m 16M -S \
		-device vhost-vsock-pci,guest-cid=$CID -qmp stdio
	await_text "$WORK/stranger.out" '"return"'
	provokes "$VM: QEMU by hand" cid-taken $EXIT_BUSY "cid=$CID" "fuser -v /dev/vhost-vsock" run "$VM"
	has "$VM: it is nobody on record" "$WORK/err" "somebody else has the vsock CID $CID of $VM"
	kill "$STARTED"
	ended "$STARTED"
	starts "$VM: once it is gone, the VM starts" "$VM"
}

case_with qemu one-cid one_guest_each
case_with qemu stranger somebody_else
finish
