#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mvmd start, stop and restart in a real systemd: what a person sees of it.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"
. "$(dirname "$0")/client-lib.sh"

start_and_stop() {
	spec life-1.a hang '{ "timeouts": { "stop": "1s" } }'
	mvmd_exits "start" 0 start life-1.a
	is "start: the VM runs when it returns" "$(property life-1.a ActiveState)" active
	says_here "start: it tells the VMM" "mvmd: life-1.a: running: qemu "
	says_here "start: it told the phases" "mvmd: life-1.a: booting: "
	mvmd_exits "start of a VM that runs" 0 start life-1.a
	says_here "start: it says that it runs" "life-1.a: runs already"
	before=$(vmm_pid life-1.a)
	mvmd_exits "restart" 0 restart life-1.a
	is "restart: it is another VMM" "$(($(vmm_pid life-1.a) != before))" 1
	mvmd_exits "stop" 0 stop life-1.a
	says_here "stop: it tells how long the guest has" "stopping: the guest was asked to power off, "
	says_here "stop: it says when it is done" "life-1.a: stopped"
	is "stop: that is no failure" "$(property life-1.a Result) $(property life-1.a ActiveState)" "success inactive"
	is "stop: nothing of it is left" "$(remains life-1.a)" ""
	mvmd_exits "stop of a VM that does not run" $EXIT_NOT_RUNNING stop life-1.a
	mvmd_exits "restart of a VM that does not run starts it" 0 restart life-1.a
	mvmd_exits "stop --force" 0 stop --force life-1.a
	comes "stop --force: the unit is inactive" life-1.a ActiveState inactive
	is "stop --force: that is no failure" "$(property life-1.a Result) $(property life-1.a NRestarts)" "success 0"
}

# Each of these would be another unit, had one been made of it by its ending, or by systemd-escape.
names() {
	local name
	for name in web.service a.mount my-vm 7 x-1.2.slice A--b; do
		spec "$name" hang "$QUICK"
	done
	mvmd_exits "names: all that a VM may have" 0 start web.service a.mount my-vm 7 x-1.2.slice A--b
	for name in web.service a.mount my-vm 7 x-1.2.slice A--b; do
		is "names: $name is an instance" "$(inside systemctl is-active "mvmd@$name.service") $(inside mvmd status --json "$name" | jq -r .state)" \
			"active running"
	done
	mvmd_exits "names: stop --all" 0 stop --all
	is "names: none runs any more" "$(inside systemctl list-units --plain --no-legend --state=active 'mvmd@*')" ""
}

without_waiting() {
	spec quick hang "$QUICK"
	mvmd_exits "no-wait: start" 0 start --no-wait quick
	comes "no-wait: it starts" quick ActiveState active
	mvmd_exits "no-wait: restart" 0 restart --no-wait quick
	mvmd_exits "no-wait: stop" 0 stop --no-wait quick
	comes "no-wait: it stops" quick ActiveState inactive
}

wrong_specs() {
	spec wrong hang '{ "cpus": "many" }'
	mvmd_exits "wrong: 78" $EXIT_SPEC start wrong
	says_here "wrong: the place in the file is told" "/etc/mvmd/wrong.json:"
	is "wrong: systemd was not asked" "$(property wrong ActiveState)" inactive
	spec right hang "$QUICK"
	mvmd_exits "wrong: the others are started" $EXIT_SPEC start wrong right
	is "wrong: they run" "$(property right ActiveState)" active
	cp "$SPECS/wrong.json" "$SPECS/right.json"
	mvmd_exits "wrong: a restart" $EXIT_SPEC restart right
	is "wrong: does not stop what runs" "$(property right ActiveState)" active
	rm "$SPECS/right.json"
	mvmd_exits "wrong: a VM without a spec is stopped all the same" 0 stop right
	mvmd_exits "no spec: 66" $EXIT_NO_SPEC start wrng
	says_here "no spec: with the nearest name" 'did you mean "wrong"?'
	echo '{ "uid_range": "x" }' >"$SPECS/host.conf"
	mvmd_exits "wrong: host.conf" $EXIT_SPEC start quick
	says_here "wrong: its place is told" "/etc/mvmd/host.conf:"
	rm "$SPECS/host.conf" "$SPECS/wrong.json"
}

