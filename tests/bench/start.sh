# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# B1: from main() to the first instruction of the VMM, with one tap and one disk. Once more without the list of
# known issues, which is to cost nothing: it is read while the VMM starts.

BARE_TAP=vm-bare
SHELL_TAP=vm-shell

mvmd_start() {
	stamped "$BENCH/mvmd" run one
}

listless_start() {
	MVMD_DATA_DIR=$WORK/nothing mvmd_start
}

# The stub ends with the connection, its tap with it.
bare_start() {
	stamped "$BENCH/baseline" "$MVMD_SPEC_DIR" "$MVMD_STATE_DIR" "$MVMD_RUNTIME_DIR" \
		"$WORK/kernel" "$WORK/disk.raw" "$STUB" $BRIDGE $BARE_TAP "$(uid_of one)"
	await moment_is_known vmm
}

bare_end() {
	await link_is_gone $BARE_TAP || broken "tap $BARE_TAP stays"
	rm -r "$MVMD_RUNTIME_DIR"
}

shell_start() {
	stamped "$HERE/baseline.sh" $SHELL_TAP $BRIDGE "$STUB"
}

moment_is_known() {
	[ -n "$(moment "$1")" ]
}

# calls_between_main_and_vmm TRACE: "N NAME" of each system call, the commonest first.
calls_between_main_and_vmm() {
	awk '/ write\(.*"main [0-9]/ { inside = 1; next }
	inside && match($2, /^[a-z0-9_]+\(/) { calls[substr($2, 1, RLENGTH - 1)]++ }
	inside && $2 ~ /^execve\(/ { exit }
	END { for (name in calls) print calls[name], name }' "$1" | sort -k1,1rn -k2
}

count_calls() { # NAME TRACE
	calls_between_main_and_vmm "$2" >"$BENCH/$1.calls"
	count "system calls of $1" "$(awk '{ n += $1 } END { print n + 0 }' "$BENCH/$1.calls")"
}

# A dump of links costs the more the more VMs there are.
trace_start() {
	if ! command -v strace >/dev/null; then
		count "link dumps" "not counted: strace is not installed"
		return
	fi
	with_stub strace -f -qq -o "$WORK/mvmd.trace" "$BENCH/mvmd" run one \
		>/dev/null 2>"$WORK/err" || broken "strace of mvmd ended with $?"
	: >"$STAMPS"
	strace -f -qq -o "$WORK/bare.trace" "$BENCH/baseline" "$MVMD_SPEC_DIR" \
		"$MVMD_STATE_DIR" "$MVMD_RUNTIME_DIR" "$WORK/kernel" "$WORK/disk.raw" "$STUB" \
		$BRIDGE $BARE_TAP "$(uid_of one)" 2>"$WORK/err" ||
		broken "strace of the baseline ended with $?"
	bare_end
	count_calls mvmd "$WORK/mvmd.trace"
	count_calls bare "$WORK/bare.trace"
	grep -q 'nlmsg_type=RTM_GETLINK' "$WORK/mvmd.trace" ||
		broken "strace shows no netlink requests"
	count "link dumps" "$(grep -c 'nlmsg_type=RTM_GETLINK.*NLM_F_DUMP' "$WORK/mvmd.trace")" 0
}

bench_start() {
	figure B1 usec "main() to the VMM's exec, one tap, one disk"
	write_spec one "$WORK/kernel" poweroff "$(disk_key '')"
	for ((i = 0; i < WARM_UP; i++)); do
		mvmd_start
	done
	for ((i = 0; i < RUNS; i++)); do
		mvmd_start
		sample mvmd "$(between main vmm)"
		listless_start
		sample "no list" "$(between main vmm)"
		bare_start
		sample bare "$(between main vmm)"
		bare_end
		shell_start
		sample shell "$(between main-realtime vmm-realtime)"
		ip link del $SHELL_TAP
	done
	goal ratio mvmd bare 2.0
	goal ratio mvmd shell 0.2
	goal ratio mvmd "no list" 1.05
	compare bare shell
	trace_start
}
