#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# mvmd doctor NAME: what keeps a VM from starting now is put in its way, one thing after the other, and each must be
# found, and nothing else.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

VMM=qemu
ACCEL=tcg
VM=web1
TAP=vm-web1-net0

need qemu-system-x86_64 jq flock
private_namespaces "$@"
make_host

# doctor [NAME]: its answer is in $WORK/out, its exit status in STATUS.
doctor() {
	"$MVMD" doctor --json "${1-$VM}" >"$WORK/out" 2>"$WORK/err"
	STATUS=$?
}

# findings: "LEVEL ID" of each line about the VM that is not ok.
findings() {
	jq -r '[.checks[] | select(.about == "vm" and .level != "ok") | "\(.level) \(.id)"] | sort | join(", ")' \
		"$WORK/out"
}

# shows NAME FINDINGS
shows() {
	doctor
	is "$1" "$(findings)" "$2"
}

# tells ID FILTER: of the check with that id the filter is true.
tells() {
	if jq -e --arg id "$1" "[.checks[] | select(.id == \$id and .about == \"vm\")][0] | $2" "$WORK/out" >/dev/null; then
		pass "- and tells it: $2"
	else
		fail "- and tells it: $2" "$(jq -c '.checks[] | select(.about == "vm")' "$WORK/out")"
	fi
}

# one_spec [JSON]
one_spec() {
	spec $VM "powerbutton poweroff" "${1-"{}"}"
}

nothing_in_the_way() {
	local before
	truncate -s 1M "$WORK/disk.raw"
	chmod 666 "$WORK/disk.raw"
	one_spec '{ "disks": [ { "id": "root", "path": "'"$WORK/disk.raw"'" } ] }'
	before=$(traces)
	shows "a VM that nothing keeps from starting has no finding" ""
	is "and is told so" "$(jq -r '[.checks[] | select(.about == "vm")][0].what' "$WORK/out")" \
		"$VM could be started now: qemu with TCG: the spec says so"
	is "the look leaves nothing behind" "$(traces)" "$before"
	exits "nor does it lock a disk" 0 flock -n "$WORK/disk.raw" true
	"$MVMD" doctor "$VM" >"$WORK/text" 2>&1
	has "in words" "$WORK/text" "ok      vm: $VM could be started now"
}

disks() {
	start holder flock --no-fork "$WORK/disk.raw" sleep 1000
	await lock_is_there
	shows "a disk that somebody has locked" "error disk-busy"
	tells disk-busy ".what | test(\"pid $STARTED \\\\(sleep\\\\)\")"
	is "whose exit status is" $STATUS $EXIT_UNAVAILABLE
	one_spec '{ "disks": [ { "id": "root", "path": "'"$WORK/disk.raw"'", "readonly": true } ] }'
	shows "an exclusive lock bars one that only reads, too" "error disk-busy"
	stop_holder
	start holder flock --no-fork --shared "$WORK/disk.raw" sleep 1000
	await lock_is_there
	shows "a shared one does not" ""
	one_spec '{ "disks": [ { "id": "root", "path": "'"$WORK/disk.raw"'" } ] }'
	shows "but bars one that writes" "error disk-busy"
	stop_holder
	chmod 600 "$WORK/disk.raw"
	shows "a disk that the VM's user may not open" "error path-denied"
	chmod 666 "$WORK/disk.raw"
	truncate -s 1000000 "$WORK/disk.raw"
	shows "a disk of an odd size" "warning disk-size-odd"
	rm "$WORK/disk.raw"
	shows "a disk that is not there" "error path-unusable"
	one_spec
}

# flock(1) becomes its command when it has the lock.
lock_is_there() {
	[ "$(cat "/proc/$STARTED/comm")" = sleep ]
}

stop_holder() {
	kill -KILL "$STARTED"
	ended "$STARTED"
}

taps() {
	ip tuntap add $TAP mode tap
	shows "a name of a tap that is taken" "error tap-name-taken"
	tells tap-name-taken '.why | test("persistent tap that nobody has open")'
	ip link set $TAP alias "mvmd:$VM/net0"
	shows "but not one that we left ourselves" ""
	is "which is left alone" "$(link '.[].ifname' | grep -c "^$TAP$")" 1
	ip link del $TAP
}

