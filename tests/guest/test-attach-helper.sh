#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# "attach": "helper": a plain user's taps, made by the real qemu-bridge-helper, and each case in which it refuses. Set-uid
# copies, access files and /dev/net/tun for all are in a mount namespace of the test's own.
. "$(dirname "$0")/../lib.sh"

private_namespaces "$@"
need qemu-system-x86_64 jq ip setpriv setcap

VMM=qemu ACCEL=tcg
. "$TOP/tests/guest/run-lib.sh"
. "$TOP/tests/guest/faults-lib.sh"

HELPER=/usr/lib/qemu/qemu-bridge-helper
ACL=/etc/qemu/bridge.conf
USER_ID=54321
AS_USER="setpriv --reuid=$USER_ID --regid=$USER_ID --clear-groups"

[ -x $HELPER ] || skip_all "$HELPER is not installed"
make_host

# private_etc: /etc/qemu can be made and changed, and nobody else sees it.
private_etc() {
	mkdir "$WORK/mem" && mount -t tmpfs -o mode=755 tmpfs "$WORK/mem" &&
		mkdir "$WORK/mem/upper" "$WORK/mem/work" &&
		mount -t overlay overlay \
			-o "lowerdir=/etc,upperdir=$WORK/mem/upper,workdir=$WORK/mem/work" /etc
}
private_etc 2>/dev/null || skip_all "no overlay can be mounted on /etc"

# open_tun: /dev/net/tun for all, as udev has it.
open_tun() {
	mkdir -p "$WORK/mem/net" && mknod -m 666 "$WORK/mem/net/tun" c 10 200 &&
		mount --bind "$WORK/mem/net" /dev/net
}
open_tun 2>/dev/null || skip_all "/dev/net/tun cannot be mounted for all"

# helper_is MODE: the helper is a copy with that mode; its file system lets set-uid programs be.
cp $HELPER "$WORK/mem/helper"
mount --bind "$WORK/mem/helper" $HELPER
umount --lazy "$WORK/mem"
rmdir "$WORK/mem"
helper_is() {
	setcap -r $HELPER 2>/dev/null
	chown root:root $HELPER
	chmod "$1" $HELPER
}
acl() {
	mkdir -p /etc/qemu
	printf '%s\n' "$@" >$ACL
	chmod 644 $ACL
}

# From here on mvmd is a plain user's.
printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$AS_USER" "$MVMD" >"$WORK/bin/mvmd-of-user"
chmod 755 "$WORK/bin/mvmd-of-user"
ROOTS_MVMD=$MVMD
MVMD=$WORK/bin/mvmd-of-user
mkdir "$WORK/run"
chown $USER_ID:$USER_ID "$WORK/run" "$WORK/state"

# vm NAME WORDS [KEYS]: with one interface of that way.
vm() {
	spec "$1" "$2" "$(jq -nc --argjson keys "${3:-"{}"}" \
		'{ interfaces: [ { id: "net0", attach: "helper", bridge: "br0" } + $keys ] }')"
}

whole_life() {
	vm "$VM" "powerbutton poweroff"
	boot "$VM"
	local tap
	tap=$(value "$VM" '.interfaces[0].tap')
	is "$VM: mvmd and its VMM are the user's" \
		"$(status_field "$SUPERVISOR" Uid) $(status_field "$VMM_PID" Uid)" \
		"$USER_ID $USER_ID $USER_ID $USER_ID $USER_ID $USER_ID $USER_ID $USER_ID"
	is "$VM: and have no capability" \
		"$(status_field "$SUPERVISOR" CapEff) $(status_field "$VMM_PID" CapEff)" \
		"0000000000000000 0000000000000000"
	link_holds "$VM: the tap that status names is up and on the bridge" \
		"any(.[]; .ifname == \"$tap\" and .master == \"br0\" and (.flags | index(\"UP\"))
			and .linkinfo.info_kind == \"tun\" and (.address | startswith(\"fe:\")))"
	holds "$VM: status tells its way" "$VM" '.interfaces[0] | .attach == "helper" and .attached'
	no_findings "$VM: nothing is wrong with it" "$VM"
	ip link set "$tap" nomaster
	status_names "$VM: it is taken off" tap-off-bridge "$VM" "tap=$tap, bridge=br0, master=none" \
		"ip link set $tap master br0"
	ip link set "$tap" master br0
	exits "$VM: it stops as ever" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
}

