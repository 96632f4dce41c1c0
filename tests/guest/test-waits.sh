#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What mvmd waits for and what its VMM waits for, in vain: each wait ends, and the finding names the
# socket, the device, and what was tried.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

MUTE=$BUILD/tests/guest/mute-backend

need jq virtiofsd qemu-storage-daemon
private_namespaces "$@"
make_host

# mute NAME MODE: a backend that never answers, at $WORK/NAME.sock.
mute() {
	start "$1" "$MUTE" "$2" "$WORK/$1.sock"
	BACKEND=$STARTED
	await_text "$WORK/$1.out" ready
}

# external_spec NAME WORDS SOCKET: with one share that somebody else serves there.
external_spec() {
	spec "$1" "$2" "$(jq -n --arg socket "$3" --arg backend "${4:-30s}" '{
		shares: [ { tag: "data", socket: $socket } ],
		timeouts: { backend: $backend, boot: "5s" } }')"
}

end_backend() {
	kill -KILL "$1"
	ended "$1"
} 2>/dev/null

# says NAME TEXT...: mvmd's lines of the VM contain each.
says() {
	local text
	for text in "${@:2}"; do
		has "$VM: $1: $text" "$WORK/$VM.err" "$text"
	done
}

# type_to_guest KEYS: once it listens.
type_to_guest() {
	await_text "$WORK/$VM.out" "tiny: listening"
	"$MVMD" console "$VM" <<<"$1" >/dev/null 2>&1 &
	started+=("$!")
}

# --- what mvmd waits for: the socket of somebody else's backend

# never_listens SEEN REMEDY
never_listens() {
	external_spec "$VM" poweroff "$WORK/$VM.sock" 300ms
	run "$VM"
	ends "$VM: a socket on which nobody listens ends the start" $EXIT_UNAVAILABLE
	says "the finding" "[socket-not-listening]" "nobody listened on $WORK/$VM.sock within 300ms" \
		"$1" "$2"
	succeeds "$VM: each look is on record" grep -Eq \
		"; looked [0-9]+ times? in 0?[0-9.]+m?s: [0-9]+ × .*after [0-9]+m?s" "$WORK/$VM.err"
	has_not "$VM: no VMM was started for that" "$WORK/$VM.err" "running after"
}

is_absent() {
	never_listens "there is no such file" "start the program that serves it"
}

status_tells() {
	external_spec "$VM" poweroff "$WORK/$VM.sock" 60s
	run "$VM" --now
	await eval '"$MVMD" status "$VM" >"$WORK/status" 2>&1 && grep -q "waiting for" "$WORK/status"'
	has "$VM: status tells what a start waits for" "$WORK/status" "  waiting for a listener on $WORK/$VM.sock"
	is "$VM: as data, too" "$("$MVMD" status --json "$VM" | jq -c .waiting_for)" "[\"a listener on $WORK/$VM.sock\"]"
	succeeds "$VM: it can be stopped meanwhile" "$MVMD" stop "$VM"
	ended "$SUPERVISOR"
}

is_bound_only() {
	mute "$VM" bind
	never_listens "nobody listens on it in this network namespace" "ss -xlp"
	end_backend "$BACKEND"
	rm "$WORK/$VM.sock"
}

# Its program is gone, as after a crash: the file is all that is left.
is_stale() {
	mute "$VM" listen
	end_backend "$BACKEND"
	never_listens "the program that made it has ended" "ss -xlp"
	rm "$WORK/$VM.sock"
}

# That no wait would cure: it is not even begun.
is_a_regular_file() {
	: >"$WORK/$VM.sock"
	external_spec "$VM" poweroff "$WORK/$VM.sock"
	run "$VM"
	ends "$VM: a regular file in place of a socket ends the start" $EXIT_UNAVAILABLE
	says "the finding" "[path-wrong-type]" "socket $WORK/$VM.sock is a regular file" \
		"correct the path in $WORK/spec/$VM.json"
	has_not "$VM: nobody waited for it" "$WORK/$VM.err" "waiting up to"
	rm "$WORK/$VM.sock"
}

