#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The list of known issues reaches check, plan and explain, and this host's own rows go over it.

. "$(dirname "$0")/../lib.sh"

EXIT_SPEC=78

need cloud-hypervisor
export MVMD_SPEC_DIR=$WORK/etc MVMD_STATE_DIR=$WORK/state MVMD_RUNTIME_DIR=$WORK/run
export MVMD_DATA_DIR=$WORK/data
mkdir -p "$WORK/etc/known-issues.d" "$WORK/data" "$WORK/state"
echo firmware >"$WORK/firmware"
echo '{ "boot": { "firmware": "'"$WORK/firmware"'" } }' >"$WORK/etc/web1.json"

# row ID SEVERITY PROOF KERNELS: one of the host's kernel
row() {
	echo "{ \"id\": \"$1\", \"side\": \"host\", \"severity\": \"$2\", \"proof\": \"$3\"," \
		"\"kernels\": \"$4\", \"symptom\": \"SYMPTOM of $1\", \"why\": \"a flaw\"," \
		"\"remedy\": \"another one\", \"sources\": \"nobody\" }"
}

# The same host's kernel is sure or not by its suffix: rows of the release itself are always sure.
release=$(uname -r)
{
	echo '{ "date": "2000-01-01", "issues": ['
	row OLD warn proven ..1.0 && echo ,
	row SURE warn proven ..1.0 | sed "s/ \"why\"/ \"releases\": \"$release\", \"why\"/" && echo ,
	row ONE-SOURCE warn stated 1.0.. && echo ,
	row SLOW note proven 1.0..
	echo ']}'
} >"$WORK/data/known-issues.json"

"$MVMD" check web1 >"$WORK/out" 2>"$WORK/err"
has "a proven row whose kernel is sure is told" "$WORK/err" \
	"known issue SURE: the host's kernel $release has it: SYMPTOM of SURE"
has "with its remedy" "$WORK/err" "another one"
has "one that a single source states, too" "$WORK/err" "SYMPTOM of ONE-SOURCE"
has_not "one of another version is not" "$WORK/err" "SYMPTOM of OLD"
has_not "one that only costs time is not" "$WORK/err" "SYMPTOM of SLOW"
"$MVMD" -v check web1 >"$WORK/out" 2>"$WORK/err"
has "but it is with -v" "$WORK/err" "SYMPTOM of SLOW"
"$MVMD" plan web1 >"$WORK/out" 2>"$WORK/err"
has "plan tells them as well" "$WORK/err" "SYMPTOM of SURE"
"$MVMD" check --json web1 >"$WORK/out" 2>"$WORK/err"
has "and the data of check" "$WORK/out" '"id": "known-issue"'

"$MVMD" check web1 >/dev/null 2>&1
with=$?
mv "$WORK/data" "$WORK/away"
"$MVMD" check web1 >/dev/null 2>"$WORK/err"
is "the exit code is the same without the list" "$with" $?
has_not "and nothing is told then" "$WORK/err" "known issue"
mv "$WORK/away" "$WORK/data"

echo '{ "issues": [ { "id": "SURE", "symptom": "OURS" }, { "id": "ONE-SOURCE", "remove": true } ] }' \
	>"$WORK/etc/known-issues.d/ours.json"
"$MVMD" check web1 >"$WORK/out" 2>"$WORK/err"
has "this host's key goes over the list's" "$WORK/err" "has it: OURS"
has "and leaves the others" "$WORK/err" "another one"
has_not "what it removes is gone" "$WORK/err" "ONE-SOURCE"
exits "explain knows the row" 0 "$MVMD" explain SURE
has "as it stands after all" "$WORK/out" "What one sees: OURS"

echo '{ "issues": [ { "id": "SURE", "severity": "refuse", "proof": "stated", "kernels": "6.6" } ] }' \
	>"$WORK/etc/known-issues.d/ours.json"
exits "a row that is wrong is refused" $EXIT_SPEC "$MVMD" check web1
has "a severity that wants proof, at its place" "$WORK/err" \
	'ours.json:1:43: /issues/0/severity: is "refuse", which only a "proven" issue may be'
has "and what is no range" "$WORK/err" '/issues/0/kernels: is no range of versions'

export MVMD_DATA_DIR=$TOP/contrib
rm "$WORK/etc/known-issues.d/ours.json"
exits "the shipped list is right" 0 "$MVMD" explain PVH-6664

# The kernel of the first founding report, as far as its file tells.
TINY=$BUILD/tests/guest/tiny.elf
if [ ! -e "$TINY" ] || ! command -v qemu-system-x86_64 >/dev/null; then
	skip "a guest kernel 6.6.64" "no tiny guest, or no QEMU"
else
	sed 's/6\.12\.0-tiny/6.6.64 tiny/' "$TINY" >"$WORK/vmlinux"
	echo '{ "vmm": "qemu", "accel": "tcg", "boot": { "kernel": "'"$WORK/vmlinux"'" } }' \
		>"$WORK/etc/web2.json"
	"$MVMD" check web2 >"$WORK/out" 2>"$WORK/err"
	has "a guest kernel 6.6.64 that is entered by PVH is told" "$WORK/err" \
		"warning: known issue PVH-6664: the guest's kernel 6.6.64 has it"
	has "with the version that helps" "$WORK/err" "try: Take a guest kernel 6.6.65 or later"
	sed 's/6\.12\.0-tiny/6.6.65 tiny/' "$TINY" >"$WORK/vmlinux"
	"$MVMD" check web2 >"$WORK/out" 2>"$WORK/err"
	has_not "6.6.65 is not" "$WORK/err" "PVH-6664"
fi
finish
