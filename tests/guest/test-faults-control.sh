#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What stands between mvmd and its children and clients: locks, sockets, consoles, another mvmd. Each fault is
# provoked and named; what a system call hardly ever does is injected by strace.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
need qemu-system-x86_64 jq strace setpriv virtiofsd

VMM=qemu ACCEL=tcg
. "$TOP/tests/guest/run-lib.sh"
. "$TOP/tests/guest/faults-lib.sh"
make_host

# --- a VM that runs

spec lives "powerbutton poweroff" "$(share)"
boot lives
no_findings "a VM that runs has no finding" lives
provokes "a second start" already-running $EXIT_BUSY "pid=$SUPERVISOR" "mvmd status lives" run lives
UNDER="setpriv --reuid=4242 --regid=4242 --clear-groups" provokes "somebody else" not-an-owner \
	$EXIT_PERMISSION "uid=4242" '"owners"' stop lives
UNDER=$(at connect 1+ error=EACCES) provokes "its socket cannot be reached" control-socket \
	$EXIT_PERMISSION "path=$WORK/run/lives/control, errno=EACCES" "namei -l" status lives

# So many may read one console; the one of mvmd run itself is among them.
CONSOLES=16

has_readers() {
	local attached
	attached=$(grep -lF "awaiting the power button" "$WORK"/reader*.out | wc -l)
	[ "$attached" -ge $((CONSOLES - 1)) ]
}

is_crowded() {
	local number readers=()
	await_text "$WORK/lives.out" "awaiting the power button"
	mkfifo "$WORK/keys"
	exec 5<>"$WORK/keys"
	for ((number = 1; number < CONSOLES; number++)); do
		"$MVMD" console lives <"$WORK/keys" >"$WORK/reader$number.out" 2>/dev/null &
		started+=("$!")
		readers+=("$!")
	done
	await has_readers
	provokes "too many read it" no-console $EXIT_NOT_RUNNING "" "mvmd status" console lives
	for number in "${readers[@]}"; do
		kill "$number"
		ended "$number"
	done 2>/dev/null
	exec 5>&-
}

is_crowded

# An answer that is none comes from a program that is no mvmd. It serves one call.
answers() {
	mv "$WORK/run/lives/control" "$WORK/run/lives/control.real"
	start "answers" python3 -c "
import socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
while True:
    connection, _ = listener.accept()
    connection.recv(4096)
    connection.sendall(sys.argv[2].encode() + b'\0')
    connection.close()" "$WORK/run/lives/control" "$1"
	ANSWERS=$STARTED
	await [ -S "$WORK/run/lives/control" ]
	shift
	provokes "$@"
	kill "$ANSWERS"
	ended "$ANSWERS"
	mv "$WORK/run/lives/control.real" "$WORK/run/lives/control"
}

if command -v python3 >/dev/null; then
	answers '{"error": "io.mvmd.vm.Nonsense"}' "an error that nobody knows" control-error \
		$EXIT_SYSTEM "answer=io.mvmd.vm.Nonsense" "mvmd --version" status lives
	answers 'HTTP/1.1 400' "no JSON" control-error $EXIT_SYSTEM "" "mvmd --version" status lives
else
	skip "control-error" "python3 is not installed"
fi

# --- its supervisor is killed

{
	kill -KILL "$SUPERVISOR"
	ended "$SUPERVISOR"
} 2>/dev/null
# Its record is from an mvmd that could not adopt.
jq '{ version: 1, vmm: .vmm, backends: .backends }' "$WORK/run/lives/state.json" >"$WORK/record"
cat "$WORK/record" >"$WORK/run/lives/state.json"
provokes "a new start" vmm-outlived-supervisor $EXIT_BUSY "pid=$VMM_PID, process=qemu" \
	"mvmd stop --force lives" run lives
UNDER=$(at pidfd_send_signal 1+ error=EPERM) provokes "a VMM that cannot be killed" leftover-process \
	$EXIT_BUSY "pid=$VMM_PID, process=qemu, errno=EPERM" "ps -o pid,stat,wchan,args -p $VMM_PID" \
	stop --force lives
"$MVMD" stop --force lives
succeeds "and once it can be, it goes" is_gone_or_zombie "$VMM_PID"

# --- a VM that waits

spec waits poweroff '{ "interfaces": [ { "id": "net0", "bridge": "never" } ] }'
run waits -v
await_text "$WORK/waits.err" "for bridge never"
kill -TERM "$SUPERVISOR"
ended "$SUPERVISOR"
is "a start that is stopped is no fault" "$STATUS $(grep -c 'error:' "$WORK/waits.err")" "0 0"

# --- what a start makes

# rename_of VM FILE: the words before a command in which the socket of that name is not made.
rename_of() {
	at rename "$(call_number "$1" rename "$2" 1)" error=EACCES
}

spec good poweroff "$(share)"
"$MVMD" run good >"$WORK/out" 2>&1
UNDER=$(rename_of good share-data.sock) provokes "a share's socket" listener $EXIT_SYSTEM \
	"path=$WORK/run/good/share-data.sock, errno=EACCES" "namei -l" run good
UNDER=$(rename_of good console.sock) provokes "QEMU's console" console $EXIT_SYSTEM \
	"path=$WORK/run/good/console.sock, errno=EACCES" "namei -l" run good
UNDER=$(rename_of good control) provokes "mvmd's own socket" control-socket $EXIT_SYSTEM \
	"path=$WORK/run/good/control, errno=EACCES" "namei -l" run good
UNDER=$(rename_of good qmp.sock) provokes "QEMU's monitor" vmm-socket $EXIT_SYSTEM \
	"path=$WORK/run/good/qmp.sock, errno=EACCES" "namei -l" run good
UNDER=$(at connect "$(call_number good connect share-data.sock 1)" error=EACCES) \
	provokes "a share that refuses" share-connect $EXIT_BACKEND \
	"path=$WORK/run/good/share-data.sock, errno=EACCES" "ss -xlp" run good
UNDER=$(at sendmsg "$(call_number good sendmsg query-status 2)" error=ENOBUFS) \
	provokes "what is sent to QEMU does not leave" vmm-protocol $EXIT_VMM "vmm=qemu, errno=ENOBUFS" \
	"qemu-system-x86_64 --version" run good
UNDER=$(at timerfd_create 1 error=EMFILE) provokes "no timer" backend-start $EXIT_SYSTEM \
	"backend=virtiofsd[data], errno=EMFILE" "ulimit -n" run good

# --- a socket of somebody else's

spec external poweroff "{ \"shares\": [ { \"tag\": \"data\", \"socket\": \"$WORK/external.sock\" } ],
	\"timeouts\": { \"backend\": \"1s\" } }"
serve_share external "$WORK/external.sock"
number=$(call_number external sendto SOCK_DIAG 1)
UNDER=$(at sendto "$number" error=ENOBUFS) provokes "the kernel does not answer" socket-look \
	$EXIT_SYSTEM "socket=$WORK/external.sock, errno=ENOBUFS" "ss -xlp" run external
UNDER=$(at timerfd_create 1 error=EMFILE) provokes "no descriptor for the wait" socket-wait \
	$EXIT_SYSTEM "socket=$WORK/external.sock, errno=EMFILE" "ulimit -n" run external
finish
