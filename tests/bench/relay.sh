# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# B13: how long a guest's systemd stands still for each of its notifications, beside a process that does nothing but
# accept, read and close. A client has cloud-hypervisor's part, which connects to that socket for each connection of its
# guest's.

NOTIFICATIONS=20 # a turn; systemd sends about as many in a boot

notify() { # SERIES ARGUMENT...
	local series=$1 value
	shift
	"$BENCH/relay-says" $NOTIFICATIONS "$@" >"$WORK/times" 2>"$WORK/err" || broken "relay-says ended with $?"
	while read -r value; do
		sample "$series" "$value"
	done <"$WORK/times"
}

bench_relay() {
	figure B13 usec "a notification of the guest, until the host has closed"
	write_spec relay "$WORK/kernel" powerbutton '"ready": "guest"'
	start_vm relay
	await_vm relay
	for ((i = 0; i < RUNS; i++)); do
		notify mvmd "$WORK/run/mvmd/relay/vmm/vsock.sock_8888"
		notify bare "$WORK/bare.sock" bare
	done
	kill -TERM "$STARTED"
	ended "$STARTED"
	started=()
	at_most mvmd 5000
	compare mvmd bare
}
