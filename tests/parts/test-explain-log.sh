#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# mvmd explain --log: each tests/explain/NAME.log is read and called what NAME.out says, which was written by hand:
# the head of each finding, in order. The first two are what the users of another launcher saw.

. "$(dirname "$0")/../lib.sh"

EXIT_USAGE=64

for log in "$TOP"/tests/explain/*.log; do
	name=$(basename "${log%.log}")
	"$MVMD" explain --log "$log" >"$WORK/$name" 2>&1
	is "$name" "$(grep -E '^([0-9]+ lines,|[A-Z]+ [a-z-]+, line )' "$WORK/$name")" \
		"$(cat "${log%.log}.out")"
done

# one_line NAME: the text without its line breaks, for words that may be wrapped.
one_line() {
	tr -s ' \n' '  ' <"$WORK/$1" >"$WORK/line"
}

for name in refused-old-words refused-new-words; do
	one_line $name
	has "$name: what is likely" "$WORK/line" "it rebooted, or died at once"
	has "$name: whose kernel to look at" "$WORK/line" \
		"which kernel version does the GUEST have (not the host)"
	has "$name: the one that is known for it" "$WORK/line" "mvmd explain PVH-6664"
	has "$name: noise needs nothing" "$WORK/line" "Nothing; it is harmless."
done
one_line refused-old-words
has "the tap is not to blame" "$WORK/line" "Neither the socket nor a tap is to blame."
one_line no-bridge
has "what joins a tap and a bridge" "$WORK/line" "ip link set TAP master BRIDGE"
one_line unknown
has "what is unknown is called so" "$WORK/line" "Nothing of this is known here"

# Each id that a text sends the reader to is there.
"$MVMD" explain --json >"$WORK/findings"
sed -n 's/.*mvmd explain \([A-Za-z0-9-]*\).*/\1/p' "$WORK"/{no-bridge,refused-*,cause-first} |
	sort -u >"$WORK/ids"
missing=
while read -r id; do
	MVMD_DATA_DIR=$TOP/contrib MVMD_SPEC_DIR=$WORK "$MVMD" explain "$id" >/dev/null 2>&1 ||
		missing+=" $id"
done <"$WORK/ids"
is "each explanation that is named can be had" "$missing" ""

"$MVMD" explain --log - <"$TOP/tests/explain/cause-first.log" >"$WORK/out"
is "stdin is read, too" "$(cat "$WORK/out")" "$(cat "$WORK/cause-first")"
printf 'Tap \033[31mx already exists. IP configuration will not be overwritten' >"$WORK/bare"
"$MVMD" explain --log "$WORK/bare" >"$WORK/out"
has "what is no text does not reach the terminal" "$WORK/out" "Tap ?[31mx already"
"$MVMD" explain --json --log "$WORK/bare" >"$WORK/out"
has "as data" "$WORK/out" '"verdict": "noise"'
: >"$WORK/empty"
exits "an empty log is one" 0 "$MVMD" explain --log "$WORK/empty"
has "with no lines" "$WORK/out" "0 lines, 0 of them known"
exits "without a file there is nothing to read" $EXIT_USAGE "$MVMD" explain --log
exits "nor with one that is not there" $EXIT_USAGE "$MVMD" explain --log "$WORK/none"
finish
