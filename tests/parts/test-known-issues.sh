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
has "and says what refuses a start" "$WORK/out" "A start: is refused where it surely fits"

# The kernel of the first founding report, as far as its file tells.
TINY=$BUILD/tests/guest/tiny.elf
if [ ! -e "$TINY" ] || ! command -v qemu-system-x86_64 >/dev/null; then
	skip "a guest kernel 6.6.64" "no tiny guest, or no QEMU"
else
	tiny() { # VERSION: no longer than the one that it replaces
		sed "$(printf 's/6\\.12\\.0-tiny/%-11s/' "$1")" "$TINY" >"$WORK/vmlinux"
	}
	tiny 6.6.64
	echo '{ "vmm": "qemu", "accel": "tcg", "boot": { "kernel": "'"$WORK/vmlinux"'" } }' \
		>"$WORK/etc/web2.json"
	exits "a guest kernel 6.6.64 that is entered by PVH fails the check" $EXIT_SPEC \
		"$MVMD" check web2
	has "as an error" "$WORK/err" \
		"error: known issue PVH-6664: the guest's kernel 6.6.64 has it, and cannot run this VM"
	has "with the version that helps" "$WORK/err" "try: Take a guest kernel 6.6.65 or later"
	has "and the key that overrides it" "$WORK/err" \
		'"allow_known_issues": [ "PVH-6664" ] in '"$WORK/etc/web2.json"
	has "versions are printed" "$WORK/out" \
		"web2: host kernel $release, guest kernel 6.6.64 (PVH), qemu "
	has_not "and no promise that it starts" "$WORK/out" "can start it"
	exits "to plan it is no failure" 0 "$MVMD" plan web2
	has "but the issue is told" "$WORK/err" "warning: known issue PVH-6664"
	has "and the versions" "$WORK/out" "web2: host kernel $release, guest kernel 6.6.64 (PVH)"
	"$MVMD" check --json web2 >"$WORK/out" 2>"$WORK/err"
	succeeds "they are data as well" jq -e --arg release "$release" '
		.facts[0] | .vm == "web2" and .host.release == $release and
		.guest.kernel == "6.6.64" and .guest.boot_protocol == "pvh" and
		.vmm.kind == "qemu" and (.known_issues.fitting[0] |
		.id == "PVH-6664" and .fit == "fits" and .explains == "silent-death")' "$WORK/out"
	succeeds "and so is the refusal" jq -e '.faults[] | select(.id == "known-issue-refused") |
		.exit_code == 78 and .evidence.issue == "PVH-6664" and
		.evidence.subject == "the guest'"'"'s kernel 6.6.64"' "$WORK/out"
	"$MVMD" plan --json web2 >"$WORK/out" 2>"$WORK/err"
	succeeds "plan has the same facts" jq -e '.facts.guest.kernel == "6.6.64"' "$WORK/out"

	tiny 6.6.65 # the same file otherwise
	exits "6.6.65 is right" 0 "$MVMD" check web2
	has_not "and nothing is told of it" "$WORK/err" "PVH-6664"
	tiny 6.6.64-2
	exits "a distribution's 6.6.64 is not refused" 0 "$MVMD" check web2
	has "but noted" "$WORK/err" \
		"mvmd: web2: known issue PVH-6664: the guest's kernel 6.6.64-2 looks as if it had it"
	tiny 6.6.64

	override() { # SPEC-KEYS HOST-CONF
		echo '{ "vmm": "qemu", "accel": "tcg"'"$1"', "boot": { "kernel": "'"$WORK/vmlinux"'" } }' \
			>"$WORK/etc/web2.json"
		echo "$2" >"$WORK/etc/host.conf"
	}
	override ', "allow_known_issues": [ "PVH-6664" ]' '{}'
	exits "the spec allows it" 0 "$MVMD" check web2
	has "which leaves a warning" "$WORK/err" \
		"warning: known issue PVH-6664: the guest's kernel 6.6.64 has it, which is allowed"
	override ', "allow_known_issues": [ { "id": "PVH-6664", "description": "mended by us" } ]' '{}'
	exits "an entry can say why" 0 "$MVMD" check web2
	override '' '{ "allow_known_issues": [ "PVH-6664" ] }'
	exits "host.conf allows it for all VMs" 0 "$MVMD" check web2
	override ', "allow_known_issues": [ "PVH-6646", "OUR-OWN" ]' '{ "allow_known_issues": [ "KVM" ] }'
	exits "another id does not" $EXIT_SPEC "$MVMD" check web2
	has "one that no row has is told, with the nearest" "$WORK/err" \
		"\"allow_known_issues\" in $WORK/etc/web2.json has PVH-6646, and the list"
	has "by its id" "$WORK/err" "[known-issue-unknown]"
	has "in words" "$WORK/err" 'did you mean "PVH-6664"?'
	has "or without" "$WORK/err" "has OUR-OWN, and the list"
	has "also one of host.conf" "$WORK/err" '"allow_known_issues" in host.conf has KVM'
	tiny 6.6.65
	exits "and is no failure" 0 "$MVMD" check web2
	override ', "allow_known_issues": [ 5, "a b" ]' '{}'
	exits "what is no id is an error of the spec" $EXIT_SPEC "$MVMD" check web2
	has "at its place" "$WORK/err" "web2.json:1:58: /allow_known_issues/0: is a number"
fi
finish
