# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# B7: 20 VMs are stopped at once: how long until the last tap is gone, beside one request that deletes as many.

STOP_VMS=20
STOP_GROUP=77

stop_supervisors() {
	local pids=() i
	for ((i = 1; i <= STOP_VMS; i++)); do
		start_vm "many$i"
		pids+=("$STARTED")
	done
	for ((i = 1; i <= STOP_VMS; i++)); do
		await_vm "many$i"
	done
	sample mvmd "$("$BENCH/taps-gone" $STOP_VMS vm-many signal "${pids[@]}" 2>"$WORK/err")"
	for i in "${pids[@]}"; do
		ended "$i"
	done
	started=()
}

stop_group() {
	local i
	for ((i = 1; i <= STOP_VMS; i++)); do
		echo "tuntap add vm-group$i mode tap"
		echo "link set vm-group$i master $BRIDGE up group $STOP_GROUP"
	done | ip -batch - || broken "cannot make $STOP_VMS taps"
	sample group "$("$BENCH/taps-gone" $STOP_VMS vm-group group $STOP_GROUP 2>"$WORK/err")"
}

bench_stop() {
	local i
	figure B7 usec "$STOP_VMS VMs stopped at once, until no tap is left"
	for ((i = 1; i <= STOP_VMS; i++)); do
		write_spec "many$i" "$WORK/kernel" powerbutton
	done
	for ((i = 0; i < RUNS; i++)); do
		stop_supervisors
		stop_group
	done
	goal ratio mvmd group 2.0
}
