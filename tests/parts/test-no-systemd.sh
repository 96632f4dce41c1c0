#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The commands for units where systemd is not process 1: they say so, and stop goes by the control socket as ever.

. "$(dirname "$0")/../lib.sh"

EXIT_NOT_RUNNING=3
EXIT_UNKNOWN_VM=4
EXIT_USAGE=64
EXIT_UNAVAILABLE=69

private_namespaces "$@"
[ ! -d /run/systemd ] || mount -t tmpfs tmpfs /run/systemd

mkdir "$WORK/specs"
export MVMD_SPEC_DIR=$WORK/specs MVMD_RUNTIME_DIR=$WORK/run MVMD_STATE_DIR=$WORK/state
echo '{ "boot": { "kernel": "/nonexistent" } }' >"$WORK/specs/web1.json"

for verb in start restart reload enable disable; do
	exits "$verb: without systemd it ends" $EXIT_UNAVAILABLE "$MVMD" $verb web1
	has "$verb: it says so" "$WORK/err" "[no-systemd]"
	has "$verb: it points to mvmd run" "$WORK/err" "mvmd run NAME"
	exits "$verb: no name is a wrong command line" $EXIT_USAGE "$MVMD" $verb
	exits "$verb: a name and --all, too" $EXIT_USAGE "$MVMD" $verb --all web1
	exits "$verb: a path, too" $EXIT_USAGE "$MVMD" $verb "$WORK/specs/web1.json"
	has "$verb: mvmd run takes it" "$WORK/err" "mvmd run $WORK/specs/web1.json"
	exits "$verb: what can be no name, too" $EXIT_USAGE "$MVMD" $verb a_b
done

exits "stop: a VM that does not run" $EXIT_NOT_RUNNING "$MVMD" stop web1
exits "stop: no such VM" $EXIT_UNKNOWN_VM "$MVMD" stop web2
exits "stop: several" $EXIT_UNKNOWN_VM "$MVMD" stop web1 web2
has "stop: each is told" "$WORK/err" "web1 is not running"
exits "stop --all: none runs" 0 "$MVMD" stop --all
exits "stop: no name is a wrong command line" $EXIT_USAGE "$MVMD" stop
finish
