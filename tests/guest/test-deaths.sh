#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How a guest died: what status and the post-mortem say of it, in each VMM that is here; and how a start
# waits its turn after ends that are tried again.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

need jq
private_namespaces "$@"
make_host

PANIC="Kernel_panic_-_not_syncing:_"

# last NAME VM FILTER: the filter says true of the VM's last post-mortem.
last() {
	local record
	record=$("$MVMD" status --last --json "$2" 2>&1)
	if jq -e "$3" <<<"$record" >/dev/null 2>&1; then
		pass "$1"
	else
		fail "$1" "not so: $3" "$record"
	fi
}

LIMIT_2='{ "crash_limit": { "count": 2, "within": "1min" } }'

# dies_of ID END TEXT: a guest that says so and reboots, twice. Which life wrote what mvmd tells by when it reads it: one
# that is over in some milliseconds would have the words of the next, where mvmd has to wait for its CPU.
dies_of() {
	spec "$VM" "wait=1 print=${PANIC}$3 reboot" "$LIMIT_2"
	run "$VM"
	ends "$VM: a guest that dies twice is given up" $EXIT_CRASH_LIMIT
	has "$VM: what its console said is told under $1" "$WORK/$VM.err" "Kernel panic - not syncing: ${3//_/ } [$1]"
	last "$VM: the record has the last life" "$VM" \
		".exit_code == 80 and .cause.id == \"crash-limit\" and .cause.evidence.end == \"$2\"
			and .cause.evidence.count == \"2\" and .lives[-1].end == \"$2\""
	last "$VM: with the words of its console" "$VM" \
		".lives[-1].console_words == \"Kernel panic - not syncing: ${3//_/ }\"
			and (.console | contains(\"${3//_/ }\"))"
	is "$VM: it is told once" "$(grep -c "\[$1\]" "$WORK/$VM.err")" 1
	last "$VM: and the finding with its text" "$VM" \
		"any(.findings[]; .id == \"$1\" and .severity == \"error\" and .remedy != null
			and .evidence.text == \"Kernel panic - not syncing: ${3//_/ }\")"
}

no_root() { dies_of guest-no-root no-root "VFS:_Unable_to_mount_root_fs_on_unknown-block(0,0)"; }
no_init() { dies_of guest-no-init no-init "No_working_init_found."; }
no_memory() { dies_of guest-out-of-memory out-of-memory "System_is_deadlocked_on_memory"; }
panics() { dies_of guest-panic panic "Fatal_exception"; }

dies_in_silence() {
	spec "$VM" "silent reboot"
	run "$VM"
	ends "$VM: a guest that never says a word is given up" $EXIT_CRASH_LIMIT
	last "$VM: its lives never executed, as far as one can see" "$VM" \
		'.cause.id == "crash-limit" and .cause.evidence.end == "never-executed"
			and .cause.evidence.console_bytes == "0"
			and ([.lives[] | select(.end == "never-executed")] | length) >= 5 and .console == null'
	last "$VM: what nobody could see is no cause" "$VM" \
		'(.cause.why | test("no driver")) == (.vmm.kind == "cloud-hypervisor")'
	last "$VM: which kernel it was is on record" "$VM" \
		'.guest.kernel == "6.12.0-tiny" and .facts.guest.kernel == "6.12.0-tiny" and .facts.host.release != null'
	"$MVMD" status --last "$VM" >"$WORK/text"
	has "$VM: in words" "$WORK/text" "with exit code 80"
	has "$VM: with the cause" "$WORK/text" "cause crash-limit: the guest crashed 5 times within 10min"
	has "$VM: and what to try" "$WORK/text" "try: try another kernel"
	exits "$VM: status of the stopped VM" $EXIT_NOT_RUNNING "$MVMD" status "$VM"
	has "$VM: has it in two lines" "$WORK/out" "exit code 80: the guest crashed 5 times"
}

hangs_before_its_console() {
	spec "$VM" "silent hang console=ttyS0" '{ "timeouts": { "guest": "300ms" } }'
	boot "$VM"
	succeeds "$VM: a guest that hangs without a word is told" await_value "$VM" \
		'any(.findings[]; .id == "guest-silent" and .severity == "warning"
			and .evidence.timeout_usec == "300000" and (.remedy | contains("earlyprintk=ttyS0")))'
	holds "$VM: and runs on" "$VM" '.state == "running" and .lives[0].end == null'
	"$MVMD" stop --force "$VM"
	ends "$VM: until it is ended, which is no failure" 0
	exits "$VM: and leaves no record" $EXIT_NOT_RUNNING "$MVMD" status --last "$VM"
	has "$VM: which is said" "$WORK/err" "no post-mortem of $VM"
}

# Without "console=" nobody can tell a guest that hangs from one that has nothing to say.
says_nothing_as_told() {
	spec "$VM" "silent wait=1 poweroff" '{ "timeouts": { "guest": "100ms" } }'
	run "$VM"
	ends "$VM: a guest without a console is none that hangs" 0
	has_not "$VM: nothing is said of it" "$WORK/$VM.err" "warning:"
}

quotes_a_panic() {
	spec "$VM" "print=look:_${PANIC}x poweroff"
	run "$VM"
	ends "$VM: who writes of a panic has none" 0
	has_not "$VM: nothing is said of it" "$WORK/$VM.err" "[guest-panic]"
}

# fails VM TIMES: as many starts in a row that are tried again, none of them waiting.
fails() {
	for _ in $(seq "$2"); do
		"$MVMD" run --now "$1" >"$WORK/fails.out" 2>"$WORK/fails.err"
	done
}

BAD_BRIDGE='{ "interfaces": [ { "id": "net0", "bridge": "nowhere" } ], "timeouts": { "bridge": "100ms" } }'

# ended_just_now VM: the wait after its last failure is the whole one, however late the next start comes to it: a failure
# that is to come yet, as of a damaged record, counts as one of now.
ended_just_now() {
	local history=$WORK/state/$1/history.json
	jq '.ended_usec += 3600000000' "$history" >"$WORK/history"
	cp "$WORK/history" "$history"
}

waits_its_turn() {
	spec "$VM" "poweroff" "$BAD_BRIDGE"
	fails "$VM" 1
	ended_just_now "$VM"
	run "$VM"
	ends "$VM: fails again" $EXIT_UNAVAILABLE
	has "$VM: but waits before" "$WORK/$VM.err" \
		"1 in a row failed, the last one with exit code 69, bridge-missing"

	fails "$VM" 7
	ended_just_now "$VM"
	run "$VM"
	succeeds "$VM: state waiting" await_value "$VM" \
		'.state == "waiting" and .next_try_usec > 0 and .pid > 0 and .vmm == null and .findings == []'
	"$MVMD" status "$VM" >"$WORK/text"
	has "$VM: status tells for how long" "$WORK/text" "$VM: waiting, next try in "
	if command -v setpriv >/dev/null; then
		exits "$VM: who may not see it is not told that it is stopped" $EXIT_PERMISSION \
			setpriv --reuid=4242 --regid=4242 --clear-groups "$MVMD" status "$VM"
		has "$VM: but whom to ask" "$WORK/err" "sudo mvmd status $VM"
	fi
	"$MVMD" list >"$WORK/text"
	succeeds "$VM: list has the state" grep -Eq "^$VM +waiting +- .*exit code 69: " "$WORK/text"
	is "$VM: and as data" "$("$MVMD" list --json | jq -c --arg vm "$VM" \
		'.vms[] | select(.name == $vm) | [.state, .pid, .enabled, .has_spec, .exit_code]')" \
		"[\"waiting\",$SUPERVISOR,null,true,69]"
	exits "$VM: it does not start beside that" $EXIT_BUSY "$MVMD" run --now "$VM"
	if command -v strace >/dev/null; then
		env ASAN_OPTIONS=detect_leaks=0 strace -o /dev/null -e trace=kill -e inject=kill:error=EPERM \
			"$MVMD" -v stop "$VM" >"$WORK/out" 2>"$WORK/err"
		has "$VM: a stop that may not end the wait says so" "$WORK/err" "[stop-waiting]"
		has "$VM: with the pid" "$WORK/err" "seen: errno=EPERM, pid=$SUPERVISOR"
	fi
	exits "$VM: stop ends the wait" 0 "$MVMD" stop "$VM"
	ends "$VM: which is no failure" 0
	run "$VM"
	await_value "$VM" '.state == "waiting"'
	kill -TERM "$SUPERVISOR"
	ends "$VM: a signal ends it, too" 0

	spec "$VM" "poweroff"
	run "$VM" --now
	ends "$VM: --now does not wait" 0
	run "$VM"
	ends "$VM: nor does a start after a good end" 0
	has_not "$VM: it says nothing of a wait" "$WORK/$VM.err" "next try"
}

# A disk that is full lets a wait in the history that is over: here one that never was.
is_well_with_an_old_wait() {
	local history=$WORK/state/$VM/history.json

	spec "$VM" "print=up hang"
	boot "$VM"
	await_value "$VM" '.state == "running"'
	jq '.waits_until_usec = 9000000000000000000' "$history" >"$WORK/history"
	cp "$WORK/history" "$history"
	"$MVMD" status "$VM" >"$WORK/out" 2>"$WORK/err"
	has "$VM: who answers does not wait" "$WORK/out" "$VM: running since"
	"$MVMD" stop --force "$VM"
	ends "$VM: and is stopped as any" 0
}

misspelt() {
	run "$VM"
	ends "$VM: a start without a spec" 66
	succeeds "$VM: leaves no folder" test ! -e "$WORK/state/$VM"
}

# A start that fails before its guest begins has no post-mortem, and an older one is not about it.
start_fails() {
	spec "$VM" "panic"
	run "$VM"
	ends "$VM: a run fails" $EXIT_GUEST_CRASHED
	"$MVMD" status "$VM" >"$WORK/out" 2>/dev/null
	has_not "$VM: its record says all" "$WORK/out" "its last start ended"
	spec "$VM" "poweroff" "$BAD_BRIDGE"
	run "$VM" --now
	ends "$VM: then a start" $EXIT_UNAVAILABLE
	for last in "" --last; do
		# shellcheck disable=SC2086 # or nothing
		"$MVMD" status $last "$VM" >"$WORK/out" 2>/dev/null
		has "$VM: status $last tells of the start" "$WORK/out" \
			"its last start ended with exit code 69 [bridge-missing]; mvmd doctor $VM"
		has "$VM: and of the run" "$WORK/out" "its last run that failed ended"
	done
}

is_killed() {
	spec "$VM" "print=up hang"
	boot "$VM"
	kill -KILL "$SUPERVISOR"
	ended "$SUPERVISOR"
	run "$VM" --replace
	await_text "$WORK/$VM.err" "next try in"
	has "$VM: a supervisor that was killed counts as a failure" "$WORK/$VM.err" \
		"the last supervisor was killed"
	await_text "$WORK/$VM.err" "running after"
	"$MVMD" stop --force "$VM"
	ends "$VM: and the VM ends as any" 0
}

# Each run ends by one crash; the limit counts over the runs.
crashes_over_runs() {
	spec "$VM" "panic" '{ "crash_limit": { "count": 3, "within": "10min" } }'
	for _ in 1 2; do
		run "$VM" --now
		ends "$VM: a panic that pvpanic tells of ends the run" $EXIT_GUEST_CRASHED
	done
	run "$VM" --now
	ends "$VM: and the third one all" $EXIT_CRASH_LIMIT
	last "$VM: as the record says" "$VM" '.cause.id == "crash-limit" and .cause.evidence.count == "3"'
}

# A VMM that somebody kills is no guest that crashes.
its_vmm_is_killed() {
	spec "$VM" "print=up hang" '{ "crash_limit": { "count": 1, "within": "1min" } }'
	boot "$VM"
	kill -KILL "$("$MVMD" status --json "$VM" | jq .vmm.pid)"
	ends "$VM: a VMM that is killed counts" $EXIT_CRASH_LIMIT
	last "$VM: and the guest is not blamed for it" "$VM" \
		'(.cause.what | startswith("the VM crashed 1 times")) and (.cause.why | test("end of its VMM is a finding"))
			and any(.findings[]; .id == "vmm-killed") and .lives[-1].end == "vmm-exited"'
}

keeps_ten() {
	spec "$VM" "silent reboot" '{ "crash_limit": { "count": 1, "within": "1min" } }'
	for _ in $(seq 12); do
		"$MVMD" run "$VM" >"$WORK/ten.out" 2>&1
	done
	is "$VM: the last ten records are kept" \
		"$(find "$WORK/state/$VM/post-mortem" -type f -printf '%f\n' | sort -n | tr '\n' ' ')" \
		"3.json 4.json 5.json 6.json 7.json 8.json 9.json 10.json 11.json 12.json "
	is "$VM: for the administrator only" \
		"$(find "$WORK/state/$VM" -perm /077 | wc -l)" 0
	: >"$WORK/state/$VM/post-mortem/13.json"
	exits "$VM: a damaged record" $EXIT_SYSTEM "$MVMD" status --last "$VM"
	has "$VM: is named" "$WORK/err" "is damaged [post-mortem]"
	echo '{}' >"$WORK/state/$VM/post-mortem/13.json"
	exits "$VM: one that is JSON and no record" $EXIT_SYSTEM "$MVMD" status --last "$VM"
	has "$VM: is named, too" "$WORK/err" "is damaged [post-mortem]"
	"$MVMD" status "$VM" >"$WORK/out" 2>"$WORK/err"
	has "$VM: status names it as well" "$WORK/err" "is damaged [post-mortem]"
	has_not "$VM: and makes nothing up" "$WORK/out" "its last run that failed ended"
}

in_each() {
	case_of "$1-root" no_root
	case_of "$1-init" no_init
	case_of "$1-memory" no_memory
	case_of "$1-panic" panics
	case_of "$1-mute" dies_in_silence
	case_of "$1-hang" hangs_before_its_console
	case_of "$1-quiet" says_nothing_as_told
	case_of "$1-quote" quotes_a_panic
}

VMM=qemu ACCEL=tcg
if command -v qemu-system-x86_64 >/dev/null; then
	in_each qemu
	case_of runs crashes_over_runs
	case_of shot its_vmm_is_killed
	case_of turn waits_its_turn
	case_of killed is_killed
	case_of old-wait is_well_with_an_old_wait
	case_of no-start start_fails
	case_of misspelt misspelt
	case_of ten keeps_ten
else
	skip "in qemu" "qemu-system-x86_64 is not installed"
fi
VMM=cloud-hypervisor ACCEL=kvm
if ! has_cloud_hypervisor; then
	skip "in cloud-hypervisor" "$(no_cloud_hypervisor)"
elif ! kvm_runs_the_guest; then
	skip "in cloud-hypervisor" "this KVM does not run the tiny guest"
else
	in_each ch
fi
finish
