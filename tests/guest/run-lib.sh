# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# shellcheck disable=SC2034
#
# What the tests of `mvmd run` share: a host of their own with bridge br0, specs, VMs started and
# looked at, and the proof that nothing is left of them. Sourced behind ../lib.sh; VMM and ACCEL say
# which VMM the specs ask for.

TINY=$BUILD/tests/guest/tiny.elf
FIRST_UID=400000 # src/host/uids.h

# include/mvmd/exit-codes.h
EXIT_NOT_RUNNING=3
EXIT_USAGE=64
EXIT_NO_SPEC=66
EXIT_UNAVAILABLE=69
EXIT_SYSTEM=71
EXIT_BUSY=75
EXIT_PERMISSION=77
EXIT_SPEC=78
EXIT_CRASH_LIMIT=80
EXIT_BACKEND=81
EXIT_VMM=82
EXIT_RESTART=83
EXIT_GUEST_CRASHED=84

# make_host: a bridge, /dev/kvm for all, folders; copies of program and guest where every user may
# read them.
make_host() {
	[ -e "$TINY" ] || skip_all "the tiny guest is for x86-64"
	ip link add br0 type bridge
	ip link set br0 up
	open_kvm
	mkdir "$WORK"/{bin,spec,state,share}
	chmod 777 "$WORK/share"
	cp "$MVMD" "$WORK/bin/mvmd"
	cp "$TINY" "$WORK/kernel"
	chmod 755 "$WORK/bin/mvmd" "$WORK/kernel"
	MVMD=$WORK/bin/mvmd
	export MVMD_SPEC_DIR=$WORK/spec MVMD_RUNTIME_DIR=$WORK/run MVMD_STATE_DIR=$WORK/state
}

# The guest's console proves that this KVM runs it.
kvm_runs_the_guest() {
	timeout 60 cloud-hypervisor --kernel "$WORK/kernel" --memory size=64M --cpus boot=1 \
		--serial tty --console off --cmdline poweroff </dev/null 2>/dev/null |
		grep -q "tiny: life 1"
}
has_sanitizer() {
	grep -q __asan_init "$MVMD"
}

# spec NAME WORDS [JSON]: a VM on br0 that obeys the words; the JSON is merged into its spec.
spec() {
	jq -n --arg vmm "$VMM" --arg accel "$ACCEL" --arg kernel "$WORK/kernel" --arg words "$2" \
		--argjson more "${3:-"{}"}" '{
			vmm: $vmm, accel: $accel, memory: "64MiB",
			boot: { kernel: $kernel, cmdline: $words },
			interfaces: [ { id: "net0", bridge: "br0" } ]
		} + $more' >"$WORK/spec/$1.json"
}

SHARE='{ "shares": [ { "tag": "data", "source": "%s" } ] }'
share() {
	# shellcheck disable=SC2059
	printf "$SHARE" "$WORK/share"
}

# run NAME [OPTION]...: starts the VM; its supervisor's pid is SUPERVISOR, its console in
# $WORK/NAME.out, mvmd's own lines in $WORK/NAME.err.
run() {
	: >"$WORK/$1.err" # the lines of an earlier run are not to be taken for this one's
	start "$1" "$MVMD" run "$@"
	SUPERVISOR=$STARTED
}

