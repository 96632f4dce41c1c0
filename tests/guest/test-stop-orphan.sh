#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mvmd stop of a VM whose supervisor was killed: it is taken over for that, and stopped as ever.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

VMM=qemu ACCEL=tcg
need jq qemu-system-x86_64
private_namespaces "$@"
make_host

# orphan NAME WORDS [JSON]: such a VM, its guest begun.
orphan() {
	spec "$@"
	boot "$1"
	await_text "$WORK/$1.out" "tiny: life 1"
	kill -KILL "$SUPERVISOR"
	ended "$SUPERVISOR"
} 2>/dev/null

nothing_is_left() {
	is "$1: nothing is left of it" "$(traces | grep -v '^link lo \|^link br0 ')" ""
}

orphan graceful "powerbutton poweroff"
exits "graceful: mvmd stop succeeds" 0 "$MVMD" stop graceful
has "graceful: it tells that it takes the VM over" "$WORK/err" "graceful has no supervisor: it is taken over, and stopped"
has "graceful: the guest was asked" "$WORK/err" "power button pressed"
has "graceful: and obeyed" "$WORK/err" "the guest powered off"
nothing_is_left graceful

orphan deaf hang '{ "timeouts": { "stop": "1s" } }'
exits "deaf: a guest that does not hear is ended in its time" 0 "$MVMD" stop deaf
has "deaf: which is told" "$WORK/err" "[power-button-ignored]"
nothing_is_left deaf

orphan force hang
exits "force: mvmd stop --force ends it" 0 "$MVMD" stop --force force
has "force: without asking" "$WORK/err" "ended qemu (pid $VMM_PID)"
nothing_is_left force

orphan status hang
exits "status: it has no supervisor" $EXIT_NOT_RUNNING "$MVMD" status status
has "status: who takes it over, and who stops it" "$WORK/err" \
	"mvmd run status takes it over, mvmd stop status stops it"
succeeds "status: that is so" "$MVMD" stop --force status
nothing_is_left status
finish
