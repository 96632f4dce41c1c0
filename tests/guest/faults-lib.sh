# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the tests of single faults share: a fault is provoked by a command, and must be named with its id, its
# evidence and its remedy. Sourced behind run-lib.sh. Each use of `provokes` and `status_names` is what
# tests/layers asks for: a finding without a test that provokes it does not exist.

# fault_lines ID FILE: what mvmd's lines in the file say of that fault, "error: … [ID]", "why: …", "try: …",
# "seen: …".
fault_lines() {
	awk -v id="[$1]" '
		{ sub(/^mvmd: ([A-Za-z0-9.-]+: )?/, "") }
		!/^  / { ours = substr($0, length($0) - length(id) + 1) == id }
		ours' "$2"
}

# lacks LINES EVIDENCE REMEDY: what the lines do not say, a line each. EVIDENCE is "KEY=VALUE, KEY=VALUE".
lacks() {
	local seen=", ${1##*seen: }," rest=$2 pair
	while [ -n "$rest" ]; do
		pair=${rest%%, *}
		rest=${rest#"$pair"}
		rest=${rest#, }
		[[ $seen == *", $pair,"* ]] || echo "no evidence $pair"
	done
	grep -F "  try: " <<<"$1" | grep -qF -e "$3" || echo "no remedy $3"
}

# provokes NAME ID STATUS EVIDENCE REMEDY ARGUMENT...: mvmd with these arguments ends with that status and names
# the fault. It is started by the words in UNDER: UNDER="setpriv …" provokes ….
provokes() {
	local name=$1 id=$2 wanted=$3 evidence=$4 remedy=$5 status lines missing
	shift 5
	# shellcheck disable=SC2086
	${UNDER-} "$MVMD" -v "$@" >"$WORK/out" 2>"$WORK/err" </dev/null
	status=$?
	lines=$(fault_lines "$id" "$WORK/err")
	missing=$(lacks "$lines" "$evidence" "$remedy")
	if [ $status = "$wanted" ] && [ -n "$lines" ] && [ -z "$missing" ]; then
		pass "$id: $name"
	else
		fail "$id: $name" "mvmd $* ended with $status, wanted $wanted" "$missing" \
			"$(tail -n 30 "$WORK/err")"
	fi
}

# status_names NAME ID VM EVIDENCE REMEDY: among the findings of a VM that runs.
status_names() {
	local name=$1 id=$2 finding
	finding=$("$MVMD" status --json "$3" | jq -r --arg id "$id" '.findings[] | select(.id == $id)
		| "[\(.id)]\n  try: \(.remedy)\n  seen: "
			+ (.evidence | to_entries | map("\(.key)=\(.value)") | join(", "))')
	if [ -n "$finding" ] && [ -z "$(lacks "$finding" "$4" "$5")" ]; then
		pass "$id: $name"
	else
		fail "$id: $name" "$(lacks "$finding" "$4" "$5")" "$("$MVMD" status --json "$3")"
	fi
}

# no_findings NAME VM: nothing is wrong with a VM that runs.
no_findings() {
	is "$1" "$("$MVMD" status --json "$2" | jq -c '[.findings[].id]')" '[]'
}

# starts NAME VM: a remedy has worked: a run of the VM, whose guest powers off at once, ends well and names nothing.
starts() {
	"$MVMD" run --now "$2" >"$WORK/out" 2>"$WORK/err" </dev/null
	if [ $? = 0 ] && ! grep -q '\[[a-z0-9-]*\]$' "$WORK/err"; then
		pass "$1"
	else
		fail "$1" "$(cat "$WORK/err")"
	fi
}

# checks NAME VM: check finds nothing.
checks() {
	if "$MVMD" check "$2" >"$WORK/out" 2>"$WORK/err" && [ ! -s "$WORK/err" ]; then
		pass "$1"
	else
		fail "$1" "$(cat "$WORK/err")"
	fi
}

# --- system calls that fail: needs strace

# LeakSanitizer cannot work under strace.
TRACED="env ASAN_OPTIONS=detect_leaks=0 strace"

# call_number VM SYSCALL TEXT N: of mvmd's own such calls in a run of the VM, which one is the Nth that has the text.
# A first run makes other calls: it gives the VM its uid.
call_number() {
	$TRACED -e trace="$2" -o "$WORK/trace" "$MVMD" -v run "$1" >"$WORK/out" 2>"$WORK/err" </dev/null
	grep "^$2(" "$WORK/trace" | grep -nF -e "$3" | sed -n "$4s/:.*//p"
}

# at SYSCALL NUMBER WHAT: the words before a command that make it happen at that call.
at() {
	echo "$TRACED -o /dev/null -e trace=$1 -e inject=$1:$3:when=$2"
}