bridges() {
	ip link set br0 down
	shows "a bridge that is down" "warning bridge-down"
	ip link del br0
	shows "a bridge that is not there" "error bridge-missing"
	tells bridge-missing '.what | test("no bridge br0 yet")'
	ip link add br0 type veth peer name peer
	shows "a link of its name that is none" "error not-a-bridge"
	ip link del br0
	ip link add br0 up type bridge
	seq 0 510 | sed 's/.*/link add a& master br0 type veth peer name b&\nlink set b& master br0/' |
		ip -batch -
	shows "a bridge with one port left" ""
	ip link add last master br0 type veth peer name peer
	shows "a bridge that is full" "error bridge-full"
	ip link del br0
	ip link add br0 up type bridge
}

memory() {
	one_spec '{ "memory": "16TiB" }'
	shows "more memory than there is, of QEMU" "error memory-short"
	tells memory-short '.evidence.wanted_bytes == "17592186044416"'
	one_spec '{ "memory": { "size": "16TiB", "shared": true } }'
	shows "the same in a file" "warning memory-short"
	mkdir -p "$WORK/pools/hugepages-2048kB"
	mount --bind "$WORK/pools" /sys/kernel/mm/hugepages
	echo 40 >"$WORK/pools/hugepages-2048kB/nr_hugepages"
	echo 31 >"$WORK/pools/hugepages-2048kB/free_hugepages"
	one_spec '{ "memory": { "size": "64MiB", "hugepages": "2MiB" } }'
	shows "fewer huge pages than it wants" "error hugepages-missing"
	tells hugepages-missing '.remedy | test("^echo 41 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")'
	echo 32 >"$WORK/pools/hugepages-2048kB/free_hugepages"
	shows "as many as it wants" ""
	umount /sys/kernel/mm/hugepages
	one_spec
}

sockets() {
	if ! command -v virtiofsd >/dev/null; then
		skip "a socket that nobody serves any more" "virtiofsd is not installed"
		return
	fi
	one_spec '{ "shares": [ { "tag": "data", "socket": "'"$WORK/external.sock"'" } ] }'
	shows "a socket that is not there yet" "error socket-not-listening"
	tells socket-not-listening '.what | test("a start waits")'
	start served virtiofsd --socket-path "$WORK/external.sock" --shared-dir "$WORK/share" --sandbox none
	await is_socket
	chmod 666 "$WORK/external.sock"
	await shows_nothing
	is "one that somebody serves" "$(findings)" ""
	kill -KILL "$STARTED"
	ended "$STARTED"
	shows "one that nobody serves any more" "error socket-not-listening"
	tells socket-not-listening '.why | test("its program is not")'
	rm -f "$WORK"/external.sock*
	one_spec
}

is_socket() {
	[ -S "$WORK/external.sock" ]
}

shows_nothing() {
	doctor
	[ -z "$(findings)" ]
}

specs() {
	doctor nobody
	is "a VM without a spec" "$(findings)" "error no-spec"
	is "whose exit status is" $STATUS $EXIT_UNAVAILABLE
	echo '{ "cpus": "two" }' >"$WORK/spec/broken.json"
	doctor broken
	is "a spec that is wrong" "$(findings)" "error config-wrong, error config-wrong"
	tells config-wrong ".evidence.file == \"$WORK/spec/broken.json\""
	rm "$WORK/spec/broken.json"
	echo '{ "x": 1 }' >"$WORK/spec/host.conf"
	shows "a wrong host.conf is not the VM's" ""
	is "but keeps it from starting" $STATUS $EXIT_UNAVAILABLE
	rm "$WORK/spec/host.conf"
	one_spec '{ "boot": { "kernel": "'"$WORK/spec/$VM.json"'" } }'
	shows "a kernel that is none" "error not-a-kernel"
	one_spec '{ "boot": { "kernel": "/dev/null" } }'
	shows "or no file" "error path-wrong-type"
	one_spec
}