# A stale file is there first, and the real one in its place a moment later. The folder goes on stirring:
# a supervisor that still heard of that once span over it and answered nobody.
comes_late() {
	local name
	mute "$VM" listen
	end_backend "$BACKEND"
	external_spec "$VM" "powerbutton poweroff" "$WORK/$VM.sock"
	run "$VM"
	await_text "$WORK/$VM.err" "for a listener on $WORK/$VM.sock"
	serve_share backend "$WORK/$VM.sock"
	succeeds "$VM: starts once somebody listens" await_text "$WORK/$VM.err" "running after"
	for name in a b c; do
		: >"$WORK/$VM.sock.$name"
		rm "$WORK/$VM.sock.$name"
	done
	holds "$VM: a late backend is no finding" "$VM" '.findings == []'
	await_text "$WORK/$VM.out" "awaiting the power button"
	exits "$VM: stops as any" 0 "$MVMD" stop "$VM"
	ends "$VM: and ends well" 0
	ended "$VIRTIOFSD"
	rm -f "$WORK/$VM.sock"*
}

# --- what a command waits for: the supervisor

# sleeps PID: between two tries; there is nothing else that it could sleep for.
sleeps() {
	[[ $(status_field "$1" State) == S* ]]
}

# Its socket is moved away and back, as if it came late; then it is removed.
supervisor_has_no_socket() {
	local control=$WORK/run/$VM/control command
	spec "$VM" "powerbutton poweroff"
	boot "$VM"
	mv "$control" "$control.away"
	start status "$MVMD" status "$VM"
	command=$STARTED
	succeeds "$VM: a command waits for the socket of a VM that runs" await sleeps "$command"
	mv "$control.away" "$control"
	ended "$command"
	is "$VM: and has its answer" "$STATUS" 0

	rm "$control"
	exits "$VM: but not for ever" $EXIT_SYSTEM "$MVMD" status "$VM"
	has "$VM: the finding names the supervisor" "$WORK/err" \
		"cannot connect to its supervisor, pid $SUPERVISOR, at $control [control-socket]"
	succeeds "$VM: each try is on record" grep -Eq \
		"why: tried [0-9]+ times in [0-9.]+s: [0-9]+ × No such file or directory \(first" \
		"$WORK/err"
	kill -TERM "$SUPERVISOR"
	ends "$VM: and the VM ends as any" 0
}

# --- what the VMM waits for: the answer of a backend. Each takes its time until the deadline, so they
# run beside each other: begin_ starts one, end_ says what has to come of it.

declare -A supervisors backends

begun() {
	supervisors[$VM]=$SUPERVISOR
	backends[$VM]=$BACKEND
}

# resume NAME
resume() {
	VM=$1
	SUPERVISOR=${supervisors[$VM]}
	BACKEND=${backends[$VM]}
}

# begin_mute NAME MODE [JSON]
begin_mute() {
	VM=$1
	mute "$VM" "$2"
	external_spec "$VM" poweroff "$WORK/$VM.sock"
	jq --argjson more "${3:-"{}"}" '. + $more' "$WORK/spec/$VM.json" >"$WORK/spec.new"
	mv "$WORK/spec.new" "$WORK/spec/$VM.json"
	run "$VM"
	begun
}

# end_mute NAME WORDS
end_mute() {
	resume "$1"
	ends "$VM: a VMM that gets no answer is ended" $EXIT_VMM
	says "the finding" "[vmm-deaf]" "within 5s" \
		"waits for share \"data\" at $WORK/$VM.sock: mute-backend, pid $BACKEND, $2" \
		"ps -o pid,stat,wchan,args -p $BACKEND"
	has_not "$VM: a disk that answers is not to blame" "$WORK/$VM.err" "waits for disk"
	end_backend "$BACKEND"
	rm "$WORK/$VM.sock"
}

