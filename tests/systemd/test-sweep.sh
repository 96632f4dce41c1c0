#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is left of a VM after its unit's supervisor, swept or left; and a unit that never gets the VM's lock.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

lives() {
	[ -e "$(root /proc)/$1" ]
}

# kill_all PID...: never a group, as 0 would be.
kill_all() {
	local pid
	for pid; do
		[ "${pid:-0}" -gt 1 ] && inside kill -KILL "$pid"
	done
}

is_gone() {
	! lives "$1"
}

# unsupervised NAME: a VM that runs, and whose unit has failed; its VMM's pid is VMM. Nothing starts it again.
unsupervised() {
	drop_in "$1" Restart=no
	spec "$1" hang '{ "timeouts": { "stop": "1s" } }'
	start_unit "$1"
	VMM=$(vmm_pid "$1")
	kill_all "$(property "$1" MainPID)"
	comes "$1: its supervisor killed, the unit has failed" "$1" ActiveState failed
}

# ends_with NAME CODE: a supervisor in its unit that ends so, whatever the VM does.
ends_with() {
	drop_in "$1" Restart=no ExecStart= "ExecStart=/bin/sh -c 'exit $2'"
	start_unit "$1"
	is "$1: another supervisor ended with $2" "$(property "$1" ExecMainStatus)" "$2"
}

left_and_swept() {
	local code=$1 swept=$2 name=code-$1
	unsupervised "$name"
	succeeds "$name: the VMM lives on" lives "$VMM"
	says "$name: and that is told" "$name" "the VM goes on running, qemu pid $VMM"
	[ -n "$swept" ] || return
	ends_with "$name" "$code"
	if [ "$swept" = yes ]; then
		succeeds "$name: it is swept away" await is_gone "$VMM"
		says "$name: which is told" "$name" "swept away: qemu (pid $VMM)"
		await nothing_remains "$name"
		is "$name: nothing of it is left" "$(remains "$name")" ""
	else
		succeeds "$name: it lives on" lives "$VMM"
		succeeds "$name: an end by force" inside mvmd stop --force "$name"
		succeeds "$name: and it is gone" await is_gone "$VMM"
	fi
}

nothing_remains() {
	[ -z "$(remains "$1")" ]
}

# The supervisor does not even hear of the stop. (SIGSTOP would not do: systemd sends SIGCONT behind SIGTERM.)
ignores_the_stop() {
	drop_in deaf Restart=no TimeoutStopSec=1 KillSignal=SIGWINCH
	spec deaf hang
	start_unit deaf
	VMM=$(vmm_pid deaf)
	inside systemctl stop mvmd@deaf
	is "deaf: the stop took too long" "$(property deaf Result)" timeout
	succeeds "deaf: the VMM is swept away all the same" await is_gone "$VMM"
	says "deaf: which is told" deaf "swept away: qemu (pid $VMM)"
	is "deaf: nothing of it is left" "$(remains deaf)" ""
}

# A supervisor that dies in the middle of a stop: what it began is brought to its end, and nobody adopts.
dies_while_it_stops() {
	spec dying hang
	start_unit dying
	VMM=$(vmm_pid dying)
	inside systemctl stop --no-block mvmd@dying
	comes "dying: the guest is asked to power off" dying StatusText "stopping: *"
	kill_all "$(property dying MainPID)"
	comes "dying: its supervisor killed, the stop is over" dying ActiveState failed
	succeeds "dying: the VMM is swept away" await is_gone "$VMM"
	says "dying: which is told" dying "swept away: qemu (pid $VMM)"
	is "dying: and nothing of it is left" "$(remains dying)" ""
	is "dying: nor started again" "$(property dying NRestarts)" 0
}

# A unit that has failed has no supervisor for its VM any more: mvmd stop is one.
failed_unit_is_stopped() {
	drop_in failed Restart=no
	spec failed "powerbutton poweroff"
	start_unit failed
	await journal_has failed "awaiting the power button"
	kill_all "$(property failed MainPID)"
	comes "failed: its supervisor killed, the unit has failed" failed ActiveState failed
	inside mvmd stop failed >"$WORK/failed.stop" 2>&1
	is "failed: mvmd stop" $? 0
	has "failed: the guest powered off" "$WORK/failed.stop" "the guest powered off"
	is "failed: nothing of it is left" "$(remains failed)" ""
}

# What cannot be taken over is not swept away: the VM goes on running, and each try says what to do.
adoption_fails() {
	local record
	unsupervised fails
	record=$(root /run/mvmd)/fails/state.json
	jq '.spec.document.warp = 9' "$record" >"$WORK/record"
	cat "$WORK/record" >"$record"
	drop_in fails Restart=no
	start_unit fails
	is "fails: a VM that cannot be taken over is a failure that is tried again" "$(property fails ExecMainStatus)" 75
	succeeds "fails: it lives on" lives "$VMM"
	says "fails: it is told where the fault lies" fails "the spec in /run/mvmd/fails/state.json:1:"
	says "fails: and what to do" fails "mvmd stop --force fails ends it"
	succeeds "fails: that helps" inside mvmd stop --force fails
	succeeds "fails: and it is gone" await is_gone "$VMM"
}