# Of several, those that others come after are first, however they are named; and end last.
in_order() {
	spec front hang '{ "after": [ "middle" ], "timeouts": { "stop": "100ms" } }'
	spec middle hang '{ "after": [ "z" ], "timeouts": { "stop": "100ms" } }'
	spec z hang "$QUICK"
	mvmd_exits "order: start" 0 start front middle z
	is "order: z, middle, front" "$(sed -n 's/^mvmd: \(.*\): running: .*/\1/p' "$WORK/err" | xargs)" "z middle front"
	mvmd_exits "order: stop" 0 stop z front middle
	is "order: front, middle, z" "$(sed -n 's/^mvmd: \(.*\): stopped$/\1/p' "$WORK/err" | xargs)" "front middle z"
}

failing_start() {
	without_bridge lost 100ms
	mvmd_exits "failing: the exit code is the supervisor's" $EXIT_UNAVAILABLE start lost
	says_here "failing: the finding is told" "mvmd: lost: error: bridge br9 did not appear within 100ms [bridge-missing]"
	says_here "failing: with what fits this host" "the bridges that are there: br0"
	says_here "failing: with what to do" "  try: did you mean br0?"
	says_here "failing: and that it is tried again" "it is tried again"
	spec nothing hang '{ "boot": { "kernel": "/srv/none" }, "disks": [ { "id": "d", "path": "/srv/no-disk" } ] }'
	mvmd_exits "failing: before there is a VM" $EXIT_UNAVAILABLE start nothing
	says_here "failing: all is told" "/srv/none: No such file"
	says_here "failing: in one go" "/srv/no-disk: No such file"
	without_bridge still 100ms
	drop_in still Restart=no LogLevelMax=err
	mvmd_exits "failing: where systemd itself says nothing of it" $EXIT_UNAVAILABLE start still
	is "failing: the finding is told once" "$(grep -c "mvmd: still: error: .*\[bridge-missing\]" "$WORK/err")" 1
	says_here "failing: from the journal" "the bridges that are there: br0"
	mvmd_exits "failing: stop" 0 stop nothing
	mvmd_exits "failing: stop ends that" 0 stop lost
	# 257 leaves a unit that waited for its restart failed.
	[[ $(property lost ActiveState) =~ ^(inactive|failed)$ ]] && pass "failing: it is not tried again" ||
		fail "failing: it is not tried again" "it is $(property lost ActiveState)"
}

# A VM whose next try would come in a minute.
start_while_it_waits() {
	without_bridge turn 100ms
	write_history turn
	inside systemctl start --no-block mvmd@turn
	comes "turn: it waits" turn StatusText "waiting: next try in*"
	ip link add br9 type bridge
	ip link set br9 up
	mvmd_exits "turn: start ends the wait" 0 start turn
	is "turn: it runs" "$(property turn ActiveState)" active
	mvmd_exits "turn: stop" 0 stop turn
	write_history turn
	mvmd_exits "turn: a start has no need to wait" 0 start turn
	mvmd_exits "turn: stop again" 0 stop turn
	ip link del br9
}

# What was changed since is in the unit, and not in the process that waits.
start_anew_while_it_waits() {
	spec key hang '{ "timeouts": { "stop": "1s" }, "credentials": { "k": { "credential": "key" } } }'
	mvmd_exits "anew: the unit lacks a credential" $EXIT_UNAVAILABLE start key
	# Its next tries would write their own history, and their waits are short.
	inside mvmd stop key 2>/dev/null
	write_history key
	inside systemctl start --no-block mvmd@key
	comes "anew: it waits" key StatusText "waiting: next try in*"
	drop_in key SetCredential=key:value
	mvmd_exits "anew: start takes the unit as it is now" 0 start key
	is "anew: it runs" "$(property key ActiveState)" active
	mvmd_exits "anew: stop" 0 stop key
}

stop_during_start() {
	without_bridge early 1min
	start early inside mvmd start early
	comes "early: it waits for its bridge" early StatusText "*waiting for*br9*"
	mvmd_exits "early: stop" 0 stop early
	ended "$STARTED"
	is "early: the start fails" "$STATUS" $EXIT_SYSTEM
	has "early: and says who it was" "$WORK/early.err" "[unit-job]"
}

