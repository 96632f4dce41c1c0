#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# mvmd-generator called as systemd calls it, and what mvmd check says of "after".

. "$(dirname "$0")/../lib.sh"

EXIT_USAGE=64
EXIT_SPEC=78
SPECS=$WORK/etc
OUT=$WORK/normal
export MVMD_SPEC_DIR=$SPECS
mkdir -p "$SPECS/templates" "$OUT"

# spec NAME [JSON]: the JSON's keys beside a kernel.
spec() {
	echo "{ \"accel\": \"kvm\", \"boot\": { \"kernel\": \"/srv/vmlinuz\" }${2:+, $2} }" >"$SPECS/$1.json"
}

generate() {
	rm -rf "${OUT:?}"/*
	"$BUILD/mvmd-generator" "$OUT" "$OUT.early" "$OUT.late" >"$WORK/generated" 2>&1
}

dropin() {
	echo "$OUT/mvmd@$1.service.d/50-spec.conf"
}

everything() {
	(cd "$OUT" && find . -type f | LC_ALL=C sort)
}

plain() {
	spec web1 '"after": [ "db1" ]'
	spec db1 '"disks": [ { "id": "root", "path": "/dev/vg0/db1" } ]'
	succeeds "it succeeds" generate
	is "a drop-in for each VM, and nothing else" "$(everything)" \
		"./mvmd@db1.service.d/50-spec.conf
./mvmd@web1.service.d/50-spec.conf"
	has "the order" "$(dropin web1)" "After=mvmd@db1.service"
	has "the device" "$(dropin db1)" 'DeviceAllow="/dev/vg0/db1" rw'
	is "it has nothing to say" "$(cat "$WORK/generated")" ""
	is "it is for all to read" "$(stat -c %a "$(dropin db1)")" 644
	succeeds "once more over the first" "$BUILD/mvmd-generator" "$OUT" "$OUT" "$OUT"
}

merged() {
	mkdir "$SPECS/web1.json.d"
	echo '{ "disks": [ { "id": "root", "path": "/dev/sdx" } ] }' >"$SPECS/templates/t.json"
	echo '{ "template": "t", "shares": [ { "tag": "a", "source": "/srv/a" } ] }' >"$SPECS/web1.json.d/10-a.json"
	generate
	has "what its template has" "$(dropin web1)" 'DeviceAllow="/dev/sdx" rw'
	has "what its drop-in has" "$(dropin web1)" 'RequiresMountsFor="/srv/a"'
	has "and the file itself" "$(dropin web1)" "After=mvmd@db1.service"
	rm -r "$SPECS/web1.json.d"
}

# None of them is in the way of web1.
broken() {
	echo '{ "cpus": "many" ' >"$SPECS/broken.json"
	echo '{ "boot": {} }' >"$SPECS/wrong.json"
	spec a_b
	mkfifo "$SPECS/fifo.json"
	mkdir "$SPECS/folder.json"
	ln -s nowhere "$SPECS/link.json"
	head -c 2M /dev/zero >"$SPECS/large.json"
	echo not even JSON >"$SPECS/host.conf"
	succeeds "broken specs are no failure" generate
	is "they get no drop-in, the others do" "$(everything)" \
		"./mvmd@db1.service.d/50-spec.conf
./mvmd@web1.service.d/50-spec.conf"
	rm -r "$SPECS"/{broken,wrong,a_b,fifo,folder,link,large}.json "$SPECS/host.conf"
}

# A folder that takes nothing, no specs, no folder of specs.
nothing_to_do() {
	: >"$WORK/file"
	succeeds "a file in the place of systemd's folder" "$BUILD/mvmd-generator" "$WORK/file" "$WORK/file" "$WORK/file"
	succeeds "no folder of specs" env MVMD_SPEC_DIR="$WORK/none" "$BUILD/mvmd-generator" "$OUT"
	exits "without its folder it says what it is" $EXIT_USAGE "$BUILD/mvmd-generator"
	has "to whom it is of use" "$WORK/err" "systemd calls it"
}

circle() {
	spec a '"after": [ "c" ]'
	spec b '"after": [ "a" ]'
	spec c '"after": [ "b" ]'
	generate
	has "a circle: the first of its entries stays" "$(dropin a)" "After=mvmd@c.service"
	has "the second as well" "$(dropin b)" "After=mvmd@a.service"
	has_not "the one that would close it is left out" "$(dropin c)" After=
	exits "check --all: it is an error" $EXIT_SPEC "$MVMD" check --all --spec-only
	has "with the circle" "$WORK/err" "goes round in a circle: c after b after a after c"
	has "and which entry does not count" "$WORK/err" "that c comes after b is left out"
	exits "check NAME: it is an error of each of them" $EXIT_SPEC "$MVMD" check a
	has "with the same words" "$WORK/err" "goes round in a circle: c after b after a after c"
	"$MVMD" check a b c 2>"$WORK/err" >"$WORK/out"
	is "of several it is told once, with the VM whose entry that is" "$(grep -c "^mvmd: c: error: .*in a circle" "$WORK/err")/$(
		grep -c "in a circle" "$WORK/err")" 1/1
	spec d '"after": [ "a" ]'
	"$MVMD" check d 2>"$WORK/err" >"$WORK/out"
	has_not "and not of one that only leads there" "$WORK/err" circle
	rm "$SPECS"/{a,b,c,d}.json
}

unknown() {
	spec web1 '"after": [ "db2", "broken" ]'
	echo '{' >"$SPECS/broken.json"
	"$MVMD" check web1 >"$WORK/out" 2>"$WORK/err"
	has "check: a name without a spec is told" "$WORK/err" '"after" has db2, and there is no spec of that name'
	has "with what was meant" "$WORK/err" 'did you mean "db1"?'
	has_not "a spec that is broken is there" "$WORK/err" '"after" has broken'
	rm "$SPECS/broken.json"
	exits "check --all: it is a warning" 0 "$MVMD" check --all --spec-only
	has "which is told" "$WORK/err" '"after" has db2, and there is no spec of that name'
	exits "a spec alone does not know the others" 0 "$MVMD" check --spec-only web1
	is "and tells nothing" "$(cat "$WORK/err")" ""
}

plain
merged
broken
nothing_to_do
circle
unknown
finish
