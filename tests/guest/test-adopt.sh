#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A supervisor that dies, or executes another program, and the next one, which takes over the VM that runs: in each VMM
# that is here.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"
. "$(dirname "$0")/run-cases.sh"

private_namespaces "$@"
need qemu-storage-daemon virtiofsd jq
make_host

# both_backends WORDS [JSON]: a VM with a share and with a disk of a storage daemon's, in which it counts its lives.
both_backends() {
	rm -f "$WORK/disk.raw"
	truncate -s 1M "$WORK/disk.raw"
	chmod 666 "$WORK/disk.raw"
	spec "$VM" "lives=disk $1" "$(share | jq --arg path "$WORK/disk.raw" --argjson more "${2:-"{}"}" \
		'. + { disks: [ { id: "blk", path: $path, backend: "storage-daemon" } ] } + $more')"
}

# adopt VM [OPTION]...: another supervisor, which finds the VM running.
adopt() {
	run "$@"
	await_text "$WORK/$1.err" "adopted the running VM" || fail "$1: is adopted" "$(cat "$WORK/$1.err")"
}

processes() {
	value "$VM" '[.vmm.pid, (.backends | sort_by(.id)[] | .pid)] | map(tostring) | join(" ")'
}

# Typed to the guest, which sends it back and, at a "q", goes on with its words.
type_text() {
	attach "$1" 5
	await_text "$WORK/$1.screen" "tiny: listening"
	echo "$2" >&5
	await_text "$WORK/$1.screen" "$2"
	exec 5>&-
	rm "$WORK/$1.keys"
}