adopted() {
	local tap
	vm "$VM" "powerbutton poweroff"
	boot "$VM"
	tap=$(value "$VM" '.interfaces[0].tap')
	next_supervisor "$VM"
	is "$VM: one that is adopted is known to have the same tap" \
		"$(value "$VM" '.interfaces[0] | "\(.tap) \(.attached)"')" "$tap true"
	no_findings "$VM: and nothing is wrong with it" "$VM"
	ip link del "$tap"
	status_names "$VM: unless it is removed" tap-lost "$VM" "tap=$tap" "start it again"
	exits "$VM: it stops as ever" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
}

stops_when_detached() {
	vm "$VM" "powerbutton poweroff" '{ "on_detach": "stop-vm" }'
	boot "$VM"
	ip link set "$(value "$VM" '.interfaces[0].tap')" nomaster
	await_text "$WORK/$VM.err" "the VM is stopped, as on_detach says"
	ended "$SUPERVISOR"
	is "$VM: its end is a failure" "$([ "$STATUS" != 0 ] && echo failed)" failed
}

mtu_of_the_bridge() {
	vm "$VM" "powerbutton poweroff"
	ip link set br0 mtu 9000
	boot "$VM"
	link_holds "$VM: the tap has the bridge's MTU" 'any(.[]; .master == "br0" and .mtu == 9000)'
	succeeds "$VM: and the guest is told so" \
		grep -qz "host_mtu=9000" "/proc/$VMM_PID/cmdline"
	exits "$VM: it stops as ever" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
	ip link set br0 mtu 1500
}

bridge_comes_later() {
	vm "$VM" poweroff '{ "bridge": "br7" }'
	acl "allow br7"
	run "$VM"
	await_text "$WORK/$VM.err" "waiting up to 30s for bridge br7" || fail "$VM: it waits" "$(cat "$WORK/$VM.err")"
	ip link add br7 type bridge
	ip link set br7 up
	ends "$VM: its bridge is awaited" 0
	ip link del br7
	acl "allow br0"
}

by_capability() {
	vm "$VM" poweroff
	helper_is 755
	if setcap cap_net_admin+ep $HELPER 2>/dev/null; then
		starts "$VM: a file's capability does instead of set-uid" "$VM"
	else
		skip "$VM: a file's capability" "this file system has none"
	fi
	helper_is 4755
}

of_root() {
	vm "$VM" poweroff
	helper_is 755
	local MVMD=$ROOTS_MVMD MVMD_STATE_DIR=$WORK/roots MVMD_RUNTIME_DIR=$WORK/roots-run
	export MVMD_STATE_DIR MVMD_RUNTIME_DIR
	starts "$VM: root needs no rights of the helper's" "$VM"
	helper_is 4755
}

plans() {
	vm "$VM" poweroff
	acl "# who may" "allow  br0 "
	"$MVMD" plan "$VM" >"$WORK/text"
	has "$VM: the plan names the line that allows it" "$WORK/text" \
		"a tap of qemu-bridge-helper's on bridge br0 ($ACL:2 allows it), MTU 1500"
	"$MVMD" plan --json "$VM" >"$WORK/plan"
	succeeds "$VM: and knows no tap yet" jq -e '.interfaces[0]
		| .attach == "helper" and has("tap") and .tap == null and .tap_mac == null' "$WORK/plan"
	checks "$VM: check finds nothing" "$VM"
	acl "allow br0"
}

# What check and a start say alike, and that the remedy works.
refused() {
	provokes "check: $1" "$2" "$EXIT_PERMISSION" "$3" "$4" check "$VM"
	provokes "a start: $1" "$2" "$EXIT_PERMISSION" "$3" "$4" run --now "$VM"
}

rights() {
	vm "$VM" poweroff
	helper_is 755
	refused "neither set-uid nor capability" helper-no-rights "path=$HELPER" "chmod u+s $HELPER"
	chmod u+s $HELPER
	starts "$VM: as the remedy says" "$VM"
	helper_is 4754
	provokes "it is for one group" program-denied "$EXIT_PERMISSION" "path=$HELPER, uid=$USER_ID" \
		"usermod -aG" check "$VM"
	helper_is 4755
	UNDER="setpriv --no-new-privs" refused "no_new_privs" helper-rights-void "path=$HELPER" \
		"NoNewPrivileges=no"
	mount -o remount,bind,nosuid $HELPER
	refused "nosuid" helper-rights-void "path=$HELPER" "findmnt --target $HELPER"
	mount -o remount,bind,suid $HELPER
	starts "$VM: mounted as it was" "$VM"
}

