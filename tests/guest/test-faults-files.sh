#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What can be wrong with specs, files, disks, users and mvmd's own folders: each fault is provoked, named, and where
# that is cheap cured as its remedy says.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
need qemu-system-x86_64 qemu-img jq strace setpriv

VMM=qemu ACCEL=tcg
. "$TOP/tests/guest/run-lib.sh"
. "$TOP/tests/guest/faults-lib.sh"
make_host

# LeakSanitizer cannot work under strace.
inject() {
	echo "env ASAN_OPTIONS=detect_leaks=0 strace -f -o /dev/null -e trace=$1 -e inject=$2"
}

vm() {
	spec "$1" poweroff "${2-"{}"}"
}

disk() {
	jq -nc --arg path "$1" --argjson more "${2-"{}"}" \
		'{ disks: [ { id: "root", path: $path } + $more ] }'
}

folder() {
	jq -nc --arg source "$1" '{ shares: [ { tag: "data", source: $source } ] }'
}

# --- specs

vm web1
provokes "misspelt" no-spec $EXIT_NO_SPEC "path=$WORK/spec/web2.json, nearest=web1" \
	'did you mean "web1"?' check web2
cp "$WORK/spec/web1.json" "$WORK/web1.conf"
provokes "another ending" spec-file-name $EXIT_SPEC "path=$WORK/web1.conf" \
	"mv $WORK/web1.conf $WORK/web1.conf.json" check "$WORK/web1.conf"
mv "$WORK/web1.conf" "$WORK/web1.conf.json"
checks "renamed as the remedy says" "$WORK/web1.conf.json"
cp "$WORK/spec/web1.json" "$WORK/web_1.json"
provokes "a character that no name has" vm-name $EXIT_SPEC "name=web_1" "rename the file" \
	check "$WORK/web_1.json"
mkfifo "$WORK/spec/fifo.json"
provokes "a FIFO" spec-file-kind $EXIT_SPEC "path=$WORK/spec/fifo.json, kind=a FIFO" \
	"put a regular file there" check fifo
ln -s loop.json "$WORK/spec/loop.json"
provokes "a symlink to itself" spec-file-open $EXIT_SYSTEM \
	"path=$WORK/spec/loop.json, errno=ELOOP" "namei -l $WORK/spec/loop.json" check loop
# The first page of one's own memory is never mapped: a regular file whose reading fails.
ln -s /proc/self/mem "$WORK/spec/broken.json"
provokes "a disk that fails" spec-file-read $EXIT_SYSTEM "path=$WORK/spec/broken.json, errno=EIO" \
	dmesg check broken
rm "$WORK"/spec/{fifo,loop,broken}.json

# --- files

vm web1 '{ "boot": { "kernel": "/srv/vm/vmlinuz" } }'
provokes "a folder that is not there" path-unusable $EXIT_UNAVAILABLE \
	"path=/srv/vm/vmlinuz, blocked_at=/srv/vm, errno=ENOENT" "correct the path in" check web1
vm web1 "$(disk "$WORK/root.raw")"
provokes "a disk that is not there" path-unusable $EXIT_UNAVAILABLE \
	"path=$WORK/root.raw, blocked_at=$WORK/root.raw, errno=ENOENT" "put the disk there" run --now web1
truncate -s 1M "$WORK/root.raw"
chmod 600 "$WORK/root.raw"
provokes "a disk that is root's alone" path-denied $EXIT_PERMISSION \
	"path=$WORK/root.raw, uid=$FIRST_UID, blocked_at=$WORK/root.raw, errno=EACCES" \
	"mvmd grant web1" run --now web1
"$MVMD" grant web1 >"$WORK/out" 2>&1
starts "granted as the remedy says" web1

vm web1 "$(disk "$WORK/share")"
provokes "a directory as a disk" path-wrong-type $EXIT_UNAVAILABLE \
	"path=$WORK/share, kind=a directory" "correct the path in $WORK/spec/web1.json" check web1

mkdir "$WORK/readonly"
mount -t tmpfs -o size=64k,mode=777 tmpfs "$WORK/readonly"
truncate -s 1M "$WORK/readonly/disk.raw"
chmod 666 "$WORK/readonly/disk.raw"
mount -o remount,ro "$WORK/readonly"
vm web1 "$(disk "$WORK/readonly/disk.raw")"
provokes "a read-only file system" path-unusable $EXIT_UNAVAILABLE \
	"path=$WORK/readonly/disk.raw, errno=EROFS" 'set "readonly": true on the disk' run --now web1
vm web1 "$(disk "$WORK/readonly/disk.raw" '{ "readonly": true }')"
starts "a disk that is readonly there" web1
umount "$WORK/readonly"

vm web1 "$(folder "$WORK/absent")"
provokes "a shared folder that is not there" path-unusable $EXIT_UNAVAILABLE \
	"path=$WORK/absent, blocked_at=$WORK/absent, errno=ENOENT" "put the shared folder there" \
	check web1
