#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An ordinary reboot, a hundred times, in each VMM that is here: with a tap, a share, and a disk of a
# storage daemon's that the guest's driver writes to in each life. Nothing of it is worth a line.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"
. "$(dirname "$0")/run-cases.sh"

REBOOTS=100
LIVES=$((REBOOTS + 1))
# The life in which the guest stands still for a first look: all lives that are kept are there by then.
EARLY=15
# What the supervisor may have more of in its last life: records of lives, the console's last screenful,
# and what its allocator keeps. 1 KiB that is lost in each life is more than that.
MEMORY_GROWTH_MAX_KIB=64

private_namespaces "$@"
need qemu-storage-daemon virtiofsd jq
make_host
AWAIT_SEC=120 # all lives, on a busy machine

# rebooting NAME WORDS: a VM that needs a backend of each kind in each life.
rebooting() {
	rm -f "$WORK/disk.raw"
	truncate -s 1M "$WORK/disk.raw"
	chmod 666 "$WORK/disk.raw"
	spec "$1" "lives=disk $2" "$(share | jq --arg path "$WORK/disk.raw" \
		'. + { disks: [ { id: "blk", path: $path, backend: "storage-daemon" } ] }')"
}

# stands_still LIFE TIMES: the guest waits in that life, for so many times in all, and the supervisor
# knows it.
stands_still() {
	[ "$(grep -c "tiny: listening" "$WORK/$VM.out")" = "$2" ] &&
		grep -q "tiny: life $1" "$WORK/$VM.out" &&
		value_holds "$VM" ".guest.lives == $1 and .state == \"running\""
}

# listeners: of the supervisor's, each as its name and its inode, which a new one would not share.
listeners() {
	awk -v prefix="$WORK/run/$VM/" '$4 == "00010000" && index($8, prefix) == 1 { print $7, $8 }' \
		/proc/net/unix | sort
}

# what_stays: all that a reboot leaves as it is.
what_stays() {
	echo "VMM: $(value "$VM" .vmm.pid), storage daemon: $(
		value "$VM" '.backends[] | select(.id == "blk") | .pid')"
	ip -o link show "vm-$VM-net0"
	listeners
	find "$WORK/run/$VM" -type s -printf '%i %P\n' | sort
	held_fds "$SUPERVISOR"
}

# restarts WANTED: of the share's backend, which leaves with its client where there is a new one for
# each life; the disk's daemon stays.
restarts() {
	holds "$VM: the share's backend was started again $1 times, the disk's never" "$VM" \
		"[.backends[] | .id + \" \\(.restarts)\"] | sort == [\"blk 0\", \"data $1\"]"
}

# memory: the supervisor's own, in KiB.
memory() {
	status_field "$SUPERVISOR" RssAnon | cut -d " " -f 1
}

# memory_stays BEFORE
memory_stays() {
	local grown=$(($(memory) - $1))
	echo "# $VM: the supervisor has $grown KiB more than in life $EARLY"
	if has_sanitizer; then
		skip "$VM: the supervisor's memory stays" "AddressSanitizer keeps what is freed"
	elif [ $grown -le $MEMORY_GROWTH_MAX_KIB ]; then
		pass "$VM: the supervisor's memory stays"
	else
		fail "$VM: the supervisor's memory stays" "it has $grown KiB more"
	fi
}

console_of_all_lives() {
	seq -f "tiny: life %g" $EARLY
	printf 'tiny: listening\nq\n'
	seq -f "tiny: life %g" $((EARLY + 1)) $LIVES
	printf 'tiny: listening\nq\n'
}

# QEMU tells of a reboot by two resets, and which belong together mvmd sees by what was written between them. A life of
# this guest is over in a tenth of a second: a supervisor that waits for its CPU for so long takes two for one.
is_prompt() {
	renice -n -20 -p "$SUPERVISOR" >/dev/null 2>&1
}

reboots() {
	local memory lines
	rebooting "$VM" "echo=$EARLY reboot=$REBOOTS echo poweroff"
	boot "$VM"
	is_prompt
	succeeds "$VM: stands still in life $EARLY" await stands_still $EARLY 1
	attach keys 5
	await_text "$WORK/keys.screen" "tiny: listening"
	what_stays >"$WORK/early"
	memory=$(memory)
	lines=$(wc -l <"$WORK/$VM.err")

	printf q >&5
	succeeds "$VM: reboots $REBOOTS times" await stands_still $LIVES 2
	what_stays >"$WORK/late"
	succeeds "$VM: VMM, tap, listeners and descriptors stay what they are" \
		diff "$WORK/early" "$WORK/late"
	memory_stays "$memory"
	restarts "$RESTARTS"
	holds "$VM: nothing is found" "$VM" '.findings == []'
	holds "$VM: the guest asked for each end" "$VM" '[.lives[] | select(.end != null)] |
		length > 0 and all(.end == "reboot" and .asked_by == "guest")'
	# The VMM has something to say of its own in each life, where the host's kernel lacks something.
	is "$VM: a reboot is one line, and a backend's restart none" \
		"$(tail -n +$((lines + 1)) "$WORK/$VM.err" | grep -vF "$VMM| " | sort | uniq -c |
			sed 's/^ *//')" \
		"$((LIVES - EARLY)) mvmd: $VM: the guest reboots"

	printf q >&5
	exec 5>&-
	ends "$VM: and powers off in the end" 0
	is "$VM: each life found the disk as the one before left it" \
		"$(tr -d '\r' <"$WORK/$VM.out")" "$(console_of_all_lives)"
	rm -f "$WORK"/keys.*
}

if command -v qemu-system-x86_64 >/dev/null; then
	VMM=qemu ACCEL=tcg RESTARTS=0
	case_of qemu reboots
else
	skip "reboots in QEMU" "qemu-system-x86_64 is not installed"
fi
if has_cloud_hypervisor; then
	VMM=cloud-hypervisor ACCEL=kvm RESTARTS=$REBOOTS
	case_of ch reboots
else
	skip "reboots in cloud-hypervisor" "$(no_cloud_hypervisor)"
fi
finish
