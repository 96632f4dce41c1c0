#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# mvmd grant: what the VM's uid lacks is given to it, and only that, and taken back without a trace.

. "$(dirname "$0")/../lib.sh"
need_root
need setfacl getfacl

mkdir -p "$WORK/specs" "$WORK/state" "$WORK/closed/open" "$WORK/data/sub" "$WORK/linked"
echo kernel >"$WORK/closed/open/it's a kernel"
echo disk >"$WORK/disk.raw"
echo image >"$WORK/ro.raw"
echo text >"$WORK/data/sub/file"
chmod 700 "$WORK/closed" "$WORK/data" "$WORK/linked"
chmod 600 "$WORK/closed/open/it's a kernel" "$WORK/disk.raw" "$WORK/ro.raw" "$WORK/data/sub/file"
echo initrd >"$WORK/linked/initrd"
ln -s linked "$WORK/link"
setfacl -m u:1:r "$WORK/disk.raw" 2>/dev/null || skip_all "no access control lists on $WORK"
setfacl -b "$WORK/disk.raw"

cat >"$WORK/specs/g1.json" <<END
{ "boot": { "kernel": "$WORK/closed/open/it's a kernel", "initramfs": "$WORK/link/initrd" },
  "memory": "128MiB",
  "disks": [ { "id": "root", "path": "$WORK/disk.raw" },
             { "id": "base", "path": "$WORK/ro.raw", "readonly": true } ],
  "shares": [ { "tag": "data", "source": "$WORK/data" } ] }
END

mvmd() {
	"$MVMD" --spec-dir="$WORK/specs" --state-dir="$WORK/state" --runtime-dir="$WORK/run" "$@"
}

as_vm() {
	setpriv --reuid=400000 --regid=400000 --clear-groups "$@"
}

before=$(getfacl -pR "$WORK/closed" "$WORK/data" "$WORK/disk.raw" "$WORK/linked" "$WORK/ro.raw")

exits "a rehearsal" 0 mvmd grant --dry-run g1
is "its commands" "$(cat "$WORK/out")" "setfacl -m u:400000:x -- $WORK/closed
setfacl -m u:400000:r -- '$WORK/closed/open/it'\\''s a kernel'
setfacl -m u:400000:x -- $WORK/linked
setfacl -m u:400000:rw -- $WORK/disk.raw
setfacl -m u:400000:r -- $WORK/ro.raw
setfacl -R -m u:400000:rwX,d:u:400000:rwX -- $WORK/data"
is "it changes nothing" "$(getfacl -pR "$WORK/closed" "$WORK/data" "$WORK/disk.raw" \
	"$WORK/linked" "$WORK/ro.raw")" "$before"
is "nor takes the uid" "$(ls "$WORK/state/.uids.json" 2>&1 | grep -c 'No such')" 1

exits "the real thing" 0 mvmd grant g1
succeeds "the VM reads its kernel" as_vm cat "$WORK/closed/open/it's a kernel"
succeeds "and its initramfs behind a link" as_vm cat "$WORK/link/initrd"
succeeds "writes its disk" as_vm dd if=/dev/zero of="$WORK/disk.raw" conv=notrunc count=1
succeeds "reads the other one" as_vm cat "$WORK/ro.raw"
exits "but does not write it" 1 as_vm dd if=/dev/zero of="$WORK/ro.raw" conv=notrunc count=1
succeeds "changes the shared files" as_vm dd if=/dev/zero of="$WORK/data/sub/file" count=1
succeeds "makes new ones" as_vm touch "$WORK/data/sub/new"
echo later >"$WORK/data/sub/later"
succeeds "and has those made later" as_vm cat "$WORK/data/sub/later"
exits "does not list the directory on the way" 2 as_vm ls "$WORK/closed"
exits "another uid gets nothing" 1 setpriv --reuid=400001 --clear-groups cat "$WORK/ro.raw"
rm "$WORK/data/sub/new" "$WORK/data/sub/later"

exits "once more" 0 mvmd grant g1
has "there is nothing to be done" "$WORK/err" "nothing to be done"
is "and nothing is" "$(cat "$WORK/out")" ""

exits "all back" 0 mvmd grant --revoke g1
is "no entry is left" \
	"$(getfacl -pnR "$WORK/closed" "$WORK/data" "$WORK/disk.raw" "$WORK/linked" "$WORK/ro.raw" |
		grep -c 400000)" 0
exits "the kernel is closed again" 1 as_vm cat "$WORK/closed/open/it's a kernel"
exits "back once more" 0 mvmd grant --revoke g1
has "there was nothing" "$WORK/err" "nothing to be done"

exits "without setfacl" 69 env PATH="$WORK" "$MVMD" --spec-dir="$WORK/specs" \
	--state-dir="$WORK/state" grant g1
has "the package is named" "$WORK/err" "apt install acl"
exits "no such spec" 66 mvmd grant g2
exits "no name" 64 mvmd grant
finish
