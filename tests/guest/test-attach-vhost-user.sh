#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# "attach": "vhost-user": a switch in user space that somebody else runs, here a passt that mvmd knows nothing of. It
# listens and is awaited, or comes to the VMM, which waits for it; and what of either is wrong.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
need qemu-system-x86_64 jq ip

VMM=qemu ACCEL=tcg
. "$TOP/tests/guest/run-lib.sh"
. "$TOP/tests/guest/faults-lib.sh"
. "$TOP/tests/guest/passt-lib.sh"
make_host
need_passt

# vm NAME WORDS [DETAILS] [JSON]
vm() {
	local details=${3:-"{}"} more=${4:-"{}"}
	spec "$1" "$2" "$(jq -nc --arg socket "$WORK/sockets/$1.sock" --argjson details "$details" --argjson more "$more" '{
		disks: [ { id: "lives", path: "'"$WORK/$1.img"'" } ],
		interfaces: [ { id: "net0", attach: "vhost-user", vhost_user: ({ socket: $socket } + $details) } ] } + $more')"
	truncate -s 1M "$WORK/$1.img"
	chmod 666 "$WORK/$1.img"
}

# switch NAME: listens for one VMM after the other, as a user that may meet the VM's.
switch() {
	local uid
	uid=$("$MVMD" plan --json "$1" | jq .uid)
	start "switch-$1" setpriv --reuid="$uid" --regid="$uid" --clear-groups \
		"$PASST" --vhost-user --socket "$WORK/sockets/$1.sock" --foreground --no-map-gw --repair-path none
	SWITCH=$STARTED
}

client() {
	vm "$VM" "lives=disk reboot=2 powerbutton poweroff"
	run "$VM"
	await_text "$WORK/$VM.err" "waiting up to"
	switch "$VM"
	await_text "$WORK/$VM.out" "tiny: life 3"
	holds "$VM: status names the way and no tap" "$VM" \
		'.interfaces[0] | .attach == "vhost-user" and has("tap") and .tap == null and .bridge == null'
	holds "$VM: and the backend is somebody else's" "$VM" \
		'.backends[0] | .kind == "external" and .pid == null'
	no_findings "$VM: two reboots are no finding" "$VM"
	exits "$VM: it stops as ever" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
	stop_switch
}

stop_switch() {
	kill "$SWITCH"
	ended "$SWITCH"
} 2>/dev/null

# comes NAME: the switch that comes to the VMM, once.
comes() {
	local uid
	uid=$("$MVMD" plan --json "$1" | jq .uid)
	await listens "$WORK/sockets/$1.sock"
	start "switch-$1" setpriv --reuid="$uid" --regid="$uid" --clear-groups \
		"$CONNECT" "$WORK/sockets/$1.sock" \
		"$PASST" --vhost-user --fd 3 --foreground --no-map-gw
	SWITCH=$STARTED
}

server() {
	vm "$VM" "powerbutton poweroff" '{ "mode": "server" }'
	run "$VM"
	comes "$VM"
	await_text "$WORK/$VM.err" "running after"
	no_findings "$VM: nothing is wrong with a switch that comes" "$VM"
	exits "$VM: it stops as ever" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
	ended "$SWITCH"
	await eval "[ ! -e $WORK/sockets/$VM.sock ]"
	pass "$VM: its socket is gone"
}

# cloud-hypervisor makes its devices anew at a reboot, and waits for the switch again.
comes_again() {
	vm "$VM" "lives=disk reboot=1 powerbutton poweroff" '{ "mode": "server" }'
	run "$VM"
	comes "$VM"
	if [ $VMM = cloud-hypervisor ]; then
		ended "$SWITCH"
		comes "$VM"
	fi
	await_text "$WORK/$VM.out" "tiny: life 2"
	exits "$VM: it stops as ever" 0 "$MVMD" stop "$VM"
	ends "$VM: a reboot is survived" 0
}

# What is left by a VMM that was killed is no reason not to start.
nobody_comes() {
	vm "$VM" poweroff '{ "mode": "server" }' '{ "timeouts": { "boot": "2s" } }'
	run "$VM"
	ends "$VM: a switch that does not come ends the start" $EXIT_VMM
	has "$VM: and it says what the VMM waited for" "$WORK/$VM.err" "nobody has connected there"
	exits "$VM: its socket is gone" 1 test -e "$WORK/sockets/$VM.sock"
}

kill_all() {
	kill -KILL "$SUPERVISOR" "$VMM_PID"
	ended "$SUPERVISOR"
} 2>/dev/null

stale() {
	vm "$VM" "powerbutton poweroff" '{ "mode": "server" }'
	run "$VM"
	comes "$VM"
	await_text "$WORK/$VM.err" "running after"
	VMM_PID=$(value "$VM" .vmm.pid)
	kill_all
	ended "$SWITCH"
	vm "$VM" "poweroff" '{ "mode": "server" }'
	run "$VM"
	comes "$VM"
	ends "$VM: the socket of a VMM that was killed is in nobody's way" 0
	ended "$SWITCH"
}

taken() {
	vm "$VM" poweroff '{ "mode": "server" }'
	switch "$VM"
	await listens "$WORK/sockets/$VM.sock"
	provokes "$VM: the switch listens itself" vhost-user-socket-taken $EXIT_BUSY \
		"socket=$WORK/sockets/$VM.sock, seen=somebody listens on it" "\"mode\": \"client\"" run "$VM"
	stop_switch
	rm -f "$WORK/sockets/$VM.sock"
	mkdir "$WORK/closed"
	vm "$VM" poweroff "$(jq -nc --arg socket "$WORK/closed/x.sock" '{ mode: "server", socket: $socket }')"
	provokes "$VM: a directory that is root's alone" vhost-user-directory $EXIT_PERMISSION \
		"socket=$WORK/closed/x.sock" "setfacl -m u:" run "$VM"
}

with_both() {
	VMM=qemu ACCEL=tcg
	case_of "$1q" "$2"
	VMM=cloud-hypervisor ACCEL=kvm
	if [ -e /dev/kvm ] && type -P cloud-hypervisor >/dev/null && kvm_runs_the_guest; then
		case_of "$1c" "$2"
	else
		skip "$1c" "cloud-hypervisor does not run here"
	fi
}

mkdir -p "$WORK/sockets"
chmod 777 "$WORK/sockets"
cp "$BUILD/tests/guest/connect-exec" "$WORK/bin/"
CONNECT=$WORK/bin/connect-exec
with_both a client
with_both b server
with_both c comes_again
with_both d nobody_comes
with_both e stale
VMM=qemu ACCEL=tcg
case_of fq taken
finish