access_file() {
	vm "$VM" poweroff
	rm -r /etc/qemu
	refused "no file" helper-acl-missing "bridge=br0" \
		"mkdir -p /etc/qemu && echo \"allow br0\" >> $ACL"
	sh -c "mkdir -p /etc/qemu && echo \"allow br0\" >> $ACL"
	starts "$VM: as the remedy says" "$VM"
	acl "allow br1"
	refused "no line of it" helper-acl-silent "bridge=br0" "echo \"allow br0\" >> $ACL"
	acl "allow all" "include /etc/qemu/more.conf"
	printf '# none\n\ndeny br0\n' >/etc/qemu/more.conf
	refused "a line of an included file denies it" helper-acl-denies \
		"bridge=br0, file=/etc/qemu/more.conf, line=3" "take that line out"
	rm /etc/qemu/more.conf
	starts "$VM: an included file that is missing means nothing" "$VM"
	acl "allow br0" "permit br1"
	refused "a line that is none" helper-acl-broken "bridge=br0, file=$ACL, line=2" "correct that line"
	acl "allow br0"
	chmod 600 $ACL
	refused "it is root's alone" helper-acl-unreadable "bridge=br0" "chmod 0644 $ACL"
	acl "allow br0"
	starts "$VM: a file that allows it" "$VM"
}

# What cannot be seen before: the helper's own words.
at_the_time() {
	vm "$VM" poweroff
	printf '#!/bin/sh\necho "failed to frobnicate" >&2\nexit 1\n' >"$WORK/bin/other-helper"
	chmod 4755 "$WORK/bin/other-helper"
	echo "{ \"helper\": { \"program\": \"$WORK/bin/other-helper\" } }" >"$WORK/spec/host.conf"
	provokes "it fails, in its own words" helper-failed "$EXIT_UNAVAILABLE" \
		"bridge=br0, said=failed to frobnicate" "ip -d link show br0" run --now "$VM"
	printf '#!/bin/sh\n' >"$WORK/bin/other-helper"
	provokes "it ends well without a tap" helper-failed "$EXIT_UNAVAILABLE" "bridge=br0" \
		"ip -d link show br0" run --now "$VM"
	echo "{ \"helper\": { \"program\": \"$WORK/bin/nothing\" } }" >"$WORK/spec/host.conf"
	provokes "host.conf names what is not there" program-denied "$EXIT_UNAVAILABLE" \
		"path=$WORK/bin/nothing" "ls -l $WORK/bin/nothing" run --now "$VM"
	rm "$WORK/spec/host.conf"
	chmod 600 /dev/net/tun
	provokes "the device is root's alone" tun-denied "$EXIT_PERMISSION" "" "chmod 0666 /dev/net/tun" \
		run --now "$VM"
	chmod 666 /dev/net/tun
	starts "$VM: with all of it" "$VM"
}

# The default way is root's: the fault leads a user to this one.
named_as_a_way() {
	spec "$VM" poweroff
	provokes "a user is led to the helper" net-admin-missing "$EXIT_PERMISSION" "uid=$USER_ID" \
		'"attach": "helper"' run --now "$VM"
}

under_cloud_hypervisor() {
	vm "$VM" "powerbutton poweroff"
	boot "$VM"
	link_holds "$VM: its tap is up and on the bridge" \
		'any(.[]; .master == "br0" and (.flags | index("UP")) and .linkinfo.info_kind == "tun")'
	no_findings "$VM: nothing is wrong with it" "$VM"
	exits "$VM: it stops as ever" 0 "$MVMD" stop "$VM"
	ends "$VM: by its button" 0
}

helper_is 4755
acl "allow br0"
case_of ha whole_life
case_of hb adopted
case_of hm stops_when_detached
case_of hc mtu_of_the_bridge
case_of hd bridge_comes_later
case_of he by_capability
case_of hf of_root
case_of hg plans
case_of hh rights
case_of hi access_file
case_of hj at_the_time
case_of hk named_as_a_way
if has_cloud_hypervisor && kvm_runs_the_guest; then
	VMM=cloud-hypervisor ACCEL=kvm
	case_of hl under_cloud_hypervisor
else
	skip "hl: under cloud-hypervisor" "$(no_cloud_hypervisor)"
fi
finish
