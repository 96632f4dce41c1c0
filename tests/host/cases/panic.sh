#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A stock kernel that cannot go on says why in its own words, and mvmd in its own.
. "$(dirname "$0")/../case-lib.sh"
private_host "$@"

# dies_with WORDS ID TEXT REMEDY: the kernel with these words panics, and is given up at once.
dies_with() {
	linux_spec "$VM" "$1" '{ "crash_limit": { "count": 1 } }'
	provokes "$VM: a guest that cannot go on" "$2" $EXIT_CRASH_LIMIT "life=1" "$4" run "$VM"
	has "$VM: its kernel's own words are told" "$WORK/err" "$3"
	has "$VM: and they are on the console" "$WORK/out" "Kernel panic - not syncing: $3"
}

# rdinit= names a file that is there and is no program.
no_init() {
	dies_with "rdinit=/dev" guest-no-init "No working init found" "rdinit= in boot.cmdline"
}

no_root() {
	dies_with "rdinit=/none" guest-no-root "VFS: Unable to mount root fs" "compare root="
}

case_with cloud-hypervisor no-init no_init
case_with qemu no-root no_root
finish