mkdir -m 700 "$WORK/absent"
provokes "a shared folder that is root's alone" path-denied $EXIT_PERMISSION \
	"path=$WORK/absent, uid=$FIRST_UID, blocked_at=$WORK/absent, errno=EACCES" \
	"mvmd grant web1" check web1
"$MVMD" grant web1 >"$WORK/out" 2>&1
if command -v virtiofsd >/dev/null; then
	starts "granted as the remedy says" web1
else
	skip "a shared folder is granted as the remedy says" "the Rust virtiofsd is not installed"
fi

# --- what a disk's file is

: >"$WORK/empty.raw"
chmod 666 "$WORK/empty.raw"
vm web1 "$(disk "$WORK/empty.raw")"
provokes "nobody gave it a size" disk-empty $EXIT_UNAVAILABLE "path=$WORK/empty.raw" \
	"truncate -s 10G $WORK/empty.raw" run --now web1
truncate -s 10G "$WORK/empty.raw"
starts "made larger as the remedy says" web1
truncate -s 1000 "$WORK/empty.raw"
provokes "1000 bytes" disk-size-odd 0 "path=$WORK/empty.raw, size_bytes=1000" \
	"truncate -s %512 $WORK/empty.raw" check web1
truncate -s %512 "$WORK/empty.raw"
checks "filled up as the remedy says" web1

truncate -s 1M "$WORK/plain.raw"
chmod 666 "$WORK/plain.raw"
vm web1 "$(disk "$WORK/plain.raw" '{ "format": "qcow2" }')"
provokes "a raw one as qcow2" disk-format $EXIT_UNAVAILABLE "path=$WORK/plain.raw, looks_like=raw" \
	"qemu-img info $WORK/plain.raw" run --now web1
qemu-img create -q -f qcow2 "$WORK/image.qcow2" 1M
chmod 666 "$WORK/image.qcow2"
vm web1 "$(disk "$WORK/image.qcow2")"
provokes "a qcow2 as raw" disk-looks-different 0 "path=$WORK/image.qcow2, looks_like=qcow2" \
	'"format": "qcow2" in' run --now web1
vm web1 "$(disk "$WORK/image.qcow2" '{ "format": "qcow2" }')"
starts "as the remedy says" web1

mkdir "$WORK/tight"
mount -t tmpfs -o size=1m,mode=777 tmpfs "$WORK/tight"
truncate -s 1M "$WORK/tight/disk.raw"
chmod 666 "$WORK/tight/disk.raw"
spec web1 "lives=disk powerbutton poweroff" "$(disk "$WORK/tight/disk.raw")"
head -c 1M /dev/zero >"$WORK/tight/other" 2>/dev/null
provokes "no room to write" disk-full 0 \
	"path=$WORK/tight/disk.raw, missing_bytes=1048576, free_bytes=0" "df $WORK/tight/disk.raw" check web1
boot web1
status_names "of a VM that runs" disk-full web1 "path=$WORK/tight/disk.raw, free_bytes=0" \
	"df $WORK/tight/disk.raw"
rm "$WORK/tight/other"
no_findings "room is made as the remedy says" web1
"$MVMD" stop --force web1 2>/dev/null
ends "web1 ends" 0
starts_full() {
	spec web1 "lives=disk poweroff" "$(disk "$WORK/tight/disk.raw")"
	starts "and starts again" web1
}
starts_full
umount "$WORK/tight"

# --- locks

chmod 666 "$WORK/root.raw"
vm web1 "$(disk "$WORK/root.raw")"
spec rival hang "$(disk "$WORK/root.raw")"
boot rival
provokes "another VM has the disk" disk-busy $EXIT_BUSY \
	"path=$WORK/root.raw, holder_pid=$SUPERVISOR, holder=mvmd, holder_vm=rival" \
	"mvmd stop rival" run --now web1
"$MVMD" stop --force rival 2>/dev/null
ends "rival ends" 0
starts "which was stopped as the remedy says" web1
start locker flock "$WORK/root.raw" sleep infinity
locker=$STARTED
await_lock() {
	! flock -n "$WORK/root.raw" true
}
await await_lock
provokes "another program has it" disk-busy $EXIT_BUSY \
	"path=$WORK/root.raw, holder_pid=$locker, holder=flock" "end pid $locker" run --now web1
pkill -P "$locker"
ended "$locker"
UNDER=$(inject flock flock:error=ENOLCK) provokes "a file system without locks" disk-lock \
	$EXIT_SYSTEM "path=$WORK/root.raw, errno=ENOLCK" "df -T $WORK/root.raw" run --now web1

# --- two specs

vm web2 "$(disk "$WORK/root.raw" | jq '. + { vsock: { cid: 7 },
	shares: [ { tag: "s", socket: "/run/shared.sock" } ] }')"