# The last one has a disk, too, whose backend is mvmd's own and serves well.
begin_mutes() {
	[ "$VMM" = qemu ] || begin_mute "$1-queue" full
	begin_mute "$1-accept" listen
	begin_mute "$1-read" accept
	begin_mute "$1-answer" read
	begin_mute "$1-two" read "$(disk "$1-two")"
}

end_mutes() {
	[ "$VMM" = qemu ] || end_mute "$1-queue" "accepts nobody, and its queue is full"
	end_mute "$1-accept" "has not accepted its connection"
	end_mute "$1-read" "has accepted its connection and does not read what it sends"
	end_mute "$1-answer" "has read what it sent and does not answer"
	end_mute "$1-two" "has read what it sent and does not answer"
	rm "$WORK/$1-two.raw"
}

mutes() {
	local name=$VM
	begin_mutes "$name"
	end_mutes "$name"
	VM=$name
}

# disk NAME: of a backend of mvmd's own.
disk() {
	truncate -s 1M "$WORK/$1.raw"
	chmod 666 "$WORK/$1.raw"
	jq -n --arg path "$WORK/$1.raw" \
		'{ disks: [ { id: "root", path: $path, backend: "storage-daemon" } ] }'
}

# --- a reboot into a hang

stop_family() {
	local child
	for child in $(ps -o pid= --ppid "$1"); do
		stop_family "$child"
	done
	kill -STOP "$1"
}

# begin_stopped NAME WORDS JSON: stops the backend, which is mvmd's own, and lets the guest reboot.
begin_stopped() {
	VM=$1
	spec "$VM" "$2" "$(jq '. + { timeouts: { boot: "5s", stop: "1s" } }' <<<"$3")"
	boot "$VM"
	BACKEND=$(value "$VM" '.backends[0].pid')
	await_text "$WORK/$VM.out" "tiny: listening"
	stop_family "$BACKEND"
	type_to_guest q
	begun
}

# end_stopped NAME WORDS
end_stopped() {
	resume "$1"
	ends "$VM: a reboot into a backend that is stopped ends the VM" $EXIT_VMM
	says "the finding" "the guest reboots" "[vmm-deaf]" "did not reboot the guest within 5s" \
		"$2, pid $BACKEND, has" "that process is stopped (SIGSTOP, a debugger)" \
		"kill -CONT $BACKEND"
}

# The founding report's chain with the backend of somebody else: virtiofsd leaves with its client, nobody
# starts it again, and the VMM tries to connect for a minute.
begin_left() {
	VM=$1
	external_spec "$VM" "echo reboot" "$WORK/$VM.sock"
	serve_share backend "$WORK/$VM.sock"
	BACKEND=$VIRTIOFSD
	boot "$VM"
	type_to_guest q
	begun
}

# Its connection may come so early that the old virtiofsd's backlog takes it and resets it: then the VMM
# gives up at once, and does not try again.
end_left() {
	resume "$1"
	ends "$VM: a reboot that finds no backend ends the VM" $EXIT_VMM
	succeeds "$VM: as one that waits in vain, or has given up" \
		grep -qE '\[vmm-(deaf|exited)\]' "$WORK/$VM.err"
	says "the finding" "the guest reboots" \
		"for share \"data\" at $WORK/$VM.sock: nobody listens there" "let mvmd serve the share"
	ended "$BACKEND"
	rm -f "$WORK/$VM.sock"*
}

reboots() {
	local name=$VM run=$WORK/run
	begin_stopped "$name-share" "echo reboot" "$(share)"
	begin_stopped "$name-disk" "lives=disk echo reboot" "$(disk "$name-disk")"
	begin_left "$name-left"
	end_stopped "$name-share" \
		"waits for share \"data\" at $run/$name-share/share-data.sock: virtiofsd"
	end_stopped "$name-disk" \
		"waits for disk \"root\" at $run/$name-disk/disk-root.sock: storage-daemon"
	end_left "$name-left"
	rm "$WORK/$name-disk.raw"
	VM=$name
}

