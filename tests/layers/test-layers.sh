#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is promised of the source tree as such. Each check is a function that prints what is wrong,
# and is first shown a made-up tree in which it must find something.
. "$(dirname "$0")/../lib.sh"

cd "$TOP" || exit 1

# The folder's files, without what make and git put there.
files() {
	git ls-files -co --exclude-standard 2>/dev/null | grep . ||
		find . -path ./build -prune -o -path ./.git -prune -o -type f -printf '%P\n'
}

# finds_nothing NAME CHECK...: a check that succeeds without a word.
finds_nothing() {
	local name=$1 found
	shift
	found=$("$@" 2>&1)
	is "$name" "$found" ""
}

# finds NAME TEXT CHECK...: the check, run in the made-up tree $WORK/tree, says TEXT.
finds() {
	local name=$1 text=$2
	shift 2
	(cd "$WORK/tree" && "$@") >"$WORK/found" 2>&1
	has "$name" "$WORK/found" "$text"
}

# made_up FILE: a file of the made-up tree, from stdin.
made_up() {
	mkdir -p "$WORK/tree/$(dirname "$1")"
	cat >"$WORK/tree/$1"
}

# --- includes

includes() {
	awk -f "$TOP/tests/layers/includes.awk" $(find src -name '*.[ch]' | LC_ALL=C sort)
}

made_up src/model/plan.c <<<'#include "host/link.h"'
made_up src/model/a.h <<<'#include "model/b.h"'
made_up src/model/b.h <<<'#include "base/util.h"
#include "model/a.h"'
made_up src/base/util.h <<<'#include "vm.h"
#include "mvmd/exit-codes.h"'
made_up src/vm.h <<<'#include "run/gone.h"'
made_up src/host/link.h <<<'#include "base/util.h"'
made_up src/elsewhere/x.c <<<'#include <stdio.h>'
finds "a model that includes host is found" \
	'src/model/plan.c:1: layer 1 includes "host/link.h" of layer 2' includes
finds "a base that includes vm.h is found" \
	'src/base/util.h:1: layer 0 includes "vm.h" of layer 4' includes
finds "an include of no file is found" 'src/vm.h:1: includes "run/gone.h"' includes
finds "a circle of headers is found" 'a circle of headers: model/a.h model/b.h model/a.h' includes
finds "a folder that is no layer is found" 'src/elsewhere/x.c: lies in no layer' includes
is "nothing else is found there" "$(wc -l <"$WORK/found")" 5
finds_nothing "each file includes only its own layer and lower ones" includes

# --- licence

# What has no comments, and what a program must say to the letter.
LICENCE_LINE='SPDX-License-Identifier: Apache-2.0'
NO_COMMENTS='(^|/)LICENSE$|\.json$|\.err$|\.plan$|\.golden$|^tests/fuzz/(corpus|records)/|^tests/spec/|^tests/explain/|^contrib/debian/(README.Debian|changelog|copyright|source/format)$'

licences() {
	local file
	files | grep -vE "$NO_COMMENTS" | while read -r file; do
		[ ! -s "$file" ] || head -n 2 "$file" | grep -q "$LICENCE_LINE" || echo "$file"
	done
}

finds "a file without a licence line is found" src/vm.h licences
finds_nothing "each file says its licence" licences

# --- top level

TOP_LEVEL='Makefile README.md CHANGELOG.md LICENSE src include tests man contrib'

top_level() {
	local entry
	files | cut -d / -f 1 | sort -u | grep -v '^\.' | while read -r entry; do
		[[ " $TOP_LEVEL " == *" $entry "* ]] || echo "$entry does not belong here"
	done
	for entry in $TOP_LEVEL; do
		[ -e "$entry" ] || echo "$entry is missing"
	done
}

made_up notes.txt <<<'x'
finds "a stray file at the top is found" 'notes.txt does not belong here' top_level
finds "a missing file at the top is found" 'man is missing' top_level
finds_nothing "the top level is what it should be" top_level

# --- headers

# headers FLAGS...: each compiles by itself.
headers() {
	find src include -name '*.h' -print0 | xargs -0 -n 1 -P "$(nproc)" \
		"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -Isrc -Iinclude -fsyntax-only -w -x c "$@" 2>&1
}

mkdir -p "$WORK/tree/include"
made_up src/base/alone.h <<<'size_t size_of_it(void);'
finds "a header that needs another is found" "src/base/alone.h" headers
read -ra pkg_cflags <<<"$(pkg-config --cflags libnl-3.0 libnl-route-3.0 libsystemd jansson)"
finds_nothing "each header compiles by itself" headers "${pkg_cflags[@]}"

# --- findings

findings() {
	awk -f "$TOP/tests/layers/findings.awk" $(find src -name '*.c' | LC_ALL=C sort)
}

made_up src/model/findings-sea.c <<<'{ .id = "no-wind", },
{ .id = "handed-on", },
{ .id = "no-wind", },
{ .id = "calm", },'
made_up src/run/sail.c <<<'fault_set(f, -errno, exit_of(1, ","), dark ? "no-light" : "no-wind", "x-y")'
made_up src/run/row.c <<<'fault_set(f, 0, 0, id, "%s"); row_fault("handed-on"); row_fault("no-oar");'
finds "an id without a row is found" "src/run/sail.c: no-light is not in" findings
finds "one that is handed on, too" "src/run/row.c: no-oar is not in" findings
finds "a row without a use is found" "src/model/findings-sea.c: nobody sets calm" findings
finds "an id with two rows is found" "src/model/findings-sea.c: no-wind has two rows" findings
is "nothing else is found there" "$(wc -l <"$WORK/found")" 4
made_up src/model/findings-moon.c <<<'{ .id = "x-y", .evidence = "sail, mast" },'
made_up src/run/sight.c <<<'fault_evidence(f,
	"sail", "%s", x); fault_evidence(f, "wind", "%d", 1);'
