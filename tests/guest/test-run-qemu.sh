#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mvmd run, with the tiny guest in a real QEMU.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"
. "$(dirname "$0")/run-cases.sh"

VMM=qemu
ACCEL=tcg
# Monitor and console, each a listener and our connection; share and disk, each a connection and a way
# back for the backend's own requests.
WANTED_SOCKETS=8
ALLOWED_FDS=' (socket|.*/(qmp|api).sock.(log|events)|.*/disk.raw|.*/vmm.alive|anon_inode:.*|/dev/(null|net/tun|urandom)|/memfd:.*)$'

need qemu-system-x86_64 qemu-storage-daemon virtiofsd jq strace script
private_namespaces "$@"
make_host

# --- what only QEMU does

# One connection for all lives: the share stays, and so does its backend.
reboots() {
	local backend
	truncate -s 1M "$WORK/disk.raw"
	chmod 666 "$WORK/disk.raw"
	spec "$VM" "reboot=3 print=up_again echo poweroff" "$(share | jq --arg path "$WORK/disk.raw" \
		'. + { disks: [ { id: "blk", path: $path, backend: "storage-daemon" } ] }')"
	boot "$VM"
	backend=$(value "$VM" '[.backends[].pid] | sort')
	await_text "$WORK/$VM.out" "up again"
	has "$VM: after its fourth life" "$WORK/$VM.out" "tiny: life 4"
	succeeds "$VM: four lives are counted" await_value "$VM" '.guest.lives == 4 and .findings == []'
	holds "$VM: three of them ended as the guest wanted" "$VM" \
		'[.lives[] | [.number, .end, .asked_by]] == [[1, "reboot", "guest"],
			[2, "reboot", "guest"], [3, "reboot", "guest"], [4, null, null]]'
	"$MVMD" status "$VM" >"$WORK/text"
	has "$VM: the last one is told" "$WORK/text" "life 4: goes on for"
	holds "$VM: the backends outlive them" "$VM" \
		"([.backends[].pid] | sort) == $backend and all(.backends[]; .restarts == 0)"
	attach keys 5
	printf q >&5
	exec 5>&-
	ends "$VM: and it powers off" 0
	has_not "$VM: nothing was wrong" "$WORK/$VM.err" "error:"
	rm -f "$WORK"/keys.*
}

# QEMU cannot be given a lost share back: the guest gets its time, then it is for a new start.
loses_a_share() {
	spec "$VM" "powerbutton print=pressed poweroff" "$(share)"
	boot "$VM"
	await_text "$WORK/$VM.out" "awaiting the power button"
	kill -KILL "$(value "$VM" '.backends[0].pid')"
	ends "$VM: a share that is lost asks for a restart" $EXIT_RESTART
	has "$VM: and says why" "$WORK/$VM.err" "qemu never gets a share back"
	has "$VM: the guest could power off in order" "$WORK/$VM.out" "pressed"
}

# A disk may come back: QEMU connects to it anew, and the guest never knows.
gets_a_disk_back() {
	local old
	truncate -s 1M "$WORK/disk.raw"
	chmod 666 "$WORK/disk.raw"
	spec "$VM" "powerbutton poweroff" "{ \"disks\": [ { \"id\": \"blk\",
		\"path\": \"$WORK/disk.raw\", \"backend\": \"storage-daemon\",
		\"on_exit\": \"respawn\" } ] }"
	boot "$VM"
	await_text "$WORK/$VM.out" "awaiting the power button"
	old=$(value "$VM" '.backends[0].pid')
	kill -KILL "$old"
	succeeds "$VM: a disk's backend that may come back does" await_value "$VM" \
		".backends[0] | .restarts == 1 and .pid != null and .pid != $old"
	holds "$VM: its crash is a finding" "$VM" 'any(.findings[]; .id == "backend-crashed")'
	"$MVMD" stop "$VM"
	ends "$VM: and the VM stops as any" 0
}

dies_over_and_over() {
	spec "$VM" "silent triplefault"
	run "$VM"
	ends "$VM: a guest that dies at its first instruction" $EXIT_CRASH_LIMIT
	has "$VM: is told as such" "$WORK/$VM.err" "without one byte on its console"
}

panics() {
	spec "$VM" "panic hang"
	run "$VM"
	ends "$VM: a panic" $EXIT_GUEST_CRASHED
	has "$VM: is told as such" "$WORK/$VM.err" "kernel panicked"
}

# first_flood_line: the number in the first whole line that a new reader of QEMU's listener gets.
first_flood_line() {
	curl -s --http0.9 --unix-socket "$WORK/run/$VM/console.sock" http://guest/ 2>/dev/null |
		sed -n '2,$s/^tiny: flood \([0-9]*\)$/\1/p' | head -n 1
}

# Nobody reads any more, and the guest goes on. It spends its time on it: 3 s of CPU are some ten
# thousand lines; a hundredth of that fits into any socket.
floods() {
	local first second
	spec "$VM" flood
	boot "$VM"
	await_text "$WORK/$VM.out" "flood 100"
	kill_supervisor
	first=$(first_flood_line)
	await_ticks "$VMM_PID" 300
	second=$(first_flood_line)
	succeeds "$VM: the guest went on while nobody read its console ($first, $second)" \
		[ "$second" -gt $((first + 2000)) ]
	exits "$VM: and is ended" 0 "$MVMD" stop --force "$VM"
}

case_of off powers_off
case_of life runs
case_of deaf-guest ignores_the_button
case_of twice second_signal
case_of early stopped_while_starting
case_of asked stopped_too_early
case_of con console
case_of rights rights
case_of owned owners
case_of late bridge_comes_later
case_of never bridge_never_comes
case_of wait stopped_while_waiting
case_of taken tap_is_taken
case_of disk disk_is_held
case_of ext external_comes_later
case_of absent external_never_comes
case_of deaf backend_is_deaf
case_of reboot reboots
case_of lost loses_a_share
case_of blk loses_a_disk
case_of back gets_a_disk_back
case_of loop dies_over_and_over
case_of panic panics
case_of killed vmm_is_killed
case_of orphan supervisor_is_killed
case_of again replaces
case_of dead everything_is_killed
case_of flood floods
case_of trace no_link_dump
case_of place places
finish
