#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A plain user's VMs, without root and without a systemd of his: where his files are, as whom his VM runs with a share,
# and what he is told where something is root's.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
need qemu-system-x86_64 jq ip setpriv

VMM=qemu ACCEL=tcg
. "$TOP/tests/guest/run-lib.sh"
. "$TOP/tests/guest/faults-lib.sh"
. "$TOP/tests/guest/passt-lib.sh"
make_host
PASST=$(type -P passt)
if [ -z "$PASST" ] || ! passt_knows_vhost_user "$PASST"; then
	PASST=$WORK/bin/passt
	passt_of_debian_13
fi
unset MVMD_SPEC_DIR MVMD_RUNTIME_DIR MVMD_STATE_DIR

USER_ID=54321
HOME_DIR=$WORK/home
SPECS=$HOME_DIR/.config/mvmd
mkdir -p "$SPECS" "$WORK/run"
chown -R $USER_ID:$USER_ID "$HOME_DIR" "$WORK/run"
chmod 700 "$WORK/run"

# user_mvmd FILE [VARIABLE=VALUE...]: a program that is mvmd as that user has it.
user_mvmd() {
	local file=$1
	shift
	printf '#!/bin/sh\nexec env -i PATH="%s" HOME="%s" %s setpriv --reuid=%d --regid=%d --clear-groups "%s" "$@"\n' \
		"$PATH" "$HOME_DIR" "$*" $USER_ID $USER_ID "$WORK/bin/mvmd" >"$file"
	chmod 755 "$file"
}
user_mvmd "$WORK/bin/user" XDG_RUNTIME_DIR="$WORK/run"
user_mvmd "$WORK/bin/homeless"
MVMD=$WORK/bin/user

# vm NAME WORDS [JSON]: without interfaces.
vm() {
	jq -n --arg kernel "$WORK/kernel" --arg words "$2" --argjson more "${3:-"{}"}" '{
			vmm: "qemu", accel: "tcg", memory: "64MiB", boot: { kernel: $kernel, cmdline: $words }
		} + $more' >"$SPECS/$1.json"
}

whole_life() {
	vm "$VM" "powerbutton poweroff"
	exits "$VM: check" 0 "$MVMD" check "$VM"
	"$MVMD" plan "$VM" >"$WORK/text"
	has "$VM: the plan has his folder" "$WORK/text" "$WORK/run/mvmd/$VM with this VM's sockets"
	boot "$VM"
	is "$VM: mvmd and its VMM are his" \
		"$(status_field "$SUPERVISOR" Uid) $(status_field "$VMM_PID" Uid)" \
		"$USER_ID $USER_ID $USER_ID $USER_ID $USER_ID $USER_ID $USER_ID $USER_ID"
	"$MVMD" list >"$WORK/text"
	succeeds "$VM: list has it" grep -q "^$VM  *running" "$WORK/text"
	holds "$VM: status finds it" "$VM" '.state == "running" and .interfaces == []'
	exits "$VM: stop" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
	is "$VM: its record is in his state folder" \
		"$(find "$HOME_DIR/.local/state/mvmd/$VM" -name last-start.json -printf '%U %f\n')" \
		"$USER_ID last-start.json"
	is "$VM: folders that were made are his alone" \
		"$(stat -c '%u %a' "$HOME_DIR/.local" "$HOME_DIR/.local/state" | sort -u)" "$USER_ID 700"
	exits "$VM: blame finds that" 0 "$MVMD" blame "$VM"
}

with_a_share() {
	mkdir -p "$HOME_DIR/share"
	chown $USER_ID "$HOME_DIR/share"
	vm "$VM" "powerbutton poweroff" "$(jq -n --arg source "$HOME_DIR/share" \
		'{ shares: [ { tag: "data", source: $source } ] }')"
	boot "$VM"
	local pid
	pid=$(value "$VM" '.backends[0].pid')
	is "$VM: virtiofsd runs as he does, without a capability outside its sandbox" \
		"$(status_field "$pid" Uid | cut -d' ' -f1)" "$USER_ID"
	no_findings "$VM: nothing is wrong with it" "$VM"
	exits "$VM: stop" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
}

with_passt() {
	vm "$VM" "powerbutton poweroff" \
		'{ "interfaces": [ { "id": "net0", "attach": "passt", "passt": { "forward": [ { "host": 8080 } ] } } ] }'
	boot "$VM"
	local pid
	await_value "$VM" '.backends[0].pid != null'
	pid=$(value "$VM" '.backends[0].pid')
	is "$VM: passt runs as he does" "$(status_field "$pid" Uid | cut -d' ' -f1)" "$USER_ID"
	no_findings "$VM: nothing is wrong with it" "$VM"
	exits "$VM: stop" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
}

