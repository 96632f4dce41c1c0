#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the spec of a VM that runs says now and did not say when it was started.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

VMM=qemu ACCEL=tcg
need jq qemu-system-x86_64
private_namespaces "$@"
make_host

# tells TITLE TEXT: the status says that of the spec; "" for nothing.
tells() {
	is "$1" "$("$MVMD" status web1 2>&1 | sed -n 's/^  spec: //p')" "$2"
}

boot_with() {
	spec web1 "powerbutton poweroff" "$@"
	boot web1
}

boot_with '{ "disks": [] }'
tells "as it was started nothing is told" ""
holds "nor as data" web1 '.changed_since_start == []'

spec web1 "powerbutton poweroff" '{ "memory": { "size": "65536KiB" }, "description": "other words" }'
tells "the same in other words is no change" ""

spec web1 "powerbutton poweroff" '{ "memory": "96MiB", "cpus": 2 }'
tells "a change is told with its keys" "changed since start: cpus, memory (mvmd restart web1 applies it)"
holds "and as data" web1 '.changed_since_start == [ "cpus", "memory" ]'

spec web1 "powerbutton poweroff"
mkdir "$WORK/spec/web1.json.d"
echo '{ "timeouts": { "stop": "7s" } }' >"$WORK/spec/web1.json.d/stop.json"
tells "in a drop-in, too" "changed since start: timeouts (mvmd restart web1 applies it)"
rm -r "$WORK/spec/web1.json.d"

echo '{ "boot": ' >"$WORK/spec/web1.json"
tells "a spec that is wrong now is told" \
	"as it is now it cannot be started again (mvmd check web1 tells why)"
holds "of that there are no keys" web1 '.changed_since_start == null'

rm "$WORK/spec/web1.json"
tells "and one that is gone" "its file is gone since the start; the VM runs on until it is stopped"

await_text "$WORK/web1.out" "awaiting the power button"
succeeds "it is stopped all the same" "$MVMD" stop web1
finish
