#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What host.conf says reaches the VMs: a uid of its range, which stays theirs.

. "$(dirname "$0")/../lib.sh"

EXIT_SYSTEM=71
EXIT_SPEC=78

need_root
export MVMD_SPEC_DIR=$WORK/etc MVMD_STATE_DIR=$WORK/state MVMD_RUNTIME_DIR=$WORK/run
mkdir "$WORK/etc"
echo kernel >"$WORK/kernel"
for vm in web1 web2 web3 web4; do
	echo '{ "boot": { "kernel": "'"$WORK/kernel"'" } }' >"$WORK/etc/$vm.json"
done

# range FIRST COUNT
range() {
	echo "{ \"uid_range\": { \"first\": $1, \"count\": $2 } }" >"$WORK/etc/host.conf"
}

# uids: the rows of the table, "web1 700000 web2 …", without a JSON parser.
uids() {
	sed -n 's/^ *"\(web[0-9]\)": \([0-9]*\),\{0,1\}$/\1 \2/p' "$WORK/state/.uids.json" | sort |
		tr '\n' ' '
}

range 700000 2
succeeds "a VM takes its uid" "$MVMD" grant web1
is "it is the first of the range" "$(uids)" "web1 700000 "

range 800000 1
succeeds "the range is changed" "$MVMD" grant web1
succeeds "another VM takes its uid" "$MVMD" grant web2
is "who had one kept it, the other has one of the new range" "$(uids)" "web1 700000 web2 800000 "

exits "a range that is used up is refused" $EXIT_SYSTEM "$MVMD" grant web3
has "it is named" "$WORK/err" "all uids from 800000 to 800000 are taken"
has "and so is the key to edit" "$WORK/err" 'give "uid_range" in host.conf a larger "count"'
is "the table is as it was" "$(uids)" "web1 700000 web2 800000 "

range 65000 1000
for command in grant plan run check; do
	exits "$command with a wrong host.conf" $EXIT_SPEC "$MVMD" "$command" web4
	has "$command says where it is wrong" "$WORK/err" \
		"$WORK/etc/host.conf:1:16: /uid_range: is from 65000 to 65999"
done

rm "$WORK/etc/host.conf"
succeeds "without the file the default holds" "$MVMD" grant web4
is "which is mvmd's own" "$(uids)" "web1 700000 web2 800000 web4 400000 "

# Something else in the place of the slots: the start goes on, as far as it can with such a kernel.
echo '{ "start_slots": 2 }' >"$WORK/etc/host.conf"
mkdir -p "$WORK/run"
: >"$WORK/run/.slots"
"$MVMD" run web1 >"$WORK/out" 2>"$WORK/err" </dev/null
has "slots that cannot be had are told" "$WORK/err" "warning: cannot use the start slots in $WORK/run"
has "and are no reason to start nothing" "$WORK/err" "$WORK/kernel"
rm "$WORK/run/.slots"
"$MVMD" run web1 >"$WORK/out" 2>"$WORK/err" </dev/null
is "a start that has failed leaves its slot" "$(flock --nonblock "$WORK/run/.slots/0" echo free)" free
finish