adopted() {
	vm "$VM" "powerbutton poweroff"
	boot "$VM"
	next_supervisor "$VM"
	no_findings "$VM: his next supervisor takes it over" "$VM"
	exits "$VM: stop" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
}

# What is meant where neither --user nor --system says so.
whose() {
	vm "$VM" poweroff
	mkdir -p "$WORK/etc"
	exits "$VM: --system is the host's" $EXIT_NO_SPEC "$MVMD" --system check --spec-only "$VM"
	has "$VM: which has none of that name" "$WORK/err" "there is no spec /etc/mvmd/$VM.json"
	exits "$VM: so are folders that are given" $EXIT_NO_SPEC \
		"$MVMD" --spec-dir="$WORK/etc" check --spec-only "$VM"
	has "$VM: in these" "$WORK/err" "there is no spec $WORK/etc/$VM.json"
	exits "$VM: root means the host's" $EXIT_NO_SPEC "$WORK/bin/mvmd" check --spec-only "$VM"
	cp "$SPECS/$VM.json" "$WORK/etc/there.json"
	exits "$VM: a path is his" 0 "$MVMD" plan "$WORK/etc/there.json"
	has "$VM: to run in his folder" "$WORK/out" "$WORK/run/mvmd/there with this VM's sockets"
	mv "$SPECS" "$SPECS.away"
	exits "$VM: without a folder of his" $EXIT_NO_SPEC "$MVMD" check --spec-only "$VM"
	has "$VM: he is told where it would be" "$WORK/err" "a user's own are in ~/.config/mvmd"
	exits "$VM: but with --user" $EXIT_NO_SPEC "$MVMD" --user check --spec-only "$VM"
	has "$VM: his own are meant" "$WORK/err" "there is no spec $SPECS/$VM.json"
	mv "$SPECS.away" "$SPECS"
	user_mvmd "$WORK/bin/elsewhere" XDG_RUNTIME_DIR="$WORK/run" XDG_CONFIG_HOME="$WORK/xdg" \
		XDG_STATE_HOME="$WORK/xdg"
	mkdir -p "$WORK/xdg/mvmd"
	cp "$SPECS/$VM.json" "$WORK/xdg/mvmd/other.json"
	exits "$VM: XDG_CONFIG_HOME" 0 "$WORK/bin/elsewhere" check --spec-only other
}

refusals() {
	vm "$VM" poweroff
	MVMD=$WORK/bin/homeless provokes "nowhere for sockets" no-runtime-dir $EXIT_UNAVAILABLE \
		"uid=$USER_ID" "loginctl enable-linger" run "$VM"
	MVMD=$WORK/bin/homeless exits "$VM: a spec can be checked all the same" 0 \
		"$WORK/bin/homeless" check "$VM"
	vm "$VM" poweroff '{ "interfaces": [ { "id": "net0", "bridge": "br0" } ] }'
	provokes "a tap of his own" net-admin-missing $EXIT_PERMISSION "uid=$USER_ID" \
		'"attach": "passt", which needs no right, and "attach": "helper"' run "$VM"
	vm "$VM" poweroff '{ "user": "root" }'
	provokes "another user" setuid-denied $EXIT_PERMISSION "uid=$USER_ID" 'leave out every "user"' \
		run "$VM"
	vm "$VM" poweroff '{ "accel": "kvm" }'
	if [ -c /dev/kvm ]; then
		chmod 600 /dev/kvm
		provokes "KVM is root's alone" kvm-denied $EXIT_PERMISSION "uid=$USER_ID" \
			"usermod -aG kvm USER" run "$VM"
		chmod 666 /dev/kvm
	else
		skip "$VM: KVM is root's alone" "no /dev/kvm"
	fi
}

case_of ua whole_life
if command -v virtiofsd >/dev/null && virtiofsd --version 2>/dev/null | grep -q '^virtiofsd [0-9]' &&
	[ "$(cat /proc/sys/user/max_user_namespaces)" -gt 0 ]; then
	case_of ub with_a_share
else
	skip "ub: with a share" "no virtiofsd that serves as a plain user"
fi
case_of uc adopted
if passt_knows_vhost_user "$PASST"; then
	case_of uf with_passt
else
	skip "uf: with passt" "no passt with vhost-user here (Debian 13 has one)"
fi
case_of ud whose
case_of ue refusals
finish
