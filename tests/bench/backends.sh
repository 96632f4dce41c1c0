# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# B4: what a virtiofsd and a qemu-storage-daemon add to a start, up to the first answer of both, beside
# the slower one of them by itself. The stub asks them at vm.boot, when a VMM does.

share_key() {
	echo "\"shares\": [{ \"tag\": \"data\", \"source\": \"$WORK/share\" }]"
}

backed_keys() {
	echo "$(disk_key ', "backend": "storage-daemon"'), $(share_key)"
}

# The words that mvmd starts them with, from the running ones.
take_commands() {
	local supervisor pid name
	write_spec backed "$WORK/kernel" powerbutton "$(backed_keys)"
	start_vm backed
	supervisor=$STARTED
	await_vm backed
	for pid in $(cat "/proc/$supervisor/task/$supervisor/children"); do
		name=$(basename "$(tr '\0' '\n' <"/proc/$pid/cmdline" | head -n 1)")
		cat "/proc/$pid/cmdline" >"$WORK/words.$name"
	done
	"$MVMD" stop --force backed 2>/dev/null
	ended "$supervisor"
	write_spec backed "$WORK/kernel" poweroff "$(backed_keys)"
}

alone() { # NAME...: nanoseconds up to the answer of all that are named
	"$BENCH/backend-ready" "$(uid_of backed)" "$WORK" "${@/#/$WORK/words.}" 2>"$WORK/err" ||
		broken "no answer of $* by itself"
}

why_no_backends() {
	local program
	for program in qemu-storage-daemon virtiofsd; do
		command -v $program >/dev/null || {
			echo "$program is not installed"
			return
		}
	done
	virtiofsd --version 2>&1 | grep -q '^virtiofsd version ' &&
		echo "virtiofsd is QEMU's old one, which serves as root only"
}

bench_backends() {
	local reason without with share disk failed=0
	figure B4 usec "what virtiofsd and qemu-storage-daemon add up to their answers"
	reason=$(why_no_backends)
	if [ -n "$reason" ]; then
		skip_figure "$reason"
		return
	fi
	write_spec one "$WORK/kernel" poweroff "$(disk_key '')"
	take_commands
	stamped "$BENCH/mvmd" run one
	stamped "$BENCH/mvmd" run backed
	for ((i = 0; i < RUNS; i++)); do
		stamped "$BENCH/mvmd" run one
		without=$(between main served)
		stamped "$BENCH/mvmd" run backed
		with=$(between main served)
		failed=$((failed + $(moment failed-connects)))
		share=$(alone virtiofsd)
		disk=$(alone qemu-storage-daemon)
		sample "with both" "$with"
		sample "with none" "$without"
		sample added $((with - without))
		sample virtiofsd "$share"
		sample storage-daemon "$disk"
		sample slowest $((share > disk ? share : disk))
		sample together "$(alone virtiofsd qemu-storage-daemon)"
	done
	goal ratio added slowest 1.1
	# Where two cores are busy the two starts share them, whoever makes them.
	compare added together
	compare together slowest
	count "failed connects" $failed 0
}