# reads_a_message PID: one of its threads is in recvmsg(2), which is 47 on x86-64.
reads_a_message() {
	grep -q '^47 ' /proc/"$1"/task/*/syscall
}

# mvmd connects to QEMU's shares itself, and a queue may have room again.
qemu_has_no_room() {
	mute "$VM" full
	external_spec "$VM" poweroff "$WORK/$VM.sock" 500ms
	run "$VM"
	ends "$VM: a share whose queue is full ends the start" $EXIT_BACKEND
	says "the finding" "[share-connect]" "cannot connect to share \"data\" at $WORK/$VM.sock" \
		"ss -xlp src $WORK/$VM.sock"
	succeeds "$VM: each try is on record" grep -Eq \
		"tried [0-9]+ times? in .*: [0-9]+ × the listener's queue is full \(" "$WORK/$VM.err"
	end_backend "$BACKEND"
	rm "$WORK/$VM.sock"
}

# Another one takes the place of the first.
qemu_gets_room() {
	mute "$VM" full
	external_spec "$VM" "powerbutton poweroff" "$WORK/$VM.sock"
	run "$VM"
	await_text "$WORK/$VM.err" "somebody else serves share data"
	serve_share backend "$WORK/$VM.sock"
	succeeds "$VM: a share that takes its VMM late is in time" \
		await_text "$WORK/$VM.err" "running after"
	succeeds "$VM: the late VMM is on record" jq -e ".vmm.pid == $(value "$VM" .vmm.pid)" \
		"$WORK/run/$VM/state.json"
	end_backend "$BACKEND"
	await_text "$WORK/$VM.out" "awaiting the power button"
	exits "$VM: it stops as any" 0 "$MVMD" stop "$VM"
	ends "$VM: and ends well" 0
	ended "$VIRTIOFSD"
	rm -f "$WORK/$VM.sock"*
}

# The VMM is not there yet, and is not to come any more.
qemu_is_stopped_before() {
	mute "$VM" full
	external_spec "$VM" poweroff "$WORK/$VM.sock"
	run "$VM"
	await_text "$WORK/$VM.err" "somebody else serves share data"
	exits "$VM: a start that waits for room is stopped" 0 "$MVMD" stop "$VM"
	ends "$VM: which is no failure" 0
	end_backend "$BACKEND"
	rm "$WORK/$VM.sock"
}

# QEMU tells of a reset when it is over, so that this one is found when somebody wants something of it.
qemu_hangs_in_a_reset() {
	begin_stopped "$VM" "lives=disk echo reboot" "$(disk "$VM")"
	succeeds "$VM: it hangs in its reset" await reads_a_message "$VMM_PID"
	"$MVMD" stop "$VM"
	ends "$VM: a VMM that hears no power button is ended" $EXIT_VMM
	says "the finding" "[vmm-silent]" "waits for disk \"root\" at $WORK/run/$VM/disk-root.sock" \
		"kill -CONT $BACKEND"
	has_not "$VM: the guest is not to blame" "$WORK/$VM.err" "power-button-ignored"
	rm "$WORK/$VM.raw"
}

both() {
	case_of "$1-absent" is_absent
	case_of "$1-status" status_tells
	case_of "$1-bound" is_bound_only
	case_of "$1-stale" is_stale
	case_of "$1-file" is_a_regular_file
	case_of "$1-late" comes_late
	case_of "$1-mute" mutes
}

if command -v qemu-system-x86_64 >/dev/null; then
	VMM=qemu ACCEL=tcg
	both q
	case_of q-control supervisor_has_no_socket
	case_of q-full qemu_has_no_room
	case_of q-room qemu_gets_room
	case_of q-stop qemu_is_stopped_before
	case_of q-reset qemu_hangs_in_a_reset
else
	skip "waits with QEMU" "qemu-system-x86_64 is not installed"
fi
if has_cloud_hypervisor; then
	VMM=cloud-hypervisor ACCEL=kvm
	both ch
	case_of ch-reboot reboots
else
	skip "waits with cloud-hypervisor" "$(no_cloud_hypervisor)"
fi
finish
