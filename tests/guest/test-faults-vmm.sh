#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How a VMM can fail: killed, for want of memory, by its own seccomp filter, by a bus error, by a crash, without a
# word, or because it refuses what it is given. Each end of a real VMM is named with its evidence and a remedy. And
# what only cloud-hypervisor tells: a device that no driver takes.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
need qemu-system-x86_64 jq

VMM=qemu ACCEL=tcg
. "$TOP/tests/guest/run-lib.sh"
. "$TOP/tests/guest/faults-lib.sh"
make_host

# ends_named NAME ID EVIDENCE REMEDY: the run that was started ends as a failure of the VMM, and that fault is told.
ends_named() {
	local lines missing
	ended "$SUPERVISOR"
	lines=$(fault_lines "$2" "$WORK/$VM.err")
	missing=$(lacks "$lines" "$3" "$4")
	if [ "$STATUS" = $EXIT_VMM ] && [ -n "$lines" ] && [ -z "$missing" ]; then
		pass "$2: $VMM $1"
	else
		fail "$2: $VMM $1" "mvmd run ended with $STATUS, wanted $EXIT_VMM" "$missing" \
			"$(tail -n 20 "$WORK/$VM.err")"
	fi
}

# boot_for_death SIGNAL: a VM of that name that hangs until then.
boot_for_death() {
	VM=${VMM%%-*}-$1
	spec "$VM" hang
	boot "$VM" -v
}

# A handler of Rust's takes the first SIGSEGV or SIGBUS that is no access of its own, and lets the next one pass.
kill_surely() {
	kill "-$1" "$VMM_PID"
	is_gone_or_zombie "$VMM_PID"
}

dies_by_signals() {
	boot_for_death KILL
	kill -KILL "$VMM_PID"
	ends_named "by kill -9" vmm-killed "vmm=$VMM, signal=SIGKILL, core_dumped=no" "journalctl -k"
	boot_for_death SYS
	kill -SYS "$VMM_PID"
	ends_named "by its seccomp filter" vmm-seccomp "vmm=$VMM, signal=SIGSYS" "type=1326"
	boot_for_death SEGV
	await kill_surely SEGV
	ends_named "by a crash" vmm-crashed "vmm=$VMM, signal=SIGSEGV" "coredumpctl info"
	boot_for_death BUS
	await kill_surely BUS
	ends_named "by a bus error" vmm-bus-error "vmm=$VMM, signal=SIGBUS" "df /dev/shm"
}

# By an open file description, as VMMs lock their disks: another lock than mvmd's own.
holds_the_disk() {
	grep -q "OFDLCK.*:$(stat -c %i "$WORK/disk.raw") " /proc/locks
}

# QEMU tells of what it refuses on its way out, cloud-hypervisor as the chain of its errors.
qemu_refuses() {
	local rival
	truncate -s 1M "$WORK/disk.raw"
	chmod 666 "$WORK/disk.raw"
	start rival qemu-storage-daemon \
		--blockdev "driver=file,node-name=f,filename=$WORK/disk.raw" \
		--blockdev driver=raw,node-name=d,file=f \
		--export "type=vhost-user-blk,id=e,node-name=d,writable=on,addr.type=unix,addr.path=$WORK/rival.sock"
	rival=$STARTED
	await holds_the_disk
	VM=refused
	spec "$VM" hang "{ \"disks\": [ { \"id\": \"d\", \"path\": \"$WORK/disk.raw\" } ] }"
	run "$VM" -v
	ends_named "finds its disk locked" vmm-refused "vmm=$VMM, exit_status=1" "lslocks"
	has "vmm-refused: QEMU's own words are evidence" "$WORK/$VM.err" 'vmm_error=-'
	kill "$rival"
	ended "$rival"
}

