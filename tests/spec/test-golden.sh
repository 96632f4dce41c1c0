#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Every rule of the spec language against its golden file. Each case is a file fail-RULE[-VARIANT].json, or a
# folder of that name with web1.json, its templates and drop-ins, or with host.conf, and beside it .err: what mvmd
# check says, byte for byte, written from what the rule ought to say. ok-*.json are specs that nothing is wrong with.

set -u
cd "$(dirname "$0")" || exit 1
MVMD=$(realpath -m "${BUILD:-../../build}")/mvmd
RULES=../../src/model/spec-report.c
SPEC_MAX_BYTES=$((1024 * 1024))
SPEC_VALUES_MAX=5000
EXIT_SPEC=78
unset MVMD_SPEC_DIR MVMD_RUNTIME_DIR MVMD_STATE_DIR

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

n=0
result() { # result OK-STATUS NAME
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

# check_case CASE [OPTION]...: mvmd check on a case, from the folder that its messages are relative to.
check_case() {
	local name=$1
	shift
	if [ -e "$name/host.conf" ]; then
		(cd "$name" && "$MVMD" --spec-dir=. check --all --spec-only "$@")
	elif [ -d "$name" ]; then
		(cd "$name" && "$MVMD" --spec-dir=. check --spec-only "$@" web1)
	elif [ -e "$name.json" ]; then
		"$MVMD" check --spec-only "$@" "./$name.json"
	else
		(cd "$tmp" && "$MVMD" check --spec-only "$@" "./$name.json")
	fi
}

# Cases that would be a burden in the repository, or no text, are made here.
make_cases() {
	head -c $((SPEC_MAX_BYTES + 1)) /dev/zero | tr '\0' ' ' > "$tmp/fail-file-too-large.json"
	printf '{\n  "user": "al\0ice"\n}\n' > "$tmp/fail-nul-byte.json"
	printf '{\n  "user": "al\344ice"\n}\n' > "$tmp/fail-not-utf8.json"
	{
		printf '{ "disks": [\n'
		for ((i = 2; i < SPEC_VALUES_MAX; i++)); do printf '0,\n'; done
		printf '0 ] }\n'
	} > "$tmp/fail-too-many-values.json"
}

fail_case() {
	local name=$1 code wrong=0
	check_case "$name" > "$tmp/out" 2> "$tmp/err"
	code=$?
	diff -u "$name.err" "$tmp/err" | sed 's/^/# /'
	[ "${PIPESTATUS[0]}" -eq 0 ] || wrong=1
	[ "$code" -eq "$EXIT_SPEC" ] || { echo "# exit code $code, not $EXIT_SPEC"; wrong=1; }
	[ ! -s "$tmp/out" ] || { echo "# something on stdout"; wrong=1; }
	check_case "$name" --json 2> "$tmp/json-err" | tee -a "$tmp/all-json" > "$tmp/json"
	[ ! -s "$tmp/json-err" ] || { echo "# something on stderr with --json"; wrong=1; }
	# As many problems as data as there are lines.
	[ "$(grep -c '"rule":' "$tmp/json")" -eq "$(wc -l < "$name.err")" ] || {
		echo "# --json tells of another number of problems"
		wrong=1
	}
	result "$wrong" "$name"
}

ok_case() {
	local name=$1 code wrong=0
	check_case "$name" > "$tmp/out" 2> "$tmp/err"
	code=$?
	[ -d "$name" ] && name=web1
	echo "$name: spec ok" | diff -u - "$tmp/out" | sed 's/^/# /'
	[ "${PIPESTATUS[1]}" -eq 0 ] || wrong=1
	[ "$code" -eq 0 ] && [ ! -s "$tmp/err" ] || {
		sed 's/^/# /' "$tmp/err"
		wrong=1
	}
	result "$wrong" "$1"
}

# Every rule in the program's table was broken by a case that bears its name.
rule_cases() {
	local rule wrong=0
	for rule in $(sed -n 's/^\t\[RULE_[A-Z0-9_]*\] = "\([a-z0-9-]*\)",$/\1/p' "$RULES"); do
		[ -e "fail-$rule.err" ] || { echo "# no fail-$rule.err"; wrong=1; continue; }
		check_case "fail-$rule" --json | grep -q "\"rule\": \"$rule\"" ||
			{ echo "# fail-$rule does not break that rule"; wrong=1; }
	done
	[ -n "$rule" ] || { echo "# found no rules in $RULES"; wrong=1; }
	result "$wrong" "every rule has its golden file"
}

# What an editor would say of the files that mvmd takes.
schema_cases() {
	if ! python3 -c 'import jsonschema' 2> /dev/null; then
		n=$((n + 1))
		echo "ok $n - schema # SKIP python3-jsonschema is not installed"
		return
	fi
	"$MVMD" schema > "$tmp/schema.json"
	python3 schema-check.py "$tmp/schema.json" | sed 's/^/# /'
	result "${PIPESTATUS[0]}" "the schema takes what mvmd takes, and not what breaks a type"
	"$MVMD" schema --host > "$tmp/host-schema.json"
	python3 schema-check.py --host "$tmp/host-schema.json" | sed 's/^/# /'
	result "${PIPESTATUS[0]}" "and so does that of host.conf"
}

make_cases
for err in fail-*.err; do fail_case "${err%.err}"; done
for ok in ok-*.json ok-*/; do
	ok=${ok%/}
	ok_case "${ok%.json}"
done
rule_cases
schema_cases
echo "1..$n"
