#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# What mvmd check says where the file itself is wrong, and what two specs would fight over.

set -u
MVMD=$(realpath -m "${BUILD:-$(dirname "$0")/../../build}")/mvmd
TIME_LIMIT_SEC=20 # only to end what hangs
unset MVMD_SPEC_DIR MVMD_RUNTIME_DIR MVMD_STATE_DIR

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1

n=0
# expect CODE TEXT NAME COMMAND...: the exit code, and that TEXT is in what was said.
expect() {
	local code=$1 text=$2 name=$3 got wrong=0
	shift 3
	timeout "$TIME_LIMIT_SEC" "$@" > out 2>&1 < /dev/null
	got=$?
	[ "$got" -eq "$code" ] || { echo "# exit code $got, not $code"; wrong=1; }
	grep -qF -- "$text" out || { echo "# not said: $text"; wrong=1; }
	n=$((n + 1))
	if [ "$wrong" -eq 0 ]; then echo "ok $n - $name"; else sed 's/^/# /' out; echo "not ok $n - $name"; fi
}
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }
check() { "$MVMD" --spec-dir="$tmp/etc" check --spec-only "$@"; }
export MVMD tmp
export -f check

spec='{ "boot": { "kernel": "/srv/vm/vmlinuz" } }'
mkdir -p etc/templates here/dir.json
echo "$spec" > etc/web1.json
echo "$spec" > here/web2.json

expect 0 'web1: spec ok' 'a name is a file in the spec folder' bash -c 'check web1'
expect 0 'web2: spec ok' 'a path is a path' bash -c 'check ./here/web2.json'
expect 66 'there is no spec' 'a missing name' bash -c 'check db'
expect 66 'did you mean "web1"?' 'a missing name with a near one' bash -c 'check wep1'
expect 66 'did you mean "web2"?' 'a missing path with a near one' bash -c 'check here/web3.json'
expect 66 'write "web1" for that VM; what takes a PATH takes "./web1.json" for a file here' 'a file name for a name' bash -c 'check web1.json'
expect 66 'there is no spec' 'a path through a file' bash -c 'check here/web2.json/x.json'
expect 78 'is a directory' 'a directory' bash -c 'check here/dir.json'
expect 78 'is no name of a spec file' 'a path without .json' bash -c 'check here/dir'
mkfifo here/fifo.json
expect 78 'is a FIFO' 'a FIFO does not hang' bash -c 'check here/fifo.json'
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("here/socket.json")' 2> /dev/null &&
	expect 78 'is a socket' 'a socket' bash -c 'check here/socket.json' ||
	skip 'a socket' 'no python3 to make one'
ln -s /dev/zero here/zero.json
expect 78 'is a device' 'a device without end' bash -c 'check here/zero.json'
ln -s loop.json here/loop.json
expect 71 'Too many levels of symbolic links' 'a link to itself' bash -c 'check here/loop.json'
: > here/empty.json
expect 78 'here/empty.json:1:1: the file is empty' 'an empty file' bash -c 'check here/empty.json'
truncate -s 100M here/huge.json
expect 78 'here/huge.json: the file has 104857600 bytes' 'a file of 100 MB, in little memory' \
	bash -c 'if [ -n "$(nm "$MVMD" 2>/dev/null | grep -m1 __asan_init)" ]; then :; else ulimit -v 98304; fi; check here/huge.json'
head -c 200000 /dev/zero | tr '\0' '[' > here/deep.json
expect 78 'nested more than 32 deep' 'lists without end' bash -c 'check here/deep.json'
echo "$spec" > "here/my_vm.json"
expect 78 '"my_vm" cannot be the name of a VM' 'a name with an underscore' bash -c 'check here/my_vm.json'
echo "$spec" > here/locked.json
chmod 0 here/locked.json
chmod 755 . here
if [ "$(id -u)" -ne 0 ]; then
	expect 77 'Permission denied' 'a file that may not be read' bash -c 'check here/locked.json'
elif setpriv --reuid=65534 --clear-groups "$MVMD" schema > /dev/null 2>&1; then
	expect 77 'Permission denied' 'a file that may not be read' \
		setpriv --reuid=65534 --clear-groups "$MVMD" check --spec-only here/locked.json
else
	skip 'a file that may not be read' 'no setpriv, or others may not execute the program'
fi

