# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# B5: the private dirty memory of a supervisor that waits for its VM, beside conmon that waits for its container.

private_dirty() { # PID: KiB
	awk '$1 == "Private_Dirty:" { print $2 }' "/proc/$1/smaps_rollup"
}

sample_mvmd() {
	start_vm hold
	await_vm hold
	sample mvmd "$(private_dirty "$STARTED")"
	"$MVMD" stop --force hold 2>/dev/null
	ended "$STARTED"
}

# conmon wants a runtime that makes a container and writes down its pid.
make_runtime() {
	mkdir -p "$WORK/container"
	cat >"$WORK/runtime" <<-'END'
		#!/bin/sh
		while [ $# -gt 0 ]; do
			[ "$1" != --pid-file ] || file=$2
			shift
		done
		sleep infinity >/dev/null 2>&1 </dev/null &
		echo $! >"$file"
	END
	chmod +x "$WORK/runtime"
}

sample_conmon() {
	local conmon container
	rm -f "$WORK"/{conmon,container}.pid
	conmon --cid bench --cuuid bench --name bench --runtime "$WORK/runtime" \
		--bundle "$WORK/container" --container-pidfile "$WORK/container.pid" \
		--conmon-pidfile "$WORK/conmon.pid" --socket-dir-path "$WORK/container" \
		--log-path "k8s-file:$WORK/container/log" >/dev/null 2>"$WORK/err" </dev/null ||
		broken "conmon ended with $?"
	await test -s "$WORK/container.pid" -a -s "$WORK/conmon.pid" ||
		broken "conmon starts no container"
	conmon=$(cat "$WORK/conmon.pid") container=$(cat "$WORK/container.pid")
	sample conmon "$(private_dirty "$conmon")"
	kill "$container"
	await is_gone_or_zombie "$conmon" || kill "$conmon"
}

bench_memory() {
	figure B5 KiB "private dirty memory of a supervisor at rest"
	if ! command -v conmon >/dev/null; then
		skip_figure "conmon is not installed"
		return
	fi
	write_spec hold "$WORK/kernel" powerbutton "$(disk_key '')"
	make_runtime
	sync "$MVMD" # the pages of a program that was just linked count as dirty until they are written
	for ((i = 0; i < RUNS; i++)); do
		sample_mvmd
		sample_conmon
	done
	goal ratio mvmd conmon 1.5
}
