#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# mvmd explain: what it tells a person, and what it says about an id that is none.

. "$(dirname "$0")/../lib.sh"

EXIT_USAGE=64

exits "the list is printed" 0 "$MVMD" explain
has "with its sections" "$WORK/out" "NETWORK"
is "an id and its title stand on a line" \
	"$(sed -n 's/^ *bridge-missing *//p' "$WORK/out")" "the bridge is not there"

exits "one is told in full" 0 "$MVMD" explain bridge-missing
is "id, severity and title come first" "$(head -n 1 "$WORK/out")" \
	"bridge-missing (error): the bridge is not there"
has "what happened" "$WORK/out" "  What happened: No bridge of that name came"
has "why" "$WORK/out" "  Why: Its name is misspelt in the spec"
has "and the next command" "$WORK/out" "ip -br link show type bridge"
is "no line is longer than a terminal is wide" "$(awk 'length > 80' "$WORK/out")" ""

exits "another id is refused" $EXIT_USAGE "$MVMD" explain bridge-mising
has "and the nearest named" "$WORK/err" 'did you mean "bridge-missing"?'
exits "one that is like none is refused" $EXIT_USAGE "$MVMD" explain xyzzy
has "and the list named" "$WORK/err" "mvmd explain lists all"

if ! python3 -c "" 2>/dev/null; then
	skip "the list as data" "no python3 to read it"
else
"$MVMD" explain --json | python3 -c '
import json, sys
answer = json.load(sys.stdin)
rows = answer["findings"]
keys = {"id", "severity", "title", "what", "why", "remedy"}
assert answer["version"] == 1
assert all(set(row) == keys | {"evidence"} for row in rows)
assert all(row[key] for row in rows for key in keys)
assert ["bridge", "mtu", "mtu_before"] in [row["evidence"] for row in rows]
assert {row["severity"] for row in rows} == {"error", "warning", "note"}
print(len(rows), len({row["id"] for row in rows}))
' >"$WORK/counts" 2>"$WORK/err"
has_not "the list as data: each row is whole" "$WORK/err" "Error"
is "and as long as the other list" "$(cat "$WORK/counts")" \
	"$("$MVMD" explain | grep -c '^  ') $("$MVMD" explain | grep -c '^  ')"
fi
"$MVMD" explain --json tap-held >"$WORK/out"
has "one as data" "$WORK/out" '"id": "tap-held"'
finish
