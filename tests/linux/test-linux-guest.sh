#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A Linux guest from the distribution's own packages, in QEMU: bridge, share and disk, a reboot, and
# the power button.
. "$(dirname "$0")/../lib.sh"

need qemu-storage-daemon
. "$(dirname "$0")/linux-lib.sh"

# One is served by backends, its share as root, and has a shell until it is stopped; the other has its disk from
# the VMM, its share as its own user, and powers off by itself.
prepare() {
	make_host
	write_spec linux 2 reboot,shell ', "backend": "storage-daemon"' ', "user": "root"'
	write_spec alone 3 reboot,poweroff "" ""
}

# times VM TEXT: how often the guest said so.
times() {
	grep -cF "guest: $2" "$WORK/$1.out"
}

# lived_twice VM: all that a guest does in each of its two lives.
lived_twice() {
	is "$1: it came up twice" "$(times "$1" "Linux ")" 2
	is "$1: both lives ping the host over the bridge" \
		"$(times "$1" "10.0.0.1 answers over the bridge")" 2
	is "$1: both lives read the share" "$(times "$1" "the share says: a line of the host's")" 2
	is "$1: both lives wrote into the share" "$(grep -c "was here" "$WORK/$1.share/from-guest")" 2
	is "$1: both lives read the disk" \
		"$(times "$1" "the disk says: first words of the disk")" 2
	is "$1: both lives wrote to the disk" \
		"$(times "$1" "wrote to the disk and read it back")" 2
	is "$1: both lives find the credential" \
		"$(times "$1" "io.systemd.credential:greeting=a word of the host's")" 2
	has "$1: what the guest wrote is in the disk's file" "$WORK/$1.raw" "written by the guest"
}

prepare
start linux "$MVMD" run linux
supervisor=$STARTED
# The Rust virtiofsd alone serves as a user of the VM's own.
if command -v virtiofsd >/dev/null; then
	start alone "$MVMD" run alone
	ended "$STARTED"
	is "alone: the guest powers off by itself" "$STATUS" 0
	lived_twice alone
	succeeds "alone: its file in the share belongs to a user of its own" \
		[ "$(stat -c %u "$WORK/alone.share/from-guest")" -ge $FIRST_UID ]
else
	skip "alone" "there is no virtiofsd but the C one, which serves only as root"
fi

if ! await_text "$WORK/linux.out" "guest: waiting for the power button"; then
	fail "linux: the guest boots, reboots and waits" "$(cat "$WORK/linux.err" "$WORK/linux.out")"
	finish
fi
lived_twice linux
is "linux: status says two lives" "$("$MVMD" status linux --json | jq .guest.lives)" 2
echo 'echo the shell says $((40 + 2))' | "$MVMD" console linux >"$WORK/console" 2>&1 &
succeeds "linux: its shell answers on the console" await_text "$WORK/linux.out" "the shell says 42"
succeeds "linux: mvmd stop asks the guest" "$MVMD" stop linux
ended "$supervisor"
is "linux: the supervisor ends with 0" "$STATUS" 0
has "linux: the guest saw the power button" "$WORK/linux.out" "the power button was pressed"
nothing_is_left
finish
