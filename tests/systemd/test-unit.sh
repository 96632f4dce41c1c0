#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mvmd@.service in a real systemd, this machine's own, in a container: real QEMU, real virtiofsd, the
# tiny guest.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"
. "$(dirname "$0")/client-lib.sh"

verify() {
	spec verify hang
	is "systemd-analyze verify has nothing to say" "$(inside systemd-analyze verify --man=no \
		mvmd@verify.service mvmd.target mvmd.slice 2>&1)" ""
}

life() {
	spec life-1.a "powerbutton print=pressed poweroff"
	succeeds "life: systemctl start" start_unit life-1.a
	is "life: the VM runs when it returns" "$(inside mvmd status --json life-1.a | jq -r .state)" running
	comes "life: the status tells VMM and pid" life-1.a StatusText \
		"running: qemu * pid $(vmm_pid life-1.a)"
	is "life: no child knows of systemd" "$(tr '\0' '\n' <"$(root /proc)/$(vmm_pid life-1.a)/environ" |
		grep -E 'NOTIFY|WATCHDOG|INVOCATION')" ""
	await journal_has life-1.a "awaiting the power button"
	stop life-1.a
	says "life: it was the button" life-1.a pressed
	is "life: and no failure" "$(property life-1.a Result) $(property life-1.a ActiveState) $(property life-1.a NRestarts)" \
		"success inactive 0"
}

waits_for_bridge() {
	spec bridge hang '{ "interfaces": [ { "id": "net0", "bridge": "br1" } ], "timeouts": { "stop": "1s" } }'
	inside systemctl start --no-block mvmd@bridge
	comes "bridge: the status tells what is waited for" bridge StatusText "*waiting for*br1*"
	is "bridge: meanwhile it is no running unit" "$(property bridge ActiveState)" activating
	ip link add br1 type bridge
	ip link set br1 up
	comes "bridge: it starts when the bridge is there" bridge ActiveState active
	stop bridge
	is "bridge: a guest without ears is ended, and that is no failure" "$(property bridge Result)" success
}

stop_while_it_waits() {
	spec early hang '{ "interfaces": [ { "id": "net0", "bridge": "br2" } ] }'
	inside systemctl start --no-block mvmd@early
	comes "early: it waits" early StatusText "*waiting for*br2*"
	stop early
	is "early: that is no failure" "$(property early Result)" success
}

guest_powers_off() {
	spec off poweroff
	start_unit off
	comes "off: a guest that powers off leaves an inactive unit" off ActiveState inactive
	is "off: which is not started again" "$(property off Result) $(property off NRestarts)" "success 0"
}

vmm_is_killed() {
	local before
	spec vmm hang '{ "timeouts": { "stop": "1s" } }'
	# The wait after a first failure is over before a busy host has begun the restart.
	write_history vmm
	inside mvmd start vmm 2>"$WORK/start.err"
	before=$(vmm_pid vmm)
	inside kill -KILL "$before"
	comes "vmm: killed, the unit is restarted" vmm NRestarts 1
	says "vmm: after a wait of mvmd's own" vmm "next try in"
	inside mvmd start vmm 2>"$WORK/start.err"
	comes "vmm: and is active again" vmm ActiveState active
	says "vmm: the journal tells why" vmm "signal"
	[ "$(vmm_pid vmm)" != "$before" ] && pass "vmm: with another VMM" || fail "vmm: with another VMM"
	stop vmm
}

# What mvmd waits for has mvmd's own limits; systemd is asked for them.
waits_longer_than_the_unit() {
	spec long hang '{ "interfaces": [ { "id": "net0", "bridge": "br3" } ],
		"timeouts": { "bridge": "3s", "stop": "3s" } }'
	drop_in long TimeoutStartSec=1 TimeoutStopSec=1
	inside systemctl start --no-block mvmd@long
	says "long: a start may wait longer than TimeoutStartSec" long "Failed with result 'exit-code'"
	ip link add br3 type bridge
	ip link set br3 up
	comes "long: it starts in the end" long ActiveState active
	stop long
	is "long: a stop may wait longer than TimeoutStopSec" "$(property long Result)" success
}

crash_loop() {
	spec loop "print=Kernel_panic_-_not_syncing:_Fatal_exception reboot" \
		'{ "crash_limit": { "count": 2, "within": "1min" } }'
	start_unit loop
	comes "loop: a guest that crashes again and again ends its unit" loop ActiveState failed
	is "loop: with 80, and without a restart" "$(property loop ExecMainStatus) $(property loop NRestarts)" "80 0"
	comes "loop: the status tells the cause" loop StatusText "ended with exit code 80: *"
}

wrong_spec() {
	spec wrong hang '{ "cpus": "many" }'
	start_unit wrong && fail "wrong: start says so" || pass "wrong: start says so"
	is "wrong: 78, and no restart" "$(property wrong ActiveState) $(property wrong ExecMainStatus) $(property wrong NRestarts)" \
		"failed 78 0"
	is "wrong: the status tells what to do" "$(property wrong StatusText)" \
		"ended with exit code 78: mvmd check wrong tells why"
	says "wrong: the journal has the place in the file" wrong "/etc/mvmd/wrong.json:"
	start_unit none
	is "none: 66, and no restart" "$(property none ActiveState) $(property none ExecMainStatus) $(property none NRestarts)" \
		"failed 66 0"
}

share() {
	printf '{ "timeouts": { "stop": "1s" }, "shares": [ { "tag": "data", "source": "/srv/share" %s } ] }' "$1"
}

shares() {
	if ! type -P virtiofsd >/dev/null; then
		skip "share: virtiofsd has its sandbox within the unit's" "virtiofsd is not installed"
		return
	fi
	spec share hang "$(share '')"
	inside systemctl daemon-reload
	start_unit share
	is "share: virtiofsd has its sandbox within the unit's" "$(property share ActiveState)" active
	stop share
	spec root hang "$(share ', "user": "root"')"
	inside systemctl daemon-reload
	start_unit root
	is "root: a share that root serves, with its drop-in" "$(property root ActiveState)" active
	stop root
}

all_at_once() {
	local name
	for name in all-1 all-2 all-3; do
		spec $name "powerbutton poweroff"
		start_unit $name
		await journal_has $name "awaiting the power button"
	done
	inside systemctl start mvmd.target
	inside systemctl stop mvmd.target
	for name in all-1 all-2 all-3; do
		comes "$name: mvmd.target stops it" $name ActiveState inactive
		is "$name: in order" "$(property $name Result)" success
	done
}

boot
verify
life
waits_for_bridge
stop_while_it_waits
guest_powers_off
vmm_is_killed
waits_longer_than_the_unit
crash_loop
wrong_spec
shares
all_at_once
finish