# listeners PID: how many sockets it has that listen, its control socket and those of its backends.
listeners() {
	local link
	for link in /proc/"$1"/fd/*; do
		readlink "$link"
	done | sed -n 's/^socket:\[\(.*\)\]$/\1/p' |
		awk 'NR == FNR { if ($4 == "00010000") listens[$7]; next } $1 in listens { n++ } END { print n + 0 }' \
			/proc/net/unix -
}

lives_on() {
	local before since listening
	both_backends "echo=1 reboot=1 print=again powerbutton print=pressed poweroff"
	boot "$VM"
	await_text "$WORK/$VM.out" "tiny: listening"
	await_value "$VM" '.guest.lives == 1'
	before=$(processes) since=$(value "$VM" .since_realtime_usec) listening=$(listeners "$SUPERVISOR")
	kill_supervisor
	succeeds "$VM: the VMM lives without its supervisor" kill -0 "$VMM_PID"

	adopt "$VM"
	is "$VM: VMM and backends are the same" "$(processes)" "$before"
	is "$VM: and the next supervisor holds the backends' sockets as the first one did" \
		"$(listeners "$SUPERVISOR")" "$listening"
	has "$VM: it says so, with the VMM's pid" "$WORK/$VM.err" "pid $VMM_PID, life 1 of its guest"
	is "$VM: and no more than that" "$(grep -c "^mvmd: $VM: [a-z]" "$WORK/$VM.err")" 1
	holds "$VM: nothing is found, its life goes on" "$VM" '.findings == [] and .state == "running"
		and .guest.lives == 1 and .lives[0].end == null and .lives[0].console_bytes > 0'
	is "$VM: it has been running ever since" "$(value "$VM" .since_realtime_usec)" "$since"
	holds "$VM: its tap is on the bridge" "$VM" '.interfaces[0].attached'
	type_text early "typed after the adoption"
	has "$VM: who attaches sees what was there before" "$WORK/early.screen" "tiny: life 1"
	has "$VM: and the guest hears what one types" "$WORK/early.screen" "typed after"

	type_text first q
	succeeds "$VM: the guest reboots, and finds its backends" await_text "$WORK/$VM.out" "again"
	succeeds "$VM: which is its second life" await_value "$VM" '.guest.lives == 2'
	holds "$VM: the share's backend was started again where its client left it" "$VM" \
		"[.backends[] | .id + \" \\(.restarts)\"] | sort == [\"blk 0\", \"data $RESTARTS\"]"
	holds "$VM: and nothing is found still" "$VM" '.findings == []'

	kill_supervisor
	adopt "$VM"
	holds "$VM: the third supervisor knows both lives" "$VM" \
		'[.lives[] | [.number, .end]] == [[1, "reboot"], [2, null]] and .findings == []'
	await_text "$WORK/$VM.err" adopted
	succeeds "$VM: mvmd stop is heard" "$MVMD" stop "$VM"
	ends "$VM: and the guest powers off by itself" 0
	has "$VM: as its button was pressed" "$WORK/$VM.out" "pressed"
}

# A second VMM for the VM is not possible while the first one lives, whoever looks.
no_second() {
	spec "$VM" "powerbutton poweroff"
	boot "$VM"
	kill_supervisor
	adopt "$VM"
	exits "$VM: who comes late is refused" $EXIT_BUSY "$MVMD" run "$VM"
	has "$VM: and told who has it" "$WORK/err" "pid $SUPERVISOR"
	is "$VM: the VMM is the one that it was" "$(value "$VM" .vmm.pid)" "$VMM_PID"
	kill -TERM "$SUPERVISOR"
	ends "$VM: a signal stops it gracefully" 0
}

# The disk's lock is the VMM's, too: it is not free while nobody looks after it.
disk_stays_locked() {
	rm -f "$WORK/disk.raw"
	truncate -s 1M "$WORK/disk.raw"
	chmod 666 "$WORK/disk.raw"
	local disk="{ \"disks\": [ { \"id\": \"blk\", \"path\": \"$WORK/disk.raw\" } ] }"
	spec "$VM" "powerbutton poweroff" "$disk"
	spec other "poweroff" "$disk"
	boot "$VM"
	kill_supervisor
	exits "$VM: no other VM gets its disk" $EXIT_BUSY "$MVMD" run --now other
	has "$VM: and is told why" "$WORK/err" "[disk-busy]"
	adopt "$VM"
	exits "$VM: nor afterwards" $EXIT_BUSY "$MVMD" run --now other
	"$MVMD" stop "$VM"
	ends "$VM: with its end the lock is free" 0
	run other --now
	VM=other ends "$VM: for the other" 0
	rm "$WORK/spec/other.json"
}

# The guest powers off while it has no supervisor, or right after it got one.
off_meanwhile() {
	spec "$VM" "wait=1 poweroff"
	boot "$VM"
	kill_supervisor
	run "$VM"
	ends "$VM: its power-off is seen" 0
	has "$VM: and told" "$WORK/$VM.err" "the guest powered off"
}

stop_goes_on() {
	spec "$VM" "echo powerbutton print=pressed poweroff"
	boot "$VM"
	await_text "$WORK/$VM.out" "tiny: listening"
	kill -TERM "$SUPERVISOR"
	await_value "$VM" '.state == "stopping"'
	kill_supervisor
	adopt "$VM"
	succeeds "$VM: a stop that was begun goes on" await_value "$VM" '.state == "stopping"'
	type_text keys q
	ends "$VM: the guest is asked again, until it hears it" 0
	has "$VM: and does as it was asked" "$WORK/$VM.out" "pressed"
}

# A VMM that does not answer is not taken over, and not ended either.
does_not_answer() {
	spec "$VM" "powerbutton poweroff" '{ "timeouts": { "boot": "2s" } }'
	boot "$VM"
	kill_supervisor
	freeze "$VMM_PID"
	run "$VM"
	ends "$VM: what cannot be taken over" $EXIT_VMM
	has "$VM: is let alone, and why" "$WORK/$VM.err" "[adopt-failed]"
	has "$VM: with its pid" "$WORK/$VM.err" "goes on running without a supervisor: its VMM is pid $VMM_PID"
	has "$VM: and what to do" "$WORK/$VM.err" "mvmd stop --force $VM"
	succeeds "$VM: it lives" kill -0 "$VMM_PID"
	kill -CONT "$VMM_PID"
	run "$VM"
	await_text "$WORK/$VM.err" "adopted the running VM"
	is "$VM: the next try has the same VMM" "$(value "$VM" .vmm.pid)" "$VMM_PID"
	"$MVMD" stop "$VM"
	ends "$VM: which ends as any" 0
}

# With another spec, or none, it goes on as it was started.
spec_has_changed() {
	spec "$VM" "powerbutton poweroff" "$(share)"
	boot "$VM"
	kill_supervisor
	rm "$WORK/spec/$VM.json"
	adopt "$VM"
	holds "$VM: what it was started with counts" "$VM" '[.backends[].id] == ["data"] and .findings == []'
	"$MVMD" stop "$VM"
	ends "$VM: until its end" 0
}

tap_is_taken_away() {
	spec "$VM" "powerbutton poweroff"
	boot "$VM"
	kill_supervisor
	ip link set "vm-$VM-net0" nomaster
	adopt "$VM"
	succeeds "$VM: what has changed about its tap meanwhile is told" await_text "$WORK/$VM.err" "[tap-off-bridge]"
	"$MVMD" stop "$VM"
	ends "$VM: and is no reason to end" 0
}

# What is broken of a VM's remains is told, and the VM goes on with the rest.
remains_are_damaged() {
	spec "$VM" "powerbutton poweroff"
	boot "$VM"
	kill_supervisor
	jq '.lives = {}' "$WORK/run/$VM/state.json" >"$WORK/record"
	cat "$WORK/record" >"$WORK/run/$VM/state.json"
	[ "$VMM" != qemu ] || rm "$WORK/run/$VM/console.sock"
	adopt "$VM"
	has "$VM: lives that cannot be read are told" "$WORK/$VM.err" "[adopt-record]"
	holds "$VM: they are counted anew" "$VM" '.guest.lives == 1'
	if [ "$VMM" = qemu ]; then
		has "$VM: and a console that is lost" "$WORK/$VM.err" "[console-lost]"
		exits "$VM: which nobody can see then" $EXIT_NOT_RUNNING "$MVMD" console "$VM"
	fi
	"$MVMD" stop "$VM"
	ends "$VM: the rest is as ever" 0
}

# Not even without a record a second VMM is started beside the first one.
record_is_lost() {
	spec "$VM" "powerbutton poweroff" '{ "interfaces": [] }'
	boot "$VM"
	kill_supervisor
	mv "$WORK/run/$VM/state.json" "$WORK/record"
	exits "$VM: a start is refused" $EXIT_BUSY "$MVMD" run --now "$VM"
	has "$VM: and told how to find the VMM" "$WORK/err" "fuser -v $WORK/run/$VM/vmm.alive"
	exits "$VM: nor is it replaced" $EXIT_BUSY "$MVMD" run --replace --now "$VM"
	succeeds "$VM: the VMM lives" kill -0 "$VMM_PID"
	mv "$WORK/record" "$WORK/run/$VM/state.json"
	adopt "$VM"
	"$MVMD" stop "$VM"
	ends "$VM: with its record it is adopted" 0
}

# A QEMU of the test's own, which waits before its guest begins, as one whose supervisor died during the start.
no_guest_yet() {
	local qemu
	[ "$VMM" = qemu ] || return 0
	spec "$VM" "powerbutton poweroff"
	boot "$VM"
	kill_supervisor
	kill -KILL "$VMM_PID"
	await is_gone_or_zombie "$VMM_PID"
	start paused qemu-system-x86_64 -S -M none -display none \
		-qmp "unix:$WORK/run/$VM/qmp.sock,server=on,wait=off"
	qemu=$STARTED
	await listens "$WORK/run/$VM/qmp.sock"
	jq --argjson pid "$qemu" '.lives = null | .vmm.pid = $pid | .vmm.pidfd_inode = 0 | .vmm.start_ticks = $ticks' \
		--argjson ticks "$(sed 's/.*) //' "/proc/$qemu/stat" | cut -d " " -f 20)" \
		"$WORK/run/$VM/state.json" >"$WORK/record"
	cat "$WORK/record" >"$WORK/run/$VM/state.json"
	run "$VM"
	ends "$VM: a VMM without a guest is no VM" $EXIT_RESTART
	has "$VM: and why is told" "$WORK/$VM.err" "[adopt-no-guest]"
	succeeds "$VM: it is ended" is_gone_or_zombie "$qemu"
	ended "$qemu"
}

# lies_at_its_path FILE: in one step, as a package manager does it.
lies_at_its_path() {
	cp "$1" "$WORK/bin/new"
	chmod 755 "$WORK/bin/new"
	mv "$WORK/bin/new" "$WORK/bin/mvmd"
}

is_reloaded() {
	local before MVMD=$WORK/bin/client
	cp "$WORK/bin/mvmd" "$MVMD"
	both_backends "echo=1 reboot=1 print=again powerbutton print=pressed poweroff"
	MVMD=$WORK/bin/mvmd boot "$VM" --now
	await_text "$WORK/$VM.out" "tiny: listening"
	before=$(processes)
	succeeds "$VM: it executes itself anew" "$MVMD" unit reload "$VM"
	has "$VM: and says so" "$WORK/$VM.err" "reloaded: mvmd"
	is "$VM: VMM and backends are the same" "$(processes)" "$before"
	is "$VM: and so is the supervisor's pid" "$(value "$VM" .pid)" "$SUPERVISOR"
	holds "$VM: nothing is found, one life goes on" "$VM" '.findings == [] and .guest.lives == 1'

	lies_at_its_path "$MVMD"
	succeeds "$VM: a new program takes the place of the old one" "$MVMD" unit reload "$VM"
	is "$VM: which runs no more" "$(readlink "/proc/$SUPERVISOR/exe")" "$WORK/bin/mvmd"
	type_text early q
	succeeds "$VM: the guest reboots, and finds its backends" await_text "$WORK/$VM.out" "again"
	succeeds "$VM: which is its second life" await_value "$VM" '.guest.lives == 2'
	is "$VM: what was its child is reaped" "$(ps -o stat= --ppid "$SUPERVISOR" | grep -c Z)" 0

	printf 'no program\n' >"$WORK/broken"
	lies_at_its_path "$WORK/broken"
	exits "$VM: what cannot be executed" $EXIT_SYSTEM "$MVMD" unit reload "$VM"
	has "$VM: is told" "$WORK/err" "[reload-program]"
	printf '#!/bin/sh\necho 1\n' >"$WORK/broken"
	lies_at_its_path "$WORK/broken"
	exits "$VM: and what is too old" $EXIT_SYSTEM "$MVMD" unit reload "$VM"
	has "$VM: is told, too" "$WORK/err" "[reload-older]"
	holds "$VM: the VM runs on" "$VM" '.state == "running" and .guest.lives == 2'
	lies_at_its_path "$MVMD"

	succeeds "$VM: after that it can be again" "$MVMD" unit reload "$VM"
	kill -TERM "$SUPERVISOR"
	ends "$VM: and stops gracefully" 0
	has "$VM: as its button was pressed" "$WORK/$VM.out" "pressed"
	rm "$MVMD"
}

# The new program waits on its way, until the test lets it go on. With a pty it types to the guest meanwhile: that goes
# over the reload, and is nowhere else.
slow_program() {
	cat <<-PROGRAM
		#!/bin/bash
		[ "\$2" != record-version ] || exec "$WORK/bin/client" "\$@"
		console=\$(sed -n 's/.*\bconsole:\([0-9]*\).*/\1/p' <<<"\$MVMD_KEPT_FDS")
		[ -z "\$console" ] || printf q >&"\$console"
		touch "$WORK/on-the-way"
		until [ -e "$WORK/go-on" ]; do sleep 0.05; done
		exec "$WORK/bin/client" "\$@"
	PROGRAM
}

