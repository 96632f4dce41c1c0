# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What is looked at of taps that stay over a restart. Sourced after run-lib.sh.

# As the unit has it where it is made for systemd 254 and newer; older ones do not know the key.
PRESERVE=FileDescriptorStorePreserve=yes

LEARNT=02:00:5e:10:00:99

# index_of LINK: nothing where there is none.
index_of() {
	ip -j link show "$1" 2>/dev/null | jq '.[0].ifindex'
}

# since NAME: when its first tap was made.
since() {
	inside mvmd status --json "$1" | jq '.interfaces[0].since_realtime_usec'
}