jq . "$WORK/spec/web2.json" >"$WORK/spec/web1.json"
rm "$WORK/spec/rival.json"
provokes "two specs write to one" disk-conflict $EXIT_UNAVAILABLE \
	"vms=web1, web2, both_have=the disk $WORK/root.raw, and each of them writes to it" \
	'make it "readonly"' check --all
provokes "two specs" cid-conflict $EXIT_UNAVAILABLE "vms=web1, web2, both_have=the vsock CID 7" \
	'write another "cid"' check --all
provokes "two specs" socket-conflict $EXIT_UNAVAILABLE \
	"vms=web1, web2, both_have=the vhost-user socket /run/shared.sock, which serves one" \
	'write another "socket"' check --all
for name in web1 web2; do
	jq '.vmm = "cloud-hypervisor" | .accel = "kvm"' "$WORK/spec/$name.json" >"$WORK/spec.new"
	mv "$WORK/spec.new" "$WORK/spec/$name.json"
done
"$MVMD" check --all >"$WORK/text" 2>&1
has "two specs for cloud-hypervisor are compared as well" "$WORK/text" "[socket-conflict]"
has_not "but the host has no CIDs of theirs" "$WORK/text" "[cid-conflict]"
rm "$WORK/spec/web2.json"

# --- users

vm web1 '{ "user": "nosuchuser" }'
provokes "the VM's" user-missing $EXIT_UNAVAILABLE "user=nosuchuser" \
	"useradd --system nosuchuser" check web1
vm web1 '{ "owners": [ { "group": "nosuchgroup" } ] }'
provokes "a group" owner-missing $EXIT_UNAVAILABLE "owner=nosuchgroup" "groupadd nosuchgroup" run --now web1
spec web1 poweroff '{ "user": "root", "interfaces": [] }'
UNDER="setpriv --reuid=4242 --regid=4242 --clear-groups --" provokes "as an ordinary user" \
	setuid-denied $EXIT_PERMISSION "uid=4242" "run mvmd as root" --runtime-dir="$WORK/share/run" check web1

# --- mvmd's own folders

vm web1
long=$WORK/$(printf '%090d' 0)
provokes "a runtime directory with a long name" socket-path-too-long $EXIT_USAGE \
	"path=$long/web1/control, length=$((${#long} + 13))" "give a shorter --runtime-dir" \
	--runtime-dir="$long" check web1

cp "$WORK/state/.uids.json" "$WORK/uids"
echo '{' >"$WORK/state/.uids.json"
provokes "not what mvmd wrote" uid-table-damaged $EXIT_SYSTEM "path=$WORK/state/.uids.json" \
	"restore it from a backup" run --now web1
cp "$WORK/uids" "$WORK/state/.uids.json"
starts "restored as the remedy says" web1

mkdir "$WORK/full"
mount -t tmpfs -o ro tmpfs "$WORK/full"
provokes "a read-only state folder" uid-table $EXIT_PERMISSION \
	"path=$WORK/full/.uids.json, errno=EROFS" "df $WORK/full" --state-dir="$WORK/full" run --now web1
provokes "a read-only file system" runtime-directory $EXIT_SYSTEM "path=$WORK/full/run, errno=EROFS" \
	"--runtime-dir" --runtime-dir="$WORK/full/run" run --now web1
umount "$WORK/full"

echo '{ "uid_range": { "first": 500000, "count": 1 } }' >"$WORK/spec/host.conf"
mkdir "$WORK/small"
"$MVMD" --state-dir="$WORK/small" run web1 >"$WORK/out" 2>&1 </dev/null
vm web9
provokes "a range of one" uid-range-full $EXIT_SYSTEM "first=500000, count=1" \
	'a larger "count"' --state-dir="$WORK/small" run --now web9
rm "$WORK/spec/host.conf" "$WORK/spec/web9.json"

mkdir "$WORK/run"
mkdir "$WORK/run/.web1.lock"
provokes "a directory in its place" vm-lock $EXIT_SYSTEM \
	"path=$WORK/run/.web1.lock, errno=EISDIR" "ls -l $WORK/run/.web1.lock" run --now web1
rmdir "$WORK/run/.web1.lock"

mkdir -p "$WORK/run/web1/photos"
provokes "a folder of somebody else's" leftover-strange $EXIT_BUSY "path=$WORK/run/web1/photos" \
	"move it" run --now web1
rm -r "$WORK/run/web1/photos"
touch "$WORK/run/web1/state.json"
UNDER=$(inject unlinkat unlinkat:error=EROFS) provokes "a file system that became read-only" \
	leftover-files $EXIT_SYSTEM "path=$WORK/run/web1, errno=EROFS" "rm -r $WORK/run/web1" run --now web1
rm -r "$WORK/run/web1"
starts "removed as the remedy says" web1

finish