# threads_stand_still PID
threads_stand_still() {
	! grep -hvq ') T ' /proc/"$1"/task/*/stat
}

# freeze PID: stops it, and waits until all its threads are: one on another CPU goes on for a moment.
freeze() {
	kill -STOP "$1"
	await threads_stand_still "$1"
}

kill_supervisor() {
	kill -KILL "$SUPERVISOR"
	ended "$SUPERVISOR"
} 2>/dev/null

# next_supervisor NAME: the VM's is killed, and another takes the VM over.
next_supervisor() {
	kill_supervisor
	run "$1"
	await_text "$WORK/$1.err" "adopted the running VM"
}

# boot NAME [OPTION]...: the same, and waits until it runs.
boot() {
	run "$@"
	await_text "$WORK/$1.err" "running after" ||
		fail "$1 runs" "$(cat "$WORK/$1.err")"
	VMM_PID=$(value "$1" .vmm.pid)
}

# ends NAME STATUS: the supervisor leaves with that status.
ends() {
	ended "$SUPERVISOR"
	if [ "$STATUS" = "$2" ]; then
		pass "$1"
	else
		fail "$1" "mvmd run ended with $STATUS, wanted $2" "$(tail -n 20 "$WORK/${VM:-$1}.err")"
	fi
}

# value NAME FILTER: of status --json.
value() {
	"$MVMD" status --json "$1" 2>/dev/null | jq -r "$2"
}

# await_value NAME FILTER: waits until the filter says true.
await_value() {
	await value_holds "$@"
}

# jq is content where there is nothing to look at.
value_holds() {
	local status
	status=$("$MVMD" status --json "$1") && jq -e "$2" <<<"$status"
}

# holds NAME VM FILTER: the filter says true of the VM's status now.
holds() {
	local status
	status=$("$MVMD" status --json "$2" 2>&1)
	if jq -e "$3" <<<"$status" >/dev/null 2>&1; then
		pass "$1"
	else
		fail "$1" "not so: $3" "$status"
	fi
}

# link FILTER: of all links.
link() {
	ip -j -d link | jq -r "$1"
}

# link_holds NAME FILTER: the filter says true of the list of links.
link_holds() {
	if ip -j -d link | jq -e "$2" >/dev/null; then
		pass "$1"
	else
		fail "$1" "not so: $2" "$(ip -d link)"
	fi
}

# traces: all that a VM can leave behind: links, processes, files in the runtime folder.
traces() {
	ip -j link | jq -r '.[] | "link \(.ifname) on \(.master)"'
	ps -eo pid=,comm= | grep -E '[0-9] (mvmd|cloud-hyperviso|qemu-system|qemu-storage|virtiofsd)' |
		sed 's/^/process /'
	[ ! -e "$WORK/run" ] || find "$WORK/run" -printf 'file %P\n' | sort
}

as_before() {
	[ "$(traces)" = "$before" ]
}

# case_of VM FUNCTION: one case, which runs the VM of that name; afterwards all is as before. Its
# results bear the VM's name.
case_of() {
	local before
	VM=$1
	before=$(traces)
	"$2"
	if await as_before; then
		pass "$VM: nothing is left"
	else
		fail "$VM: nothing is left" "$(diff <(echo "$before") <(traces))"
	fi
	: >"$WORK/$VM.out"
}

# held_fds PID...: what the processes have open, as kinds; sockets and pipes without their numbers.
held_fds() {
	local pid
	for pid in "$@"; do
		find "/proc/$pid/fd" -mindepth 1 -printf '%l\n' 2>/dev/null
	done | sed -E 's/:\[[0-9]+\]//' | sort | uniq -c | sed 's/^ *//'
}

# status_field PID FIELD: of /proc/PID/status, blanks as one space.
status_field() {
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | tr -s '[:blank:]' ' '
}

# cpu_ticks PID: user and system time, all threads.
cpu_ticks() {
	local stat fields
	stat=$(cat "/proc/$1/stat")
	read -ra fields <<<"${stat##*) }"
	echo $((fields[11] + fields[12]))
}

# await_ticks PID COUNT: until the process has used that much more CPU time.
await_ticks() {
	local target=$(($(cpu_ticks "$1") + $2))
	await eval "[ \$(cpu_ticks $1) -ge $target ]"
}

# listens SOCKET: not only bound, which is what its file tells (net/unix/af_unix.c: the flag
# __SO_ACCEPTCON).
listens() {
	grep -q " 00010000 0001 [0-9]* *[0-9]* $1\$" /proc/net/unix
}

# serve_share NAME SOCKET: a virtiofsd of somebody else's. Its socket has its final name only once
# every user may connect to it.
serve_share() {
	start "$1" virtiofsd --socket-path="$2.new" --shared-dir="$WORK/share" --sandbox=none \
		--log-level=error
	VIRTIOFSD=$STARTED
	await listens "$2.new"
	chmod 666 "$2.new"
	mv "$2.new" "$2"
}