# By hand the VM is its own supervisor's, whatever becomes of the unit.
by_hand() {
	local supervisor
	spec hand "powerbutton poweroff"
	start hand inside mvmd run hand
	supervisor=$STARTED
	await_text "$WORK/hand.err" "running after"
	ends_with hand 66
	says "hand: the sweep sees whose it is" hand "nothing of it is swept away"
	is "hand: it runs on" "$(inside mvmd status --json hand | jq -r .state)" running
	await_text "$WORK/hand.out" "awaiting the power button"
	succeeds "hand: it is stopped" inside mvmd stop hand
	ended "$supervisor"
	is "hand: in order" "$STATUS" 0
}

# A unit whose VM runs by hand tries again, but not at once, and takes it when it may.
busy() {
	local supervisor restarts
	spec busy "powerbutton poweroff"
	start busy inside mvmd run busy
	supervisor=$STARTED
	await_text "$WORK/busy.err" "running after"
	inside systemctl start --no-block mvmd@busy
	says "busy: a unit whose VM runs by hand waits, longer each time" busy "4 in a row failed, the last one with exit code 75"
	restarts=$(property busy NRestarts)
	[ "$restarts" -lt 10 ] && pass "busy: that is no storm" || fail "busy: that is no storm" "$restarts"
	is "busy: the VM that runs has no history of that" "$(inside mvmd status --json busy | jq -r .state)" running
	await_text "$WORK/busy.out" "awaiting the power button"
	inside mvmd stop busy >"$WORK/busy.stop" 2>&1
	ended "$supervisor"
	is "busy: the VM ends in order" "$STATUS" 0
	inside systemctl start mvmd@busy
	comes "busy: then the unit runs it" busy ActiveState active
	await journal_has busy "awaiting the power button"
	stop busy
}

# The lock's file cannot be had at all: that is tried again, too, and waits.
no_lock() {
	spec locked "powerbutton poweroff"
	mkdir "$(root /run)/mvmd/.locked.lock"
	inside systemctl start --no-block mvmd@locked
	says "locked: a lock that is not to be had is awaited" locked "4 in a row failed, the last one with exit code 71, vm-lock"
	rmdir "$(root /run)/mvmd/.locked.lock"
	comes "locked: it starts when it may" locked ActiveState active
	await journal_has locked "awaiting the power button"
	stop locked
}

# stray NAME: a process in the unit's control group that nobody has on record; its pid is STRAY.
stray() {
	start stray inside setsid sh -c \
		"echo \$\$ >/sys/fs/cgroup/mvmd.slice/mvmd@$1.service/cgroup.procs && echo \$\$ && exec sleep 1000"
	await test -s "$WORK/stray.out"
	STRAY=$(cat "$WORK/stray.out")
}

# The generator gives the unit what a share needs: with the daemon-reload behind the spec.
share_and_limit() {
	if type -P virtiofsd >/dev/null; then
		echo '{ "timeouts": { "stop": "1s" }, "shares": [ { "tag": "data", "source": "/srv/share" } ] }'
	else
		echo '{ "timeouts": { "stop": "1s" } }'
	fi
}

# all_processes NAME: of the unit's control group but its supervisor and STRAY.
all_processes() {
	inside cat "/sys/fs/cgroup/mvmd.slice/mvmd@$1.service/cgroup.procs" |
		grep -vx -e "$(property "$1" MainPID)" -e "$STRAY" | sort
}

# Who adopts the VM ends what nobody had on record, and nothing else; a share is served by two processes.
adoption_ends_strays() {
	local before
	spec adopt hang "$(share_and_limit)"
	inside systemctl daemon-reload
	start_unit adopt
	VMM=$(vmm_pid adopt)
	stray adopt
	before=$(all_processes adopt)
	kill_all "$(property adopt MainPID)"
	comes "adopt: its supervisor killed, the unit is restarted" adopt NRestarts 1
	comes "adopt: and is active again" adopt ActiveState active
	is "adopt: with the VM that runs" "$(vmm_pid adopt)" "$VMM"
	succeeds "adopt: what nobody had on record is gone" await is_gone "$STRAY"
	says "adopt: and is told" adopt "sleep (pid $STRAY)"
	is "adopt: all others are those of before" "$(all_processes adopt)" "$before"
	stop adopt
}

# As one that its supervisor had started in the moment before it was killed.
next_start_ends_strays() {
	spec stray hang "$(share_and_limit)"
	inside systemctl daemon-reload
	start_unit stray
	VMM=$(vmm_pid stray)
	stray stray
	kill_all "$(property stray MainPID)" "$VMM"
	comes "stray: supervisor and VMM killed, the unit is restarted" stray NRestarts 1
	comes "stray: and is active again" stray ActiveState active
	succeeds "stray: what nobody had on record is gone" await is_gone "$STRAY"
	says "stray: and is told" stray "sleep (pid $STRAY)"
	stop stray
}

sweep_ends_strays() {
	drop_in odd TimeoutStopSec=1 KillSignal=SIGWINCH
	spec odd hang
	start_unit odd
	stray odd
	inside systemctl stop mvmd@odd
	succeeds "odd: a sweep ends what nobody had on record" await is_gone "$STRAY"
	is "odd: nothing is left" "$(remains odd)" ""
}

boot
left_and_swept 66 yes
left_and_swept 75 no
left_and_swept 203 no
ignores_the_stop
dies_while_it_stops
failed_unit_is_stopped
adoption_fails
by_hand
busy
no_lock
next_start_ends_strays
adoption_ends_strays
sweep_ends_strays
finish
