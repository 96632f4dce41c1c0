#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What mvmd@.service has to do with the guest itself: its credentials, and its word that it is ready. The tiny guest
# cannot speak vsock; guest-says does what cloud-hypervisor does for a guest that can.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"
. "$(dirname "$0")/client-lib.sh"

SECRET='correct-horse-battery-staple'

# The container of another system has no cloud-hypervisor of its own.
bring_cloud_hypervisor() {
	[ "$SYSTEM" != / ] && type -P cloud-hypervisor >/dev/null || return 0
	install -D -m 755 "$(type -P cloud-hypervisor)" "$WORK/image/usr/local/bin/cloud-hypervisor"
}

# guest_says NAME TEXT
guest_says() {
	await [ -S "$(root /run/mvmd)/$1/vmm/vsock.sock_8888" ] &&
		"$BUILD/tests/guest/guest-says" "$(root /run/mvmd)/$1/vmm/vsock.sock_8888" "$2"
}

# ready_spec NAME WORDS [JSON]
ready_spec() {
	spec "$1" "$2" "$(jq -n --argjson more "${3:-"{}"}" \
		'{ vmm: "cloud-hypervisor", accel: "kvm", ready: "guest" } + $more')"
}

credentials_of_the_unit() {
	spec secret "credentials powerbutton poweroff" '{ "credentials": { "inside": { "credential": "outside" },
		"file": { "file": "/etc/mvmd/secret" } } }'
	printf 'from a file' >"$SPECS/secret"
	chmod 600 "$SPECS/secret"
	printf '%s' "$SECRET" >"$(root /etc/outside)"
	chmod 600 "$(root /etc/outside)"
	start_unit secret && fail "secret: without LoadCredential= the start fails" ||
		pass "secret: without LoadCredential= the start fails"
	says "secret: and says what to write" secret "LoadCredential=outside:"
	inside systemctl stop mvmd@secret
	drop_in secret LoadCredential=outside:/etc/outside
	succeeds "secret: with it the VM starts" start_unit secret
	says "secret: the guest has the file's" secret "io.systemd.credential:file=from a file"
	says "secret: and the unit's" secret "io.systemd.credential:inside=$SECRET"
	sync_journal
	is "secret: the journal has it by the guest's console alone" "$(inside journalctl --no-pager -o json |
		grep -F "$SECRET" | jq -r .MESSAGE)" "io.systemd.credential:inside=$SECRET"
	is "secret: no command line has it" "$(cat "$(root /proc)"/[0-9]*/cmdline | grep -caF "$SECRET")" 0
	stop secret
}

ready_by_the_guest() {
	ready_spec ready "powerbutton poweroff"
	inside systemctl start --no-block mvmd@ready
	comes "ready: the status tells what is waited for" ready StatusText \
		"running: waiting up to 90s for the guest to say that it is ready"
	is "ready: the VM runs meanwhile" "$(inside mvmd status --json ready | jq -c '[.state, .guest.ready]')" \
		'["running",false]'
	guest_says ready 'STATUS=two jobs to go'
	comes "ready: what the guest says stands there" ready StatusText \
		"running: waiting for the guest to say that it is ready: two jobs to go"
	is "ready: the unit is not active yet" "$(property ready ActiveState)" activating
	succeeds "ready: the guest says that it is" guest_says ready 'READY=1\nSTATUS=all done'
	comes "ready: and the unit is active" ready ActiveState active
	comes "ready: what the guest says stands there still" ready StatusText "running: guest: all done"
	says "ready: the journal has it" ready "the guest is ready after"
	stop ready
	is "ready: that was no failure" "$(property ready Result)" success
}

never_ready() {
	ready_spec mute "powerbutton print=pressed poweroff" '{ "timeouts": { "guest": "2s" } }'
	# The wait after a first failure is over before a busy host has begun the restart.
	write_history mute
	exits "mute: mvmd start fails with the finding's class" 69 inside mvmd start mute
	has "mute: it has told what it waited for" "$WORK/err" "waiting up to 2s for the guest to say that it is ready"
	has "mute: and tells the finding" "$WORK/err" "[guest-not-ready]"
	says "mute: the journal tells why" mute "the guest has not said within 2s that it is ready"
	says "mute: the guest was asked to power off" mute "pressed"
	says "mute: the next start waits for its turn" mute "next try in"
	inside systemctl stop mvmd@mute
	is "mute: nothing of it is left" "$(remains mute)" ""
}

# A limit of the unit that is shorter than that of the spec ends nothing.
longer_than_the_unit() {
	ready_spec slow "powerbutton poweroff" '{ "timeouts": { "guest": "3s" } }'
	drop_in slow TimeoutStartSec=1
	start_unit slow
	says "slow: mvmd's own limit counts" slow "the guest has not said within 3s that it is ready"
	inside systemctl stop mvmd@slow
}

stopped_before_it_is_ready() {
	ready_spec early "powerbutton poweroff"
	inside systemctl start --no-block mvmd@early
	comes "early: it waits" early StatusText "*waiting*for the guest*"
	stop early
	is "early: a stop before that is no failure" "$(property early Result)" success
}

# killed NAME: its supervisor, and the next one has it.
killed() {
	inside kill -KILL "$(property "$1" MainPID)"
	comes "$1: its supervisor killed, the next one takes over" "$1" NRestarts 1
}

adopted_when_ready() {
	local vmm
	ready_spec taken "powerbutton poweroff"
	inside systemctl start --no-block mvmd@taken
	guest_says taken 'READY=1'
	comes "taken: the guest is ready" taken ActiveState active
	vmm=$(vmm_pid taken)
	killed taken
	comes "taken: a guest that was ready need not say so again" taken ActiveState active
	is "taken: it is the same VM" "$(vmm_pid taken)" "$vmm"
	succeeds "taken: the guest is heard" guest_says taken 'STATUS=still here'
	comes "taken: and what it says stands there" taken StatusText "running: guest: still here"
	stop taken
}

adopted_before_it_is_ready() {
	ready_spec soon "powerbutton poweroff"
	inside systemctl start --no-block mvmd@soon
	comes "soon: it waits" soon StatusText "*waiting*for the guest*"
	killed soon
	comes "soon: and waits on" soon StatusText "*waiting*for the guest*"
	is "soon: it is not active yet" "$(property soon ActiveState)" activating
	succeeds "soon: the guest says that it is ready" guest_says soon 'READY=1'
	comes "soon: then it is" soon ActiveState active
	says "soon: and that is told" soon "the guest is ready"
	is "soon: after how long nobody knows now" "$(inside journalctl --no-pager -o cat -u mvmd@soon |
		grep -F "the guest is ready")" "the guest is ready"
	stop soon
}

boot bring_cloud_hypervisor
credentials_of_the_unit
if [ ! -w "$(root /dev/kvm)" ] || ! inside cloud-hypervisor --version >/dev/null 2>&1; then
	skip "ready" "no cloud-hypervisor, or no /dev/kvm"
else
	ready_by_the_guest
	never_ready
	longer_than_the_unit
	stopped_before_it_is_ready
	adopted_when_ready
	adopted_before_it_is_ready
fi
finish
