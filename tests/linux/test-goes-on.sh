#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A Linux guest at work, which pings, writes into its share and to its disk, and does not notice that its supervisor
# executes itself anew, is killed, and is followed by another.
. "$(dirname "$0")/../lib.sh"

need qemu-storage-daemon
. "$(dirname "$0")/linux-lib.sh"

# counted: how far the guest has come, as its share says.
counted() {
	tail -n 1 "$WORK/busy.share/counted" 2>/dev/null || echo 0
}

has_counted_to() {
	[ "$(counted)" -ge "$1" ]
}

# works_on TITLE: it does so much more that it is no remainder.
works_on() {
	local wanted=$(($(counted) + 10))
	await has_counted_to $wanted && pass "$1" ||
		fail "$1" "it counted to $(counted), wanted: $wanted" "$(cat "$WORK"/*.err "$WORK"/*.out)"
}

# processes: VMM and backends.
processes() {
	"$MVMD" status busy --json | jq -r '[.vmm.pid, .backends[].pid] | map(tostring) | join(" ")'
}

is_reloaded() {
	succeeds "its supervisor executes itself anew" "$MVMD" unit reload busy
	is "VMM and backends are the same" "$(processes)" "$before"
	works_on "the guest works on after the reload"
}

# is_killed NAME: by the supervisor of this name the VM is adopted.
is_killed() {
	kill -KILL "$supervisor"
	ended "$supervisor"
	works_on "the guest works on without a supervisor"
	start "$1" "$MVMD" run busy
	supervisor=$STARTED
	await_text "$WORK/$1.err" "adopted the running VM" && pass "the next one adopts the VM" ||
		fail "the next one adopts the VM" "$(cat "$WORK/$1.err")"
	is "VMM and backends are the same" "$(processes)" "$before"
	works_on "the guest works on under the next one"
}

# sectors N: the first N numbers that the guest wrote to its disk.
sectors() {
	dd if="$WORK/busy.raw" bs=512 skip=16 count="$1" status=none | tr -d '\0'
}

make_host
write_spec busy 2 work,poweroff ', "backend": "storage-daemon"' ', "user": "root"'
start first "$MVMD" run busy
supervisor=$STARTED
works_on "the guest pings, counts into its share and onto its disk"
before=$(processes)
is_reloaded
is_killed second
is_reloaded
is_killed third
is_reloaded

: >"$WORK/busy.share/enough"
ended "$supervisor"
is "the guest powers off, and that is exit status 0" "$STATUS" 0
words=$(sed -n 's/^guest: counted to \([0-9]*\), pinged \([0-9]*\) times, heard \([0-9]*\) replies.*/\1 \2 \3/p' \
	"$WORK/third.out")
read -r last pings replies <<<"$words"
echo "# it counted to ${last:-nothing}, and pinged ${pings:-never} times"
succeeds "it has counted" [ "${last:-0}" -gt 50 ]
is "each number is once in the share" "$(cat "$WORK/busy.share/counted")" "$(seq "$last")"
is "each number is on the disk" "$(sectors "$last")" "$(seq "$last")"
succeeds "it has pinged" [ "${pings:-0}" -gt 20 ]
is "no reply is missing" "$replies" "$pings"
is "it lived once" "$(cat "$WORK"/{first,second,third}.out | grep -ac "^guest: Linux ")" 1
nothing_is_left
finish
