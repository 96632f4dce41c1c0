# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the shell tests share. A test sources it first:
#
#	#!/bin/bash
#	# SPDX-License-Identifier: Apache-2.0
#	. "$(dirname "$0")/../lib.sh"
#	need qemu-system-x86_64		# skips the whole test where it is missing
#	private_namespaces "$@"		# only where it needs them
#	is "two and two" "$((2 + 2))" 4
#	finish
#
# It has then TOP and BUILD (absolute), MVMD, a folder of its own in WORK, removed at the end with
# every process that `start` started, and functions that print TAP. Conditions are awaited with
# `await`, never slept for.

set -u
shopt -s nullglob

TOP=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
BUILD=$(realpath -m "${BUILD:-$TOP/build}")
MVMD=$BUILD/mvmd
export TOP BUILD

AWAIT_SEC=60 # how long `await` waits for anything
AWAIT_STEP_SEC=0.02

test_count=0
test_failures=0
started=()
WORK=

# --- results

# pass NAME, fail NAME [LINE...], skip NAME REASON: one result each. fail's lines explain it.
pass() {
	test_count=$((test_count + 1))
	echo "ok $test_count - $1"
}

fail() {
	test_count=$((test_count + 1))
	test_failures=$((test_failures + 1))
	echo "not ok $test_count - $1"
	shift
	[ $# = 0 ] || printf '%s\n' "$@" | sed 's/^/# /'
}

skip() {
	test_count=$((test_count + 1))
	echo "ok $test_count - $1 # SKIP $2"
}

# skip_all REASON: nothing of this test can run here.
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# finish: the plan; the last line of every test.
finish() {
	echo "1..$test_count"
	[ $test_failures = 0 ] && exit 0
	exit 1
}

# --- assertions

# is NAME GOT WANTED
is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "got:    $2" "wanted: $3"
	fi
}

# has NAME FILE TEXT: some line of the file contains the text, letter by letter.
has() {
	if grep -qF -e "$3" "$2"; then
		pass "$1"
	else
		fail "$1" "no '$3' in $2:" "$(cat "$2" 2>&1)"
	fi
}

# has_not NAME FILE TEXT
has_not() {
	if grep -qF -e "$3" "$2"; then
		fail "$1" "'$3' in $2:" "$(cat "$2")"
	else
		pass "$1"
	fi
}

# succeeds NAME COMMAND...: its output is shown where it fails.
succeeds() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then
		pass "$name"
	else
		fail "$name" "$* ended with $?:" "$output"
	fi
}

# exits NAME STATUS COMMAND...: stdout and stderr go to $WORK/out and $WORK/err.
exits() {
	local name=$1 wanted=$2 status
	shift 2
	"$@" >"$WORK/out" 2>"$WORK/err"
	status=$?
	if [ $status = "$wanted" ]; then
		pass "$name"
	else
		fail "$name" "$* ended with $status, wanted $wanted" \
			"$(cat "$WORK/out" "$WORK/err")"
	fi
}

# --- waiting

# await COMMAND...: true once the command succeeds; false after AWAIT_SEC.
await() {
	local deadline=$((SECONDS + AWAIT_SEC))
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep $AWAIT_STEP_SEC
	done
}

# await_text FILE TEXT
await_text() {
	await grep -qF -e "$2" "$1"
}

# --- processes: only those that were started here are ever signalled

# start NAME COMMAND...: in the background, output to $WORK/NAME.out and .err, its pid in STARTED.
start() {
	local name=$1
	shift
	# The shell in the background opens them when its turn comes: until then an earlier run's lines stood there.
	: >"$WORK/$name.out" 2>"$WORK/$name.err"
	"$@" >"$WORK/$name.out" 2>"$WORK/$name.err" </dev/null &
	STARTED=$!
	started+=("$STARTED")
}

# ended PID: waits for a started process and sets STATUS; kills it (status 137) after AWAIT_SEC.
ended() {
	await is_gone_or_zombie "$1" || kill -KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	STATUS=$?
}

is_gone_or_zombie() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
	[[ ${stat##*) } == Z* ]]
}

clean_up() {
	local status=$? pid
	trap - EXIT
	for pid in "${started[@]}"; do
		is_gone_or_zombie "$pid" || kill -KILL "$pid"
		wait "$pid"
	done 2>/dev/null
	[ -z "$WORK" ] || rm -rf --one-file-system "$WORK"
	exit $status
}
trap clean_up EXIT
trap 'exit 143' TERM INT HUP

# --- what the test stands on

# need COMMAND...: skips the whole test where one is missing.
need() {
	local command
	for command in "$@"; do
		command -v "$command" >/dev/null || skip_all "$command is not installed"
	done
}

need_root() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
}

# private_namespaces "$@": goes on in mount, network and process namespaces of its own, with lo up.
# Whatever the test leaves behind there dies with it.
private_namespaces() {
	need_root
	if [ -z "${MVMD_TEST_NAMESPACES-}" ]; then
		rmdir "$WORK"
		MVMD_TEST_NAMESPACES=yes exec unshare --net --mount --pid --fork --kill-child \
			--mount-proc --propagation private -- "$0" "$@"
	fi
	unset MVMD_TEST_NAMESPACES
	ip link set lo up
}

# open_kvm: /dev/kvm for every user, as distributions have it; here it may be root's alone. Needs
# private_namespaces. False where there is no KVM.
open_kvm() {
	[ -c /dev/kvm ] || return 1
	mkdir "$WORK/dev"
	mount -t tmpfs -o mode=755 tmpfs "$WORK/dev"
	mknod -m 666 "$WORK/dev/kvm" c 10 232
	mount --bind "$WORK/dev/kvm" /dev/kvm
	umount --lazy "$WORK/dev"
	rmdir "$WORK/dev"
}

# has_cloud_hypervisor: installed, and this user may open /dev/kvm.
has_cloud_hypervisor() {
	command -v cloud-hypervisor >/dev/null && [ -w /dev/kvm ] && (: <>/dev/kvm) 2>/dev/null
}

no_cloud_hypervisor() {
	if command -v cloud-hypervisor >/dev/null; then
		echo "no usable /dev/kvm"
	else
		echo "cloud-hypervisor is not installed"
	fi
}

# Other users must reach what lies in it.
WORK=$(mktemp -d "${TMPDIR:-/tmp}/mvmd-test.XXXXXX") || exit 1
chmod 755 "$WORK"