while_it_runs() {
	boot $VM
	doctor
	is "a VM that runs" "$(findings)" "note already-running"
	tells already-running ".evidence.state == \"running\" and .evidence.pid == \"$SUPERVISOR\""
	spec rival "poweroff" '{ "interfaces": [ { "id": "net0", "bridge": "br0", "mac": "'"$(value $VM '.interfaces[0].mac')"'" } ] }'
	doctor rival
	is "another one with its MAC address" "$(findings)" "error mac-conflict"
	ip link set br0 down
	spec other "powerbutton poweroff"
	start other "$MVMD" run other
	await_text "$WORK/other.err" "running after"
	doctor other
	is "what was found while it ran" "$(findings)" "note already-running, warning bridge-down"
	ip link set br0 up
	kill -KILL "$(value other .vmm.pid)"
	ended "$STARTED"
	doctor other
	is "how its last run failed is told when it is over" "$(findings)" "note vmm-killed"
	tells vmm-killed '.what | test("^its last run that failed ended 2")'
	kill -KILL "$SUPERVISOR"
	ended "$SUPERVISOR"
	doctor
	is "one whose supervisor was killed: what its VMM has is in nobody's way" \
		"$(findings)" "error vmm-outlived-supervisor"
	tells vmm-outlived-supervisor ".evidence.pid == \"$VMM_PID\""
	doctor rival
	is "is still in the other one's way" "$(findings)" "error mac-conflict"
	"$MVMD" stop --force $VM 2>/dev/null
	shows "and after its end in nobody's" ""
	doctor rival
	is "also not in the other one's" "$(findings)" ""
}

# What the host has is not told again of the VM.
known_issues() {
	local before=${MVMD_DATA_DIR-}
	export MVMD_DATA_DIR=$WORK/data
	mkdir "$WORK/data"
	echo '{ "issues": [ { "id": "X", "side": "host", "severity": "warn", "proof": "proven",
		"releases": "'"$(uname -r)"'", "symptom": "It breaks.", "why": "A flaw.",
		"remedy": "Take another.", "sources": "nobody" },
		{ "id": "Y", "side": "guest", "severity": "warn", "proof": "proven", "kernels": "6.12..6.13",
		"symptom": "It breaks.", "why": "A flaw.", "remedy": "Take another.", "sources": "nobody" } ] }' \
		>"$WORK/data/known-issues.json"
	doctor
	is "known issues are told once" \
		"$(jq -r '[.checks[] | select(.id // "" | test("^known-issue")) | .about] | join(" ")' "$WORK/out")" \
		"known-issues vm"
	sed -i 's/"side": "guest", "severity": "warn"/"side": "guest", "severity": "refuse", "releases": "6.12.0-tiny"/' \
		"$WORK/data/known-issues.json"
	shows "one that refuses the start is an error" "error known-issue-refused"
	one_spec '{ "allow_known_issues": ["Y"] }'
	shows "unless the spec allows it" "warning known-issue"
	one_spec
	export MVMD_DATA_DIR=$before
	rm -r "$WORK/data"
}

# After so many ends the next try is half a minute away.
while_it_waits() {
	spec late "poweroff" '{ "interfaces": [ { "id": "net0", "bridge": "nowhere" } ],
		"timeouts": { "bridge": "100ms" } }'
	for _ in 1 2 3 4 5 6 7 8; do
		"$MVMD" run --now late >"$WORK/late.out" 2>&1
	done
	doctor late
	is "a VM that fails to start again and again" "$(findings)" "error bridge-missing"
	start late "$MVMD" run late
	await_text "$WORK/late.err" "next try in"
	ip link add nowhere up type bridge
	doctor late
	is "a VM that waits for its next try" "$(findings)" "note already-running"
	tells already-running ".evidence.state == \"waiting\" and (.what | test(\"its next try is in\"))"
	ip link del nowhere
	"$MVMD" stop late 2>/dev/null
	ended "$STARTED"
}

# By hand it is slow; the unit starts it only where the spec says that it may be.
slow_in_a_unit() {
	spec slow poweroff '{ "accel": "auto" }'
	"$MVMD" check slow >"$WORK/text" 2>&1
	if grep -q "qemu with TCG" "$WORK/text"; then
		has "check tells what the unit wants" "$WORK/text" 'in a unit, wants "accel": "tcg" for that'
		spec slow poweroff '{ "accel": "tcg" }'
		"$MVMD" check slow >"$WORK/text" 2>&1
		has_not "and does not where it has that" "$WORK/text" "wants"
	else
		skip "check tells what the unit wants" "KVM is usable here"
	fi
	rm "$WORK/spec/slow.json"
}

nothing_in_the_way
slow_in_a_unit
disks
taps
bridges
memory
sockets
specs
known_issues
while_it_runs
while_it_waits
finish
