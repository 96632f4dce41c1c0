#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How a backend can fail: killed while it serves, at once and again and again, with options that it does not take,
# or without its folder. Real ones wherever they can be made to; the next boot of the guest clears a lost mount.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
need qemu-system-x86_64 qemu-storage-daemon virtiofsd jq

VMM=qemu ACCEL=tcg
. "$TOP/tests/guest/run-lib.sh"
. "$TOP/tests/guest/faults-lib.sh"
make_host
mkdir "$WORK/path"
truncate -s 1M "$WORK/disk.raw"
chmod 666 "$WORK/disk.raw"

DISK="{ \"disks\": [ { \"id\": \"blk\", \"path\": \"$WORK/disk.raw\", \"backend\": \"storage-daemon\" } ] }"

backend_pid() {
	value "$VM" '.backends[0].pid'
}

# ends_named NAME STATUS ID EVIDENCE REMEDY: the run that was started ends so, and that fault is told.
ends_named() {
	local lines missing
	ended "$SUPERVISOR"
	lines=$(fault_lines "$3" "$WORK/$VM.err")
	missing=$(lacks "$lines" "$4" "$5")
	if [ "$STATUS" = "$2" ] && [ -n "$lines" ] && [ -z "$missing" ]; then
		pass "$3: $1"
	else
		fail "$3: $1" "mvmd run ended with $STATUS, wanted $2" "$missing" \
			"$(tail -n 20 "$WORK/$VM.err")"
	fi
}

# fake PROGRAM LINE...: a program of that name which tells the real one's version and else does as the lines say.
fake() {
	local program=$1 real
	real=$(command -v "$program")
	shift
	{
		echo '#!/bin/sh'
		echo "[ \"\$1\" != --version ] || exec $real --version"
		printf '%s\n' "$@"
	} >"$WORK/path/$program"
	chmod 755 "$WORK/path/$program"
}

# --- before the start

not_there() {
	mkdir "$WORK/empty"
	ln -s "$(command -v qemu-system-x86_64)" "$WORK/empty/"
	spec disk poweroff "$DISK"
	UNDER="env PATH=$WORK/empty" provokes "qemu-storage-daemon" program-missing $EXIT_UNAVAILABLE \
		"program=qemu-storage-daemon" "apt install" check disk
	spec closed poweroff "$(share)"
	mkdir -m 700 "$WORK/closed"
	jq --arg source "$WORK/closed" '.shares[0].source = $source' "$WORK/spec/closed.json" \
		>"$WORK/closed.json"
	mv "$WORK/closed.json" "$WORK/spec/"
	provokes "a folder that is not the VM's" path-denied $EXIT_PERMISSION "path=$WORK/closed" \
		"mvmd grant closed" run closed
}

# --- what it says itself

does_not_take_its_options() {
	fake virtiofsd "echo \"error: unexpected argument '--uid-map' found\" >&2" \
		'echo "Usage: virtiofsd --fd <FD>" >&2' 'exit 2'
	spec old poweroff "$(share)"
	UNDER="env PATH=$WORK/path:$PATH" provokes "once is enough, and its words are told" backend-usage \
		$EXIT_UNAVAILABLE "backend=virtiofsd[data], exit_status=2" "virtiofsd --version" run old
	has "backend-usage: its own words are evidence" "$WORK/err" \
		"last_words=error: unexpected argument '--uid-map' found / Usage"
	is "backend-usage: it was started once" "$(grep -c "did not take" "$WORK/err")" 1
	rm "$WORK/path/virtiofsd"

	fake qemu-storage-daemon 'exec '"$(command -v qemu-storage-daemon)"' --no-such-option'
	spec olddisk poweroff "$DISK"
	UNDER="env PATH=$WORK/path:$PATH" provokes "a real one, with an option that it does not have" \
		backend-usage $EXIT_UNAVAILABLE "backend=storage-daemon[blk], exit_status=1" \
		"qemu-storage-daemon --version" run olddisk
	rm "$WORK/path/qemu-storage-daemon"
}