# The guest's own count of its lives, in the first sector of its disk.
second_life_began() {
	[ "$(od -An -j 8 -N 1 -t u1 "$WORK/disk.raw" | tr -d ' ')" = 2 ]
}

# QEMU's console is there for whoever comes.
reboots_by_itself() {
	[ "$VMM" != qemu ] || "$BUILD/tests/guest/connect-exec" "$WORK/run/$VM/console.sock" bash -c 'printf q >&3'
	await second_life_began
}

reboots_meanwhile() {
	local MVMD=$WORK/bin/client reload
	cp "$WORK/bin/mvmd" "$MVMD"
	rm -f "$WORK/on-the-way" "$WORK/go-on"
	rm -f "$WORK/disk.raw"
	truncate -s 1M "$WORK/disk.raw"
	chmod 666 "$WORK/disk.raw"
	spec "$VM" "lives=disk echo=1 reboot=1 powerbutton poweroff" \
		"{ \"disks\": [ { \"id\": \"blk\", \"path\": \"$WORK/disk.raw\" } ] }"
	MVMD=$WORK/bin/mvmd boot "$VM" --now
	await_text "$WORK/$VM.out" "tiny: listening"
	slow_program >"$WORK/slow"
	lies_at_its_path "$WORK/slow"
	start reload "$MVMD" unit reload "$VM"
	reload=$STARTED
	await [ -e "$WORK/on-the-way" ]
	succeeds "$VM: the guest reboots while nobody looks after it" reboots_by_itself
	touch "$WORK/go-on"
	ended "$reload"
	is "$VM: it is reloaded" "$STATUS" 0
	succeeds "$VM: and knows of the second life" await_value "$VM" '.guest.lives == 2'
	holds "$VM: which was a reboot as any" "$VM" '.findings == [] and .lives[0].end == "reboot"'
	lies_at_its_path "$MVMD"
	succeeds "$VM: after that it can be reloaded again" "$MVMD" unit reload "$VM"
	holds "$VM: and counts no more than there were" "$VM" '.guest.lives == 2'
	"$MVMD" stop "$VM"
	ends "$VM: and the guest hears its button" 0
	rm "$MVMD"
}

