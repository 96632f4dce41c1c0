#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A unit's supervisor that dies, and the next one, which takes over the VM that runs: with systemd's fd store and
# without it.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

# with_disk NAME WORDS: a VM with a disk of a storage daemon's; its processes' pids are in BEFORE when it runs.
with_disk() {
	truncate -s 1M "$(root "/srv/$1.raw")"
	chmod 666 "$(root "/srv/$1.raw")"
	spec "$1" "$2" "{ \"disks\": [
		{ \"id\": \"blk\", \"path\": \"/srv/$1.raw\", \"backend\": \"storage-daemon\" } ] }"
	start_unit "$1"
	comes "$1: runs" "$1" ActiveState active
	BEFORE=$(processes "$1")
}

processes() {
	inside mvmd status --json "$1" | jq -r '[.vmm.pid, .backends[].pid] | map(tostring) | join(" ")'
}

# supervises NAME: its supervisor answers.
supervises() {
	inside mvmd status --json "$1" | jq -e '.state == "running"'
}

# adopted NAME RESTARTS: it is the VM that it was, with another supervisor.
adopted() {
	comes "$1: systemd starts a supervisor again" "$1" NRestarts "$2"
	comes "$1: the unit is active again" "$1" ActiveState active
	succeeds "$1: which answers" await supervises "$1"
	says "$1: and says that it adopted the VM" "$1" "adopted the running VM"
	says "$1: and that systemd's warnings were expected" "$1" "were expected"
	is "$1: VMM and backend are the same" "$(processes "$1")" "$BEFORE"
	is "$1: one life goes on, nothing is found, the tap is on the bridge" "$(inside mvmd status --json "$1" |
		jq -c '[.guest.lives, .lives[0].end, .findings, .interfaces[0].attached]')" "[1,null,[],true]"
	journal_has "$1" "cleaned up what an earlier run left" && fail "$1: nothing was cleaned up" ||
		pass "$1: nothing was cleaned up"
}

is_killed() {
	local i
	with_disk lost "powerbutton poweroff"
	is "lost: systemd keeps the backend's listener" "$(property lost NFileDescriptorStore)" 1
	for i in 1 2; do
		inside kill -KILL "$(property lost MainPID)"
		adopted lost "$i"
	done
	is "lost: and keeps it still, once" "$(property lost NFileDescriptorStore)" 1
	stop lost
	is "lost: the guest powered off by itself" "$(property lost Result)" success
	start_unit lost
	comes "lost: it can be started anew" lost ActiveState active
	is "lost: and is given nothing of the old one" "$(property lost NFileDescriptorStore)" 1
	stop lost
}

is_aborted_by_the_watchdog() {
	drop_in stuck WatchdogSec=10 # a busy supervisor is not to miss it
	with_disk stuck "powerbutton poweroff"
	inside kill -STOP "$(property stuck MainPID)"
	adopted stuck 1
	stop stuck
}

# The unit fails, and the store is emptied: the record is enough.
fails() {
	drop_in failed Restart=no
	with_disk failed "powerbutton poweroff"
	inside kill -KILL "$(property failed MainPID)"
	comes "failed: the unit has failed" failed ActiveState failed
	inside systemctl reset-failed mvmd@failed
	inside mvmd run --now other-name 2>/dev/null # a stranger's start changes nothing
	start_unit failed
	adopted failed 0
	stop failed
}

# By hand, where the unit has failed; and the unit keeps away then.
by_hand() {
	drop_in hand Restart=no
	with_disk hand "powerbutton poweroff"
	inside kill -KILL "$(property hand MainPID)"
	comes "hand: the unit has failed" hand ActiveState failed
	start by-hand inside mvmd run hand
	local supervisor=$STARTED
	await_text "$WORK/by-hand.err" "adopted the running VM" && pass "hand: mvmd run adopts its VM" ||
		fail "hand: mvmd run adopts its VM" "$(cat "$WORK/by-hand.err")"
	is "hand: as it was" "$(processes hand)" "$BEFORE"
	succeeds "hand: and is told to stop" inside mvmd stop hand
	ended "$supervisor"
	is "hand: which it does" "$STATUS" 0
}

# The start limit: no start any more, until somebody asks for one.
start_limit() {
	drop_in limit StartLimitBurst=
	mkdir -p "$(root /etc/systemd/system)/mvmd@limit.service.d"
	printf '[Unit]\nStartLimitBurst=1\n' >"$(root /etc/systemd/system)/mvmd@limit.service.d/limit.conf"
	rm "$(root /etc/systemd/system)/mvmd@limit.service.d/test.conf"
	inside systemctl daemon-reload
	with_disk limit "powerbutton poweroff"
	inside kill -KILL "$(property limit MainPID)"
	comes "limit: systemd starts it no more" limit ActiveState failed
	inside systemctl reset-failed mvmd@limit
	start_unit limit
	adopted limit 0
	stop limit
}

# An update: the new program takes over in place; what is changed in the unit's file waits for a restart.
is_reloaded() {
	local main
	with_disk new "powerbutton poweroff"
	main=$(property new MainPID)
	cp "$(root /usr/bin/mvmd)" "$(root /usr/bin/mvmd.new)"
	mv "$(root /usr/bin/mvmd.new)" "$(root /usr/bin/mvmd)"
	is "new: the program that runs was replaced" "$(readlink "$(root /proc)/$main/exe")" "/usr/bin/mvmd (deleted)"
	succeeds "new: mvmd reload" inside mvmd reload new
	is "new: the new one runs when it returns" "$(readlink "$(root /proc)/$main/exe")" "/usr/bin/mvmd"
	is "new: in the same process" "$(property new MainPID) $(property new NRestarts)" "$main 0"
	is "new: the unit is active" "$(property new ActiveState)" active
	succeeds "new: its supervisor answers" supervises new
	is "new: VMM and backend are the same" "$(processes new)" "$BEFORE"
	says "new: it is told" new "reloaded: mvmd"
	succeeds "new: systemctl reload does the same" inside systemctl reload mvmd@new
	inside kill -KILL "$(property new MainPID)"
	adopted new 1
	printf 'no program\n' >"$(root /usr/bin/mvmd.new)"
	cp "$(root /usr/bin/mvmd)" "$WORK/good"
	chmod 755 "$(root /usr/bin/mvmd.new)"
	mv "$(root /usr/bin/mvmd.new)" "$(root /usr/bin/mvmd)"
	inside systemctl reload mvmd@new 2>/dev/null
	is "new: an update that does not run is no end" "$(property new ActiveState) $(property new NRestarts)" "active 1"
	cp "$WORK/good" "$(root /usr/bin/mvmd.new)"
	mv "$(root /usr/bin/mvmd.new)" "$(root /usr/bin/mvmd)"
	stop new
}

boot
is_reloaded
is_killed
is_aborted_by_the_watchdog
fails
by_hand
start_limit
finish
