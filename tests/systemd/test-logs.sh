#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mvmd logs in a real systemd: each filter, and what others write of a VM that is not theirs.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

NOBODY=65534

# logs WORD...: of the VM web; NAME WORD... by logs_of.
logs_of() {
	sync_journal
	inside env TZ=UTC mvmd logs "$@" 2>&1
}

# texts WORD...: without time and label.
texts() {
	logs_of web "$@" | cut -c 34-
}

# labels WORD...: each that there is.
labels() {
	logs_of web "$@" | grep -v '^ ' | cut -c 17-32 | tr -d ' ' | sort -u | paste -s -d ' '
}

run_web() {
	spec web "print=hello powerbutton print=pressed poweroff"
	spec other "print=hello powerbutton poweroff"
	start_unit web
	start_unit other
	await journal_has web "awaiting the power button"
	stop web
	await journal_has other "awaiting the power button"
	inside systemctl stop mvmd@other
}

# As VMM or backend: a process of the unit that is not root's.
forge() {
	inside systemd-run --quiet --wait --pipe --uid=$NOBODY -p Type=exec --unit=forger \
		logger --journald <<<"MESSAGE=forged
MVMD_VM=web
MVMD_STREAM=console
MVMD_FINDING=guest-panic
UNIT=mvmd@web.service
OBJECT_SYSTEMD_UNIT=mvmd@web.service"
}

all() {
	texts >"$WORK/all"
	has "logs: what mvmd says" "$WORK/all" "running after"
	has "logs: what the guest says" "$WORK/all" "tiny: awaiting the power button"
	has "logs: what systemd says" "$WORK/all" "Started mvmd@web.service"
	has_not "logs: no states, which are for -v" "$WORK/all" "booting -> running"
	texts -v >"$WORK/all"
	has "logs: -v has them" "$WORK/all" "booting -> running"
	is "logs: each line has its source" "$(labels)" "console mvmd systemd"
	is "logs: with its local time" "$(logs_of web --console -n 1 | cut -c 1-15)" \
		"$(inside env TZ=UTC journalctl --no-pager -o short -u mvmd@web MVMD_STREAM=console -n 1 | cut -c 1-15)"
}

narrow() {
	is "logs: --console" "$(texts --console)" "tiny: life 1
hello
tiny: awaiting the power button
tiny: power button
pressed"
	is "logs: -n takes the last ones" "$(texts --console -n 2)" "tiny: power button
pressed"
	is "logs: --console says so of each" "$(labels --console)" console
	is "logs: and with its number at once" "$(texts --console -n2)" "$(texts --console -n 2)"
	is "logs: -b is this boot" "$(texts -b --console | tail -n 1)" pressed
	is "logs: --since in the past" "$(texts --console --since=1h | tail -n 1)" pressed
	[[ $(logs_of web --since=2099-01-01) == *"the journal has nothing of that kind of web"* ]] &&
		pass "logs: --since in the future" || fail "logs: --since in the future" "$(logs_of web --since=2099-01-01)"
}

backend() {
	if ! type -P virtiofsd >/dev/null; then
		skip "logs: --backend" "virtiofsd is not installed"
		return
	fi
	spec share hang '{ "shares": [ { "tag": "data", "source": "/srv/share" } ], "timeouts": { "stop": "1s" } }'
	drop_in share Restart=no
	start_unit share
	inside kill -SEGV "$(inside mvmd status --json share | jq '.backends[0].pid')"
	await is_so share ActiveState failed
	logs_of share --backend=data >"$WORK/backend"
	has "logs: --backend has its last words" "$WORK/backend" " virtiofsd[data]  "
	has "logs: and what became of it" "$WORK/backend" "[backend-lost]"
	has_not "logs: and nothing else" "$WORK/backend" "running after"
	is "logs: of which there is one" "$(logs_of share --backend=root | grep -c "nothing of that kind")" 1
}