# Ctrl-C leaves the job.
leave_during_start() {
	without_bridge left 1min
	start left inside mvmd start left
	comes "left: it waits for its bridge" left StatusText "*waiting for*br9*"
	await_text "$WORK/left.err" "waiting for bridge br9"
	kill -INT "$(inside pgrep -x mvmd -a | awk '/mvmd start left/ { print $1 }' | in_our_pids)"
	ended "$STARTED"
	has "left: it says that the start goes on" "$WORK/left.err" "left: the start goes on"
	is "left: it does" "$(property left ActiveState)" activating
	mvmd_exits "left: stop" 0 stop left
}

# On a terminal the phases are one line, which is gone at the end.
on_terminal() {
	if ! inside sh -c 'command -v script' >/dev/null; then
		skip "terminal: one line for all phases" "script is not installed"
		return
	fi
	spec shown hang "$QUICK"
	inside env TERM=xterm script -qec "mvmd start shown" /dev/null >"$WORK/terminal"
	has "terminal: a line for the phases is written over" "$WORK/terminal" "$(printf '\r\033[K')"
	has "terminal: what is left is that it runs" "$WORK/terminal" "$(printf '\r\033[Kmvmd: shown: running: qemu')"
	mvmd_exits "terminal: stop" 0 stop shown
}

# Its supervisor is gone, its unit failed: the VM lives, and is no less the commands'.
orphan() {
	local vmm
	spec orphan hang "$QUICK"
	drop_in orphan Restart=no
	mvmd_exits "orphan: start" 0 start orphan
	vmm=$(vmm_pid orphan)
	inside kill -KILL "$(property orphan MainPID)"
	comes "orphan: its unit fails" orphan ActiveState failed
	is "orphan: list says so" "$(inside mvmd list | awk '$1 == "orphan" { print $2 }')" orphaned
	mvmd_exits "orphan: start takes the VM over" 0 start orphan
	is "orphan: it is the same VMM" "$(vmm_pid orphan)" "$vmm"
	inside kill -KILL "$(property orphan MainPID)"
	comes "orphan: its unit fails again" orphan ActiveState failed
	mvmd_exits "orphan: stop" 0 stop orphan
	is "orphan: the VMM is gone" "$(inside mvmd list | awk '$1 == "orphan" { print $2 }')" failed
}

# A pid of the container is none of ours: as the kernel tells.
in_our_pids() {
	local pid inner
	read -r inner
	for pid in /proc/[0-9]*; do
		if [ "$(awk '/^NSpid:/ { print $NF }' "$pid/status" 2>/dev/null)" = "$inner" ] &&
			[ "$(cat "$pid/comm" 2>/dev/null)" = mvmd ]; then
			echo "${pid#/proc/}"
		fi
	done
}

by_hand() {
	spec hand hang "$QUICK"
	start hand inside mvmd run hand
	await_text "$WORK/hand.err" "running after"
	mvmd_exits "by hand: start" 0 start hand
	says_here "by hand: says that it runs" "hand: runs already, started by hand"
	mvmd_exits "by hand: restart" $EXIT_BUSY restart hand
	says_here "by hand: is not systemd's" "[started-by-hand]"
	mvmd_exits "by hand: reload" $EXIT_BUSY reload hand
	mvmd_exits "by hand: stop --all takes it, too" 0 stop --all
	ended "$STARTED"
	is "by hand: its supervisor ended well" "$STATUS" 0
}

systemd_is_lost() {
	without_bridge reexec 1min
	start reexec inside mvmd start reexec
	comes "reexec: it waits for its bridge" reexec StatusText "*waiting for*br9*"
	inside systemctl daemon-reexec
	ended "$STARTED"
	is "reexec: a systemd that is executed anew" "$STATUS" $EXIT_SYSTEM
	has "reexec: is told" "$WORK/reexec.err" "[systemd-lost]"
	await inside systemctl is-active container.target
	mvmd_exits "reexec: stop" 0 stop reexec
}

boot
start_and_stop
names
without_waiting
wrong_specs
failing_start
start_while_it_waits
start_anew_while_it_waits
stop_during_start
leave_during_start
in_order
on_terminal
orphan
by_hand
systemd_is_lost
finish
