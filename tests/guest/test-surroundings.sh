#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Odd surroundings of a run: closed and full descriptors, a relative runtime directory, a VMM that
# makes directories of its own, a start right behind a stop, terminals and pipes that nobody reads.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
[ -e "$BUILD/tests/guest/tiny.elf" ] || skip_all "the tiny guest is for x86-64"
need qemu-system-x86_64 qemu-storage-daemon strace

export MVMD_SPEC_DIR=$WORK/spec MVMD_RUNTIME_DIR=$WORK/run MVMD_STATE_DIR=$WORK/state
mkdir "$MVMD_SPEC_DIR" "$WORK/share"
cp "$BUILD/tests/guest/tiny.elf" "$WORK/"

# spec NAME CMDLINE [MORE-KEYS]
spec() {
	cat >"$MVMD_SPEC_DIR/$1.json" <<-SPEC
		{
		  "vmm": "qemu", "accel": "tcg", "memory": "64MiB",
		  "boot": { "kernel": "$WORK/tiny.elf", "cmdline": "$2" }${3+, $3}
		}
	SPEC
}

# A number that is closed is given to the next file that is opened, which here is the disk.
closed_descriptors() {
	truncate -s 1M "$WORK/disk.raw"
	chmod 666 "$WORK/disk.raw"
	spec disk "poweroff" '"disks": [ { "id": "root", "path": "'"$WORK/disk.raw"'" } ]'
	cp "$WORK/disk.raw" "$WORK/disk.before"
	"$MVMD" run disk <&- >&- 2>&-
	is "with 0, 1 and 2 closed a run ends as it should" $? 0
	succeeds "and writes its lines to no file of ours" cmp "$WORK/disk.raw" "$WORK/disk.before"
	ASAN_OPTIONS=detect_leaks=0 strace -o "$WORK/trace" -e trace=write,connect "$MVMD" run disk >"$WORK/out" 2>&-
	is "with 2 closed likewise" $? 0
	is "lines go to what stands for stderr" \
		"$(grep -c '^write(2, "mvmd: disk' "$WORK/trace" | sed 's/^[1-9].*/some/')" some
	ASAN_OPTIONS=detect_leaks=0 strace -o "$WORK/trace" -e trace=openat "$MVMD" run disk >"$WORK/out" 2>&-
	is "which no file of the run got" \
		"$(sed -n 's/^openat([^"]*"\([^"]*\)".* = [012]$/\1/p' "$WORK/trace" |
			grep -F "$WORK")" ""
}

full_stdout() {
	"$MVMD" schema >/dev/full 2>"$WORK/err"
	is "what cannot be written is no success" $? 71
	has "and is told" "$WORK/err" "cannot write to stdout: No space left on device"
}

# The VMM, which runs in /, is to find the disk's socket there.
relative_runtime_directory() {
	spec served "poweroff" '"disks": [ { "id": "root", "path": "'"$WORK/disk.raw"'",
		"backend": "storage-daemon" } ]'
	exits "a relative runtime directory" 0 env -C "$WORK" "$MVMD" --runtime-dir=here run served
	is "is removed at the end" "$(find "$WORK" -name here)" ""
}

awaits_button() {
	await_text "$WORK/$1.out" "awaiting the power button"
}

directories_of_the_vmm() {
	spec nest "powerbutton poweroff"
	start nest "$MVMD" run nest
	awaits_button nest
	mkdir -p "$MVMD_RUNTIME_DIR/nest/vmm/a/b"
	ln -s "$WORK/share" "$MVMD_RUNTIME_DIR/nest/vmm/link"
	echo kept >"$WORK/share/file"
	"$MVMD" stop nest 2>/dev/null
	ended "$STARTED"
	is "what a VMM made in its directory goes with it" "$(find "$MVMD_RUNTIME_DIR" 2>/dev/null)" ""
	is "what its links pointed to stays" "$(cat "$WORK/share/file")" kept
}

foreign_directory() {
	mkdir -p "$MVMD_RUNTIME_DIR/nest/photos"
	exits "a directory with somebody else's files is refused" 75 "$MVMD" run nest
	has "and named" "$WORK/err" "photos in there is not mvmd's"
	succeeds "and left alone" rmdir "$MVMD_RUNTIME_DIR/nest/photos" "$MVMD_RUNTIME_DIR/nest"
}

# The supervisor is slow to remove its directory, which comes after the end of the connections.
start_behind_a_stop() {
	spec again "powerbutton poweroff"
	start slow strace -o "$WORK/trace" -e trace=rmdir,unlinkat \
		-e inject=rmdir,unlinkat:delay_enter=200000 "$MVMD" run again
	awaits_button slow
	succeeds "a stop" "$MVMD" stop again
	start next "$MVMD" run again
	succeeds "the VM starts again right behind it" awaits_button next
	"$MVMD" stop --force again 2>/dev/null
	ended "$STARTED"
}

# Console and lines go to a pipe that is full: the supervisor still does its work.
pipe_that_nobody_reads() {
	spec mute "print=here hang" '"timeouts": { "stop": "24h" }'
	mkfifo "$WORK/pipe"
	exec 9<>"$WORK/pipe"
	"$MVMD" run mute >"$WORK/pipe" 2>&1 </dev/null 9>&- &
	local supervisor=$!
	started+=("$supervisor")
	await is_in_state mute running
	dd if=/dev/zero of="$WORK/pipe" oflag=nonblock bs=4096 2>/dev/null
	dd if=/dev/zero of="$WORK/pipe" oflag=nonblock bs=1 2>/dev/null
	kill -TERM "$supervisor"
	succeeds "with a pipe that nobody reads it answers" await is_in_state mute stopping
	kill -TERM "$supervisor"
	ended "$supervisor"
	is "and ends when it is told to" "$STATUS" 0
	exec 9>&-
}

# is_in_state NAME STATE
is_in_state() {
	"$MVMD" status --json "$1" | grep -q "\"state\": \"$2\""
}

# A first signal after somebody's stop is a first one.
signal_behind_a_stop() {
	spec deaf "print=here hang" '"timeouts": { "stop": "24h" }'
	start deaf "$MVMD" run deaf
	local supervisor=$STARTED
	await_text "$WORK/deaf.out" here
	start stop "$MVMD" stop deaf
	await_text "$WORK/deaf.err" "power button pressed"
	kill -TERM "$supervisor"
	await eval '[ $(grep -c "power button pressed" "$WORK/deaf.err") = 2 ]'
	has_not "a signal after mvmd stop asks once more" "$WORK/deaf.err" "ending the VM now"
	kill -TERM "$supervisor"
	ended "$supervisor"
	has "a second one ends the VM" "$WORK/deaf.err" "ending the VM now"
	is "which is no failure" "$STATUS" 0
}

closed_descriptors
full_stdout
relative_runtime_directory
directories_of_the_vmm
foreign_directory
start_behind_a_stop
pipe_that_nobody_reads
signal_behind_a_stop
finish
