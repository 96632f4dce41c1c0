#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# "ready": "guest": what the guest says over its vsock. The tiny guest cannot speak vsock; guest-says does what
# cloud-hypervisor does for a guest that can.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"
. "$(dirname "$0")/run-cases.sh"

SAYS=$BUILD/tests/guest/guest-says

need jq
private_namespaces "$@"
make_host

# says TEXT: the guest of VM says it.
says() {
	"$SAYS" "$WORK/run/$VM/vmm/vsock.sock_8888" "$1"
}

# ready_spec WORDS [JSON]
ready_spec() {
	spec "$VM" "$1" "$(jq -n --argjson more "${2:-"{}"}" '{ ready: "guest" } + $more')"
}

is_ready_when_it_says_so() {
	ready_spec "credentials powerbutton poweroff"
	boot "$VM"
	has "$VM: it says what it waits for" "$WORK/$VM.err" \
		"waiting up to 90s for the guest to say that it is ready"
	await_text "$WORK/$VM.out" "awaiting the power button"
	has "$VM: the guest is told whom to tell" "$WORK/$VM.out" \
		"io.systemd.credential:vmm.notify_socket=vsock-stream:2:8888"
	holds "$VM: it is not ready yet" "$VM" \
		'.state == "running" and .guest.ready == false and .guest.status == null and .guest.units == []'
	succeeds "$VM: the guest tells of a target" says 'X_SYSTEMD_HOSTNAME=web\nX_SYSTEMD_UNIT_ACTIVE=basic.target'
	succeeds "$VM: that is known" await_value "$VM" \
		'.guest.ready == false and .guest.units == ["basic.target"] and .guest.hostname == "web"'
	has_not "$VM: and no news" "$WORK/$VM.err" "basic.target"
	succeeds "$VM: the guest says that it is ready" says 'READY=1\nSTATUS=all is \033[2Jwell\n'
	succeeds "$VM: it is" await_value "$VM" '.guest.ready and (.guest.status | startswith("all is"))'
	succeeds "$VM: and tells after how long" grep -Eq 'the guest is ready after [0-9]+\.[0-9]s$' "$WORK/$VM.err"
	"$MVMD" status "$VM" >"$WORK/text"
	has "$VM: so does mvmd status" "$WORK/text" "the guest is ready, it says: all is"
	is "$VM: mvmd blame tells of that wait" \
		"$("$MVMD" blame --json "$VM" | jq -r '"\(.phases[-1].name) \(.runs)"')" "guest true"
	exits "$VM: it stops" 0 "$MVMD" stop "$VM"
	ends "$VM: ends well" 0
	has_not "$VM: nothing is wrong" "$WORK/$VM.err" "error:"
}

never_says_so() {
	ready_spec "powerbutton print=pressed poweroff" '{ "timeouts": { "guest": "1s" } }'
	run "$VM"
	ends "$VM: a guest that says nothing is a failure" $EXIT_UNAVAILABLE
	has "$VM: which is told" "$WORK/$VM.err" "the guest has not said within 1s that it is ready [guest-not-ready]"
	has "$VM: with the likely cause" "$WORK/$VM.err" "systemd before 254"
	has "$VM: the guest was asked to power off" "$WORK/$VM.out" "pressed"
	is "$VM: and mvmd blame tells of it" \
		"$("$MVMD" blame --json "$VM" | jq -r '"\(.phases[-1].name) \(.runs) \(.cause)"')" "guest false guest-not-ready"
	"$MVMD" status --last --json "$VM" >"$WORK/last"
	succeeds "$VM: and that mvmd itself asked is on record" \
		jq -e '.lives[-1] | .end == "power-off" and .asked_by == "mvmd"' "$WORK/last"
}

# timeouts.guest is long enough for a few connections, and passes all the same.
says_other_things() {
	ready_spec "powerbutton poweroff" '{ "timeouts": { "guest": "6s" } }'
	boot "$VM"
	says 'X_SYSTEMD_UNIT_ACTIVE=sysinit.target'
	says 'READY=0\nX_SYSTEMD_UNIT_ACTIVE=basic.target'
	ends "$VM: a guest that speaks, but is not ready, is a failure" $EXIT_UNAVAILABLE
	has "$VM: and how far it came is told" "$WORK/$VM.err" "has come to basic.target"
}

is_ready_again() {
	rm -f "$WORK/disk.raw"
	truncate -s 1M "$WORK/disk.raw"
	chmod 666 "$WORK/disk.raw"
	ready_spec "lives=disk echo=1 reboot=1 powerbutton poweroff" \
		"$(jq -n --arg path "$WORK/disk.raw" '{ disks: [ { id: "d", path: $path } ] }')"
	boot "$VM"
	await_text "$WORK/$VM.out" "tiny: listening"
	says 'READY=1\nX_SYSTEMD_UNIT_ACTIVE=multi-user.target'
	await_value "$VM" .guest.ready
	attach keys 5
	says 'X_SYSTEMD_SHUTDOWN=reboot\nEXIT_STATUS=0'
	succeeds "$VM: that it reboots is known before" await_value "$VM" \
		'.guest.shutdown == "reboot" and .guest.exit_status == 0'
	printf q >&5
	exec 5>&-
	await_text "$WORK/$VM.out" "awaiting the power button"
	succeeds "$VM: a new life is not ready" await_value "$VM" \
		'.guest.lives == 2 and .guest.ready == false and .guest.units == [] and .guest.shutdown == null'
	says 'READY=1'
	succeeds "$VM: and then is" await_value "$VM" .guest.ready
	has "$VM: which is told" "$WORK/$VM.err" "the guest is ready again"
	kill -TERM "$SUPERVISOR"
	ends "$VM: ends well" 0
	rm -f "$WORK"/keys.*
}

# A guest that says something new all the time fills no log.
talks_too_much() {
	local before i
	ready_spec "powerbutton poweroff"
	boot "$VM"
	says 'READY=1'
	await_value "$VM" .guest.ready
	before=$(stat -c %s "$WORK/$VM.err")
	for ((i = 0; i < 300; i++)); do
		says "READY=1\nSTATUS=number $i\nX_SYSTEMD_UNIT_ACTIVE=$i.target"
	done
	succeeds "$VM: all was heard" await_value "$VM" \
		'.guest.status == "number 299" and (.guest.units | length) == 16'
	is "$VM: and nothing logged" "$(stat -c %s "$WORK/$VM.err")" "$before"
	kill -TERM "$SUPERVISOR"
	ends "$VM: ends well" 0
}

without_vsock() {
	ready_spec "poweroff"
	exits "$VM: QEMU without the host's vsock" $EXIT_UNAVAILABLE "$MVMD" run "$VM"
	has "$VM: is told" "$WORK/err" "[vsock-missing]"
	has "$VM: with the other ways" "$WORK/err" '"ready": "vmm"'
}

if [ -e /dev/vhost-vsock ]; then
	skip "QEMU" "this host has a vsock"
elif ! command -v qemu-system-x86_64 >/dev/null; then
	skip "QEMU" "QEMU is not installed"
else
	VMM=qemu ACCEL=tcg
	case_of no-vsock without_vsock
fi

VMM=cloud-hypervisor ACCEL=kvm
if ! has_cloud_hypervisor; then
	skip "cloud-hypervisor" "$(no_cloud_hypervisor)"
elif ! kvm_runs_the_guest; then
	skip "cloud-hypervisor" "this KVM does not run the tiny guest"
else
	case_of ready is_ready_when_it_says_so
	case_of mute never_says_so
	case_of slow says_other_things
	case_of again is_ready_again
	case_of talks talks_too_much
fi
finish