# Drop-ins: in the order of their names, and only files that are meant.
mkdir etc/web1.json.d
echo '{ "cpus": 300 }' > etc/web1.json.d/10-a.json
echo '{ "cpus": 2 }' > etc/web1.json.d/20-b.json
echo '{ "cpus": 300 }' > etc/web1.json.d/.30-hidden.json
echo '{ "cpus": 300 }' > etc/web1.json.d/30-old.json~
expect 0 'web1: spec ok' 'a later drop-in wins, hidden ones are none' bash -c 'check web1'
echo '{ "cpus": 0 }' > etc/web1.json.d/9-last.json
expect 78 '9-last.json:1:11: /cpus: 0 is out of range' 'the order is that of bytes: 9 after 20' bash -c 'check web1'
rm -r etc/web1.json.d

# The same as data.
echo '{ "boot": 1 }' > here/bad.json
expect 78 '"pointer": "/boot"' 'problems as JSON' bash -c 'check --json here/bad.json'
expect 66 '"id": "no-spec"' 'a fault as JSON' bash -c 'check --json nothing'
expect 0 '"version": 1' 'no problems as JSON' bash -c 'check --json web1'

# What two specs would fight over.
rm -r etc; mkdir etc
expect 0 'there is no spec' 'no specs at all' bash -c 'check --all'
device() { printf '{ "boot": { "kernel": "/srv/vm/vmlinuz" }, %s }\n' "$1"; }
device '"interfaces": [ { "id": "c", "bridge": "br0", "mac": "02:00:5e:10:00:01" } ]' > etc/a-b.json
device '"interfaces": [ { "id": "b-c", "bridge": "br0", "mac": "02:00:5e:10:00:02" } ]' > etc/a.json
expect 75 'a and a-b both have the tap vm-a-b-c' 'two derived taps of one name' bash -c 'check --all'
device '"interfaces": [ { "id": "n", "bridge": "br0", "mac": "02:00:5E:10:00:01" } ]' > etc/a.json
expect 75 'both have the MAC address 02:00:5e:10:00:01' 'a MAC address twice' bash -c 'check --all'
device '"vsock": { "cid": 1816527273 }' > etc/a.json
device '"vsock": {}' > etc/web-1.json
expect 75 'both have the vsock CID 1816527273' 'a CID, written and derived' bash -c 'check --all'
rm etc/*
device '"disks": [ { "id": "x", "path": "/srv/vm/x.raw", "readonly": true } ]' > etc/a.json
device '"disks": [ { "id": "y", "path": "/srv/vm/x.raw", "readonly": true } ]' > etc/b.json
expect 0 'b: spec ok' 'two readers of a disk' bash -c 'check --all'
device '"disks": [ { "id": "y", "path": "/srv/vm/x.raw" } ]' > etc/b.json
expect 75 'a and b both have the disk /srv/vm/x.raw, and b writes to it' 'a reader and a writer of a disk' bash -c 'check --all'
device '"disks": [ { "id": "y", "socket": "/srv/vm/x.sock" } ]' > etc/a.json
device '"shares": [ { "tag": "y", "socket": "/srv/vm/x.sock" } ]' > etc/b.json
expect 75 'both have the vhost-user socket /srv/vm/x.sock' 'a socket twice' bash -c 'check --all'
echo '{ "cpus": 0 }' > etc/c.json
expect 78 'both have the vhost-user socket' 'the worst exit code wins, all is told' bash -c 'check --all'
expect 64 '' 'neither names nor --all' bash -c 'check'

# host.conf: of the host, not of a spec, and no spec itself.
rm -r etc; mkdir etc
echo "$spec" > etc/web1.json
plan() { "$MVMD" --spec-dir="$tmp/etc" --state-dir="$tmp/state" --runtime-dir="$tmp/run" plan web1; }
export -f plan
echo '{ "uid_range": { "first": 600000 } }' > etc/host.conf
expect 0 'web1: spec ok' 'a host.conf beside the specs' bash -c 'check --all'
expect 66 'there is no spec' 'it is no spec by its name' bash -c 'check host.conf'
expect 78 'is no name of a spec file' 'nor by its path' bash -c 'check etc/host.conf'
echo '{ "uid_range": { "first": 0 } }' > etc/host.conf
expect 78 '/host.conf:1:27: /uid_range/first: 0 is out of range' 'check --all tells what is wrong in it' bash -c 'check --all'
expect 0 'web1: spec ok' 'a spec alone does not need it' bash -c 'check web1'
expect 78 '/host.conf:1:27: /uid_range/first: 0 is out of range' 'a plan does' bash -c plan
rm etc/host.conf; mkdir etc/host.conf
expect 78 'host.conf is a directory' 'a directory of that name' bash -c plan
rmdir etc/host.conf; mkfifo etc/host.conf
expect 78 'host.conf is a FIFO' 'a FIFO of that name does not hang' bash -c plan

echo "1..$n"