cloud_hypervisor_refuses() {
	local rival
	truncate -s 1M "$WORK/disk.raw"
	start rival cloud-hypervisor --kernel "$WORK/kernel" --cmdline hang --memory size=64M \
		--cpus boot=1 --serial off --console off --disk "path=$WORK/disk.raw,image_type=raw"
	rival=$STARTED
	await holds_the_disk
	VM=refused-ch
	spec "$VM" hang "{ \"disks\": [ { \"id\": \"d\", \"path\": \"$WORK/disk.raw\" } ] }"
	run "$VM" -v
	ends_named "finds its disk locked" vmm-refused "request=vm.boot" "lslocks"
	has "vmm-refused: its chain of errors is evidence, in words" "$WORK/$VM.err" \
		"vmm_error=Error from API: The VM could not boot: "
	kill "$rival"
	ended "$rival"
}

# The tiny guest has a driver for disks, and none for anything else. One that takes nothing at all proves nothing.
has_no_driver() {
	truncate -s 1M "$WORK/own.raw"
	chmod 666 "$WORK/own.raw"
	VM=driver
	spec "$VM" "lives=disk hang" "{ \"timeouts\": { \"guest\": \"1s\" },
		\"interfaces\": [ { \"id\": \"net0\", \"bridge\": \"br0\" } ],
		\"disks\": [ { \"id\": \"own\", \"path\": \"$WORK/own.raw\" } ] }"
	boot "$VM"
	await_value "$VM" '.findings != []'
	status_names "its network card" driver-missing "$VM" "device=net-net0, driver=virtio_net, life=1" \
		"modprobe virtio_net"
	holds "driver-missing: the disk has one" "$VM" '.findings | length == 1'
	"$MVMD" stop --force "$VM"
	ended "$SUPERVISOR"
}

qemu_is_told_to_go() {
	boot_for_death TERM
	kill -TERM "$VMM_PID"
	ends_named "by a SIGTERM that is not ours" vmm-killed "vmm=qemu, exit_status=0" "who may have"
	has "vmm-killed: QEMU told who sent it" "$WORK/$VM.err" \
		"terminating on signal 15 from pid $$"
}

# It leaves a SIGTERM as it leaves a failure of one of its threads: nobody can tell.
cloud_hypervisor_is_told_to_go() {
	boot_for_death TERM
	kill -TERM "$VMM_PID"
	ends_named "leaves with 0" vmm-exited "vmm=cloud-hypervisor, exit_status=0" "mvmd check $VM"
}

# Where there is one, QEMU gets a control group with less memory than its start takes.
make_group() {
	if [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
		GROUP=/sys/fs/cgroup/memory/mvmd-test.$$
		LIMIT=memory.limit_in_bytes
	elif grep -qw memory /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null; then
		GROUP=/sys/fs/cgroup/mvmd-test.$$
		LIMIT=memory.max
	else
		return 1
	fi
	mkdir "$GROUP" 2>/dev/null && echo 8M >"$GROUP/$LIMIT"
}

is_killed_for_want_of_memory() {
	VM=oom
	spec "$VM" hang
	# shellcheck disable=SC2016
	start "$VM" bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$GROUP" "$MVMD" -v run "$VM"
	SUPERVISOR=$STARTED
	ends_named "has too little memory" vmm-oom-killed "signal=SIGKILL, oom_kills=1 in the control group" \
		"MemoryMax="
}

dies_by_signals
qemu_is_told_to_go
if command -v qemu-storage-daemon >/dev/null; then
	qemu_refuses
else
	skip "vmm-refused: QEMU" "qemu-storage-daemon is not installed"
fi
if has_sanitizer; then
	skip "vmm-oom-killed" "AddressSanitizer makes the supervisor as large as what is to be killed"
elif make_group; then
	is_killed_for_want_of_memory
	await rmdir "$GROUP"
else
	skip "vmm-oom-killed" "no memory control group can be made here"
fi

VMM=cloud-hypervisor ACCEL=kvm
if has_cloud_hypervisor; then
	dies_by_signals
	cloud_hypervisor_is_told_to_go
	cloud_hypervisor_refuses
	has_no_driver
else
	skip "the ends of cloud-hypervisor" "$(no_cloud_hypervisor)"
fi
finish