# In cloud-hypervisor, which would take its share back: five times, then no more.
dies_at_once() {
	fake virtiofsd 'echo "I am unwell" >&2' 'exit 3'
	VM=unwell
	spec "$VM" hang "$(share)"
	start "$VM" env PATH="$WORK/path:$PATH" "$MVMD" -v run "$VM"
	SUPERVISOR=$STARTED
	ends_named "five times in a row" $EXIT_BACKEND backend-lost \
		"backend=virtiofsd[data], crashes=5, exit_status=3" "mvmd check $VM"
	has "backend-crashed: each with its last words" "$WORK/$VM.err" "its last words: I am unwell"
	is "backend-crashed: four times" "$(grep -c '\[backend-crashed\]' "$WORK/$VM.err")" 4
	rm "$WORK/path/virtiofsd"
}

# --- while it serves

# Of the one that serves now: between two lives of the guest it may just have left.
kill_the_backend() {
	kill -KILL "$(backend_pid)" 2>/dev/null
	grep -qF "[backend-crashed]" "$WORK/$VM.err"
}

# The guest's next boot mounts its share, so that there is nothing left to be done.
crashes_and_the_guest_reboots() {
	VM=again
	spec "$VM" "wait=2 reboot" "$(share)"
	boot "$VM"
	await kill_the_backend
	has "backend-crashed: stderr has it" "$WORK/$VM.err" "virtiofsd[data] ended: signal 9 (SIGKILL)"
	succeeds "backend-crashed: the next boot of the guest clears it" await_value "$VM" \
		'.findings == [] and .guest.lives >= 2 and .backends[0].pid != null'
	"$MVMD" stop --force "$VM"
	ended "$SUPERVISOR"
}

crashes() {
	local old
	VM=crash
	spec "$VM" "powerbutton poweroff" "$(share)"
	boot "$VM"
	old=$(backend_pid)
	kill -KILL "$old"
	await_value "$VM" ".backends[0] | .restarts == 1 and .pid != null and .pid != $old"
	status_names "the guest must mount its share again" backend-crashed "$VM" \
		"backend=virtiofsd[data], signal=SIGKILL, crashes=1, tag=data" "mount -t virtiofs data"
	"$MVMD" stop "$VM"
	ended "$SUPERVISOR"
	is "a VM that survived it ends well" "$STATUS" 0
}

# Its folder goes while it serves: the next process cannot serve, and says so.
loses_its_folder() {
	VM=folder
	mkdir -m 777 "$WORK/gone"
	spec "$VM" "powerbutton poweroff" \
		"{ \"shares\": [ { \"tag\": \"data\", \"source\": \"$WORK/gone\" } ] }"
	boot "$VM" -v
	rmdir "$WORK/gone"
	kill -KILL "$(backend_pid)"
	ends_named "its folder is gone" $EXIT_BACKEND backend-lost \
		"backend=virtiofsd[data], crashes=5, exit_status=1" "mvmd check $VM"
	has "backend-lost: it told why" "$WORK/$VM.err" "$WORK/gone does not exist"
}

loses_a_disk() {
	VM=disk
	spec "$VM" "powerbutton poweroff" "$DISK"
	boot "$VM" -v
	await_text "$WORK/$VM.out" "awaiting the power button"
	kill -SEGV "$(backend_pid)"
	ends_named "a disk's end is the VM's" $EXIT_BACKEND backend-lost \
		"backend=storage-daemon[blk], signal=SIGSEGV" "coredumpctl info"
}

loses_a_share_in_qemu() {
	VM=share
	spec "$VM" "powerbutton poweroff" "$(share)"
	boot "$VM" -v
	await_text "$WORK/$VM.out" "awaiting the power button"
	kill -KILL "$(backend_pid)"
	ends_named "QEMU never gets a share back" $EXIT_RESTART backend-lost \
		"backend=virtiofsd[data], signal=SIGKILL" "journalctl -k"
}

not_there
does_not_take_its_options
loses_a_disk
loses_a_share_in_qemu

VMM=cloud-hypervisor ACCEL=kvm
if has_cloud_hypervisor; then
	dies_at_once
	crashes
	crashes_and_the_guest_reboots
	loses_its_folder
else
	skip "what cloud-hypervisor survives" "$(no_cloud_hypervisor)"
fi
finish
