#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Faults that come between two system calls, or by one that hardly ever fails: strace makes it fail, or stops mvmd
# there; and what must not go wrong when mvmd itself is killed, or the clock is set.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
need qemu-system-x86_64 jq ip strace

VMM=qemu ACCEL=tcg
. "$TOP/tests/guest/run-lib.sh"
. "$TOP/tests/guest/faults-lib.sh"
make_host

vm() {
	spec "$1" poweroff "${2-"{}"}"
}

vm good
starts "a good VM starts without a finding" good

number=$(call_number good socket NETLINK_ROUTE 1)
UNDER=$(at socket "$number" error=EMFILE) provokes "the look at the host has no descriptor" probe \
	$EXIT_SYSTEM "looked_at=bridges, errno=EMFILE" "ulimit -n" run --now good
number=$(call_number good socket NETLINK_ROUTE 2)
UNDER=$(at socket "$number" error=EMFILE) provokes "the tap's step has no descriptor" netlink \
	$EXIT_SYSTEM "errno=EMFILE" "ulimit -n" run --now good

vm late '{ "interfaces": [ { "id": "net0", "bridge": "late0" } ], "timeouts": { "bridge": "1s" } }'
"$MVMD" run late >"$WORK/out" 2>&1
number=$(call_number late socket NETLINK_ROUTE 3)
UNDER=$(at socket "$number" error=EMFILE) provokes "no descriptor to hear of links" bridge-wait \
	$EXIT_SYSTEM "bridge=late0, errno=EMFILE" "ulimit -n" run --now late
# The probe asks for the bridge and for all bridges; the third question is that of the wait.
number=$(call_number late sendto RTM_GETLINK 3)
UNDER=$(at sendto "$number" error=ENOBUFS) provokes "the kernel does not answer" bridge-look \
	$EXIT_SYSTEM "bridge=late0" "ip link show late0" run --now late

number=$(call_number good ioctl TUNSETIFF 1)
UNDER=$(at ioctl "$number" error=EINVAL) provokes "the driver knows no flag" tap-create \
	$EXIT_SYSTEM "tap=vm-good-net0, errno=EINVAL" "ip -d link show vm-good-net0" run --now good

vm external "{ \"shares\": [ { \"tag\": \"data\", \"socket\": \"$WORK/external.sock\" } ],
	\"timeouts\": { \"backend\": \"1s\", \"boot\": \"1s\" } }"
start listener qemu-system-x86_64 -M none -display none -nodefaults \
	-chardev "socket,id=c,path=$WORK/external.sock,server=on,wait=off"
await [ -S "$WORK/external.sock" ]
chmod 666 "$WORK/external.sock"
"$MVMD" run external >"$WORK/out" 2>&1
number=$(call_number external sendto SOCK_DIAG 1)
UNDER=$(at sendto "$number" error=ENOENT) provokes "a kernel without unix_diag" \
	unix-diag-missing $EXIT_UNAVAILABLE "" "modprobe unix_diag" run --now external

# --- the bridge goes away between the look at it and the tap that joins it

# stops_at VM SYSCALL NUMBER: mvmd is stopped behind that call, its pid in STOPPED.
stops_at() {
	: >"$WORK/stop.trace"
	start "$1" $TRACED -o "$WORK/stop.trace" -e trace="$2" -e inject="$2:signal=STOP:when=$3" \
		"$MVMD" -v run "$1"
	await_text "$WORK/stop.trace" "stopped by SIGSTOP"
	STOPPED=$(ps -o pid= --ppid "$STARTED" | tr -d ' ')
}
# names NAME ID VM EVIDENCE REMEDY: the lines of a run that has ended.
names() {
	local lines missing
	lines=$(fault_lines "$2" "$WORK/$3.err")
	missing=$(lacks "$lines" "$4" "$5")
	if [ -n "$lines" ] && [ -z "$missing" ]; then
		pass "$2: $1"
	else
		fail "$2: $1" "$missing" "$(cat "$WORK/$3.err")"
	fi
}

ip link add late0 type bridge
ip link set late0 up
number=$(call_number late ioctl TUNSETIFF 1)
stops_at late ioctl "$number"
ip link del late0
kill -CONT "$STOPPED"
ended "$STARTED"
is "a start whose bridge vanishes ends" "$STATUS" $EXIT_UNAVAILABLE
names "during the start" bridge-lost late "tap=vm-late-net0, bridge=late0" "start the VM again"

# Behind the message that puts the tap on its bridge comes the look at what became of it. The call is made, then
# comes the signal.
number=$(call_number good sendto RTM_NEWLINK 1)
stops_at good sendto "$number"
ip link del vm-good-net0
kill -CONT "$STOPPED"
ended "$STARTED"
names "during the start" tap-lost good "tap=vm-good-net0, bridge=br0" "start the VM again"
stops_at good sendto "$number"
ip link set vm-good-net0 mtu 1200
kill -CONT "$STOPPED"
ended "$STARTED"
names "during the start" tap-changed good \
	"tap=vm-good-net0, bridge=br0, differs=MTU is 1200 instead of 1500" "networkctl status vm-good-net0"

# --- mvmd is killed, and all that it had started

# QEMU's old virtiofsd serves nobody but root.
backends="{}"
! command -v virtiofsd >/dev/null || backends=$(share)
spec dead "powerbutton poweroff" "$backends"
boot dead
victims="$VMM_PID $(value dead '.backends[].pid')"
{
	kill -KILL "$SUPERVISOR"
	ended "$SUPERVISOR"
} 2>/dev/null
kill -KILL $victims 2>/dev/null
for victim in $victims; do
	await is_gone_or_zombie "$victim"
done
boot dead
status_names "the next start cleans up" leftovers dead "" ""
holds "and tells what was there" dead \
	".findings[] | select(.id == \"leftovers\").evidence.found | contains(\"$WORK/run/dead\")"

# --- the clock is set: no deadline is of CLOCK_REALTIME, whose number is 0 (clock_gettime(2), proc(5): timerfd).
# The one timer of that clock is there to be cancelled when it is set (TFD_TIMER_CANCEL_ON_SET: 2, in octal),
# which tests/host/cases/clock.sh does.

# timers: of mvmd, each as its clock and its flags.
timers() {
	cat "/proc/$SUPERVISOR/fdinfo/"* 2>/dev/null |
		awk '$1 == "clockid:" { clock = $2 } /^settime flags:/ { print clock, $3 }' | sort -u
}

succeeds "deadlines are of CLOCK_MONOTONIC" eval "timers | grep -q '^1 '"
is "the one timer of another clock tells when that is set" "$(timers | grep -v '^1 ')" "0 03"

# --- the VM ends between the look for it and the call to it

: >"$WORK/stop.trace"
start look $TRACED -o "$WORK/stop.trace" -e trace=fcntl -e inject=fcntl:signal=STOP:when=1 \
	"$MVMD" -v status dead
await_text "$WORK/stop.trace" "stopped by SIGSTOP"
look=$STARTED
"$MVMD" stop --force dead 2>/dev/null
kill -CONT "$(ps -o pid= --ppid "$look" | tr -d ' ')"
ended "$look"
is "status of a VM that ends meanwhile" "$STATUS" 3
has "says so" "$WORK/look.err" "[ended-meanwhile]"
ends "the VM ends" 0

finish