cannot_be_reloaded_now() {
	spec "$VM" "echo powerbutton poweroff"
	boot "$VM"
	await_text "$WORK/$VM.out" "tiny: listening"
	kill -TERM "$SUPERVISOR"
	await_value "$VM" '.state == "stopping"'
	exits "$VM: who stops is not reloaded" $EXIT_SYSTEM "$MVMD" unit reload "$VM"
	has "$VM: and why is told" "$WORK/err" "[reload-refused]"
	type_text keys q
	ends "$VM: the stop goes on" 0
}

# NAME_OF_VMM
all_cases() {
	local case
	for case in lives_on no_second disk_stays_locked off_meanwhile stop_goes_on does_not_answer \
		spec_has_changed tap_is_taken_away remains_are_damaged record_is_lost no_guest_yet is_reloaded reboots_meanwhile \
		cannot_be_reloaded_now; do
		case_of "$1-${case//_/-}" "$case"
	done
}

if command -v qemu-system-x86_64 >/dev/null; then
	VMM=qemu ACCEL=tcg RESTARTS=0
	all_cases q
else
	skip "adoption of QEMU" "qemu-system-x86_64 is not installed"
fi
if has_cloud_hypervisor && kvm_runs_the_guest; then
	VMM=cloud-hypervisor ACCEL=kvm RESTARTS=1
	all_cases c
else
	skip "adoption of cloud-hypervisor" "$(no_cloud_hypervisor)"
fi
finish