findings() {
	spec bad hang '{ "interfaces": [ { "id": "net0", "bridge": "br9" } ], "timeouts": { "bridge": "1s" } }'
	drop_in bad Restart=no
	start_unit bad
	logs_of bad --findings >"$WORK/bad"
	has "logs: --findings" "$WORK/bad" "[bridge-missing]"
	has "logs: with why and remedy below it" "$WORK/bad" "                                 try: "
	has_not "logs: and nothing else" "$WORK/bad" "mvmd@bad"
	is "logs: --json" "$(logs_of bad --findings --json |
		jq -r '[ .version, .source, .priority, .finding, .step, .state, .exit_code, .life ] | map(tostring) | join(" ")')" \
		"1 mvmd 3 bridge-missing bridge:net0 applying 69 null"
}

forged() {
	forge
	succeeds "logs: somebody forges an entry" await eval 'inside journalctl --no-pager -o cat MVMD_VM=web | grep -qF forged'
	has_not "logs: others' entries are not the VM's" <(logs_of web) forged
	is "logs: nor its findings" "$(logs_of web --findings | grep -c forged)" 0
}

colours() {
	inside script -qec "env TERM=xterm mvmd logs web --console -n 1" /dev/null >"$WORK/terminal"
	has "logs: a terminal has colours" "$WORK/terminal" $'\e[32mconsole'
	inside script -qec "env TERM=xterm NO_COLOR=1 mvmd logs web --console -n 1" /dev/null >"$WORK/terminal"
	has_not "logs: but not with NO_COLOR" "$WORK/terminal" $'\e['
}

follows() {
	inside mvmd logs latre -f 2>"$WORK/slip.err"
	is "logs: -f of no VM ends at once" $? 4
	has "logs: and says so" "$WORK/slip.err" 'there is no VM "latre"'
	spec later "print=one powerbutton print=two poweroff"
	start follow inside mvmd logs later -f --console
	local follower=$STARTED
	start_unit later
	succeeds "logs: -f shows what comes" await_text "$WORK/follow.out" "awaiting the power button"
	inside systemctl stop mvmd@later
	succeeds "logs: and goes on" await_text "$WORK/follow.out" two
	kill "$follower"
	start follow inside mvmd logs later -f -n 0 --json
	follower=$STARTED
	start_unit later
	succeeds "logs: -f -n 0 shows only what comes" await_text "$WORK/follow.out" '"message":"one"'
	is "logs: and nothing older" "$(grep -c '"message":"two"' "$WORK/follow.out")" 0
	kill "$follower"
	inside systemctl stop mvmd@later
}

words() {
	exits "logs: a VM that nobody knows" 4 inside mvmd logs nobody
	spec never hang
	exits "logs: one that has never run" 0 inside mvmd logs never
	has "logs: is told as such" "$WORK/err" "the journal has nothing of never"
	exits "logs: one who may not read it" 77 inside setpriv --reuid=$NOBODY --clear-groups mvmd logs web
	has "logs: is told what helps" "$WORK/err" "[journal-forbidden]"
	has "logs: by name" "$WORK/err" "systemd-journal"
	exits "logs: without a descriptor for it" 71 inside bash -c 'ulimit -n 4; mvmd logs web'
	has "logs: it says so" "$WORK/err" "[journal-unreadable]"
	exits "logs: without a journal" 69 inside unshare -m bash -c 'mount -t tmpfs tmpfs /var/log
		mount -t tmpfs tmpfs /run; mvmd logs web'
	has "logs: it says so" "$WORK/err" "[journal-missing]"
	exits "logs: a time that is none" 64 inside mvmd logs web --since=soon
	exits "logs: a filter that is none" 64 inside mvmd logs web --consol
	has "logs: is asked about" "$WORK/err" "did you mean --console"
}

boot
run_web
all
narrow
backend
findings
forged
colours
follows
words
finish