finds "evidence that no row names is found" "src/run/sight.c: no row names the evidence wind" findings
finds "evidence that nobody sets is found" "findings-moon.c: nobody sets the evidence mast" findings
finds_nothing "the table of findings and the sources agree" findings

# --- findings without a test

# findings_ids: of the tables.
findings_ids() {
	sed -n 's/.*\.id = "\([^"]*\)".*/\1/p' src/model/findings-*.c
}

# Tests that provoke faults; not those that only look into the tables.
provoking_tests() {
	find tests -name '*.c' -o -name '*.sh' | LC_ALL=C sort | grep -vE \
		'^tests/(layers|explain|bench|fuzz)/|/test-findings\.c$|/test-explain|-lib\.sh$'
}

# provoked_ids: those that a test names. An id of one word is a word of many lines: it counts where it is the id that
# provokes or status_names is given, or stands as in mvmd's own lines.
provoked_ids() {
	local tests
	mapfile -t tests < <(provoking_tests)
	grep -hvE '^[[:space:]]*(#|/?\*)|has_not|assert_null' "${tests[@]}" >"$WORK/tests"
	tr -c 'a-z0-9-' '\n' <"$WORK/tests" | grep -e -
	sed -z 's/\\\n[[:space:]]*//g' "$WORK/tests" |
		sed -nE 's/.*(provokes|names) "[^"]*" +([a-z0-9-]+) .*/\2/p'
	grep -oE '\[[a-z0-9-]+\]' "$WORK/tests" | tr -d '[]'
}

# What no test can bring about, a line each: ID: the reason.
UNPROVOKED='out-of-memory: an allocation of a few bytes fails at no place that can be chosen
cancelled: who stops a start that waits is told nothing, for that is no failure
macvtap-missing: no kind of link can be taken away from the kernel that runs
vmm-gone: a VMM cannot be made to end between the two looks at it that an adoption begins with'

unprovoked_ids() {
	sed 's/:.*//' <<<"$UNPROVOKED"
}

# A finding without a test that provokes it does not exist.
unprovoked() {
	comm -23 <(findings_ids | sort -u) <({ provoked_ids; unprovoked_ids; } | sort -u) |
		sed 's/$/: no test provokes it/'
	comm -13 <(findings_ids | sort -u) <(unprovoked_ids | sort -u) |
		sed 's/$/: is in no table, and none of the exceptions/'
}

made_up src/model/findings-sun.c <<<'{ .id = "sun-set" }, { .id = "sun-dark" }, { .id = "out-of-memory" },
{ .id = "sun-hot" },
{ .id = "sun-gone" },'
made_up tests/guest/test-sun.sh <<<'provokes "in the evening" sun-set 0 "" "wait" run sun
provokes "at noon" \
	sun-hot 0 "" "" run sun; has_not x "$WORK/err" sun-gone'
finds "a finding that no test provokes is found" "sun-gone: no test provokes it" unprovoked
finds_nothing "each finding has a test that provokes it" unprovoked

# --- words

unfinished() {
	files | grep -vE '^build/' | xargs -d '\n' grep -nwE "TO""DO|FIX""ME|X""XX" -- /dev/null
}

made_up src/base/later.c <<<"/* TO""DO */"
finds "an unfinished place is found" src/base/later.c unfinished
finds_nothing "nothing is left unfinished" unfinished

# --- man pages

# lint PAGE...
lint() {
	mandoc -Tlint -W warning "$@"
}

# commands_missing MAIN PAGE: the commands of main.c's table that the page does not name.
commands_missing() {
	local name
	sed -n 's/^\t{ *\(\.name = \)\?"\([a-z][a-z-]*\)",.*/\2/p' "$1" | while read -r name; do
		grep -qE "(^|[^a-z])$name([^a-z]|$)" "$2" || echo "$name"
	done
}

pages=("$BUILD"/man/*.[1-9])
if ! command -v mandoc >/dev/null; then
	skip "the man pages pass mandoc's lint" "mandoc is not installed"
elif [ ${#pages[@]} = 0 ]; then
	skip "the man pages pass mandoc's lint" "no man page was built in $BUILD/man"
else
	made_up bad.8 <<<'.Dd today'
	finds "a bad man page is found" bad.8 lint bad.8
	finds_nothing "the man pages pass mandoc's lint" lint "${pages[@]}"
fi
# ids_missing HEADER PAGE: fields and kinds of journal entries that the page does not name.
ids_missing() {
	sed -nz 's/\\\n//g; p' "$1" | sed -n '/NAMESPACE/d; s/^#define MVMD_\(MESSAGE\|FIELD\)_[A-Z_]*[[:space:]]*"\([^"]*\)".*/\2/p' | while read -r id; do
		grep -qF "$id" "$2" || echo "$id"
	done
}

made_up journal.h <<<'#define MVMD_MESSAGE_SUNK "0123abc" /* it sank */'
finds "a kind of journal entry that the page lacks is found" 0123abc ids_missing journal.h bad.8
finds_nothing "each kind of journal entry is in mvmd.journal-fields(7)" ids_missing include/mvmd/journal.h \
	man/mvmd.journal-fields.7.in

if [ -e "$BUILD/man/mvmd.8" ]; then
	made_up main.c <<<$'\t{ "fly", "NAME", "flies", cmd_fly, NULL },'
	page=$BUILD/man/mvmd.8
	finds "a command that the man page lacks is found" fly commands_missing main.c "$page"
	finds_nothing "each command is in mvmd(8)" commands_missing src/cli/main.c "$page"
else
	skip "each command is in mvmd(8)" "no mvmd.8 was built in $BUILD/man"
fi
finish
