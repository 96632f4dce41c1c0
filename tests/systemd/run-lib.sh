# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A real systemd in a container of its own for each test file: this machine's, and below
# tests/systemd-13, which has links to the same tests, Debian 13's. Sourced after tests/lib.sh:
#
#	. "$(dirname "$0")/../lib.sh"
#	. "$(dirname "$0")/run-lib.sh"
#	boot

need jq ip nsenter qemu-system-x86_64 systemctl journalctl systemd-analyze
[ -x /lib/systemd/systemd ] || skip_all "there is no /lib/systemd/systemd"
[ -e "$BUILD/tests/guest/tiny.elf" ] || skip_all "the tiny guest is for x86-64"
private_namespaces "$@"
SYSTEM=/
if [ "$(basename "$(dirname "$0")")" = systemd-13 ]; then
	SYSTEM=$BUILD/debian-13/root
	[ -e "$BUILD/debian-13/complete" ] ||
		skip_all "no Debian 13: $(tail -n 1 "$BUILD/debian-13.log" 2>/dev/null || echo "make check makes it")"
fi

# How many datagrams a socket's queue takes: systemd's own value (src/core/main.c, bump_unix_max_dgram_qlen()), which it
# cannot set in a container. With the kernel's, 10, PID 1 would lose lines: for room in journald's it waits 10 ms at most.
DGRAM_QUEUE=512

# --- the container

# inside COMMAND...: in the container, as if it had been started there.
inside() {
	nsenter -t "$INIT" -a env -i PATH="$PATH" LC_ALL=C.UTF-8 SYSTEMD_COLORS=0 "$@"
}

# root PATH: of the container, as it is seen from here.
root() {
	echo "/proc/$INIT/root$1"
}

find_init() {
	INIT=$(ps -o pid= --ppid "$CONTAINER" | tr -d ' ') && [ -n "$INIT" ] &&
		[ "$(cat "/proc/$INIT/comm")" = systemd ]
}

is_up_or_gone() {
	is_gone_or_zombie "$CONTAINER" ||
		{ find_init && inside systemctl is-active container.target; }
}

# A control group that is the container's root; removed at the end, empty by then.
make_cgroup() {
	mkdir "$WORK/cgroup"
	mount -t cgroup2 cgroup2 "$WORK/cgroup" || return
	CGROUP=$WORK/cgroup/${WORK##*/}
	mkdir "$CGROUP"
}

# in_cgroup COMMAND...
in_cgroup() {
	echo $BASHPID >"$CGROUP/cgroup.procs" && exec "$@"
}

end_container() {
	[ -n "$CGROUP" ] || return 0
	if [ -n "$CONTAINER" ]; then
		kill -KILL "$CONTAINER" && wait "$CONTAINER"
		await grep -qx "populated 0" "$CGROUP/cgroup.events"
	fi 2>/dev/null
	find "$CGROUP" -depth -type d -exec rmdir {} +
	umount "$WORK/cgroup"
	CGROUP=
}

end_all() {
	local status=$?
	end_container
	(exit $status)
	clean_up
}

why_not() {
	skip_all "no container: $(grep -h . "$WORK"/*.err | tail -n 1)"
}

# bring_mvmd: into the image; a test may have another way of its own.
bring_mvmd() {
	make -s -C "$TOP" install BUILD="${BUILD#"$TOP"/}" DESTDIR="$WORK/image" >"$WORK/install.log" 2>&1 || {
		fail "make install" "$(cat "$WORK/install.log")"
		finish
	}
}

# mvmd, and a target that needs little.
make_image() {
	local units=$WORK/image/etc/systemd/system
	mkdir -p "$units/mvmd@.service.d" "$WORK/image/etc/mvmd" "$WORK/image/srv/share"
	# All guests here run in QEMU without KVM.
	printf '%s\n' '[Service]' MemoryDenyWriteExecute=no >"$units/mvmd@.service.d/tcg.conf"
	printf '%s\n' '[Unit]' 'Requires=basic.target systemd-journald.service' \
		'After=basic.target systemd-journald.service' >"$units/container.target"
	bring_mvmd
	chmod 777 "$WORK/image/srv/share"
	install -m 644 "$BUILD/tests/guest/tiny.elf" "$WORK/image/srv/kernel"
}

# boot [FUNCTION]: systemd with mvmd's units in a network of its own with br0; specs go into SPECS. The function is
# called before, when SPECS lies in the image that goes over the container's root, $WORK/image.
boot() {
	make_image
	echo $DGRAM_QUEUE >/proc/sys/net/unix/max_dgram_qlen
	SPECS=$WORK/image/etc/mvmd
	[ $# = 0 ] || "$1"
	CONTAINER='' CGROUP=''
	trap end_all EXIT
	make_cgroup 2>"$WORK/cgroup.err" || why_not
	start container in_cgroup unshare --mount --pid --fork --cgroup --ipc --uts --kill-child \
		"$TOP/tests/systemd/boot-systemd" "$WORK" "$SYSTEM"
	CONTAINER=$STARTED
	await is_up_or_gone && ! is_gone_or_zombie "$CONTAINER" || why_not
	SPECS=$(root /etc/mvmd)
	ip link add br0 type bridge
	ip link set br0 up
}

# --- VMs and their units

# spec NAME WORDS [JSON]: a VM that obeys the words; the JSON is merged into its spec.
spec() {
	jq -n --arg words "$2" --argjson more "${3:-"{}"}" '{
			vmm: "qemu", accel: "tcg", memory: "64MiB",
			boot: { kernel: "/srv/kernel", cmdline: $words },
			interfaces: [ { id: "net0", bridge: "br0" } ]
		} + $more' >"$SPECS/$1.json"
}

# property NAME PROPERTY: of the VM's unit.
property() {
	inside systemctl show --value -p "$2" "mvmd@$1"
}

# is_so NAME PROPERTY PATTERN
is_so() {
	# shellcheck disable=SC2053
	[[ "$(property "$1" "$2")" == $3 ]]
}

# comes TITLE NAME PROPERTY PATTERN: it is awaited.
comes() {
	if await is_so "$2" "$3" "$4"; then
		pass "$1"
	else
		fail "$1" "$3 is '$(property "$2" "$3")', wanted: $4" \
			"$(inside journalctl --no-pager -o cat -n 30 -u "mvmd@$2")"
	fi
}

# says TITLE NAME TEXT: the unit's journal has it.
says() {
	if await journal_has "$2" "$3"; then
		pass "$1"
	else
		fail "$1" "no '$3':" "$(inside journalctl --no-pager -o cat -n 30 -u "mvmd@$2")"
	fi
}

# sync_journal: journald has read and written what it was sent by now; who looks but once needs that.
sync_journal() {
	inside journalctl --sync
}

journal_has() {
	inside journalctl --no-pager -o cat -u "mvmd@$1" | grep -qF -e "$2"
}

# Asks the kernel, which loads the driver for it.
has_macvtap() {
	ip link add probe0 type veth peer name probe1 && ip link add link probe0 name probe2 type macvtap
	grep -q " macvtap$" /proc/devices
	local has=$?
	ip link del probe0
	return $has
} 2>/dev/null

vmm_pid() {
	inside mvmd status --json "$1" | jq .vmm.pid
}

# remains NAME: of a VM: its control group, its tap, its files.
remains() {
	find "$(root /sys/fs/cgroup/mvmd.slice)/mvmd@$1.service" "$(root /run/mvmd)/$1" -maxdepth 0 2>/dev/null
	ip -o link show "vm-$1-net0" 2>/dev/null
}

# stop NAME
stop() {
	succeeds "$1: systemctl stop" inside systemctl stop "mvmd@$1"
	is "$1: nothing of it is left" "$(remains "$1")" ""
}

# start_unit NAME
start_unit() {
	inside systemctl start "mvmd@$1" 2>"$WORK/start.err"
}

# drop_in NAME LINE...: in the unit's section [Service].
drop_in() {
	local folder
	folder=$(root /etc/systemd/system)/mvmd@$1.service.d
	mkdir -p "$folder"
	printf '%s\n' '[Service]' "${@:2}" >"$folder/test.conf"
	inside systemctl daemon-reload
}

# scores TITLE WORST ARGUMENT...: of systemd-analyze security, in tenths.
scores() {
	local output
	if output=$(inside systemd-analyze security --no-pager "--threshold=$2" "${@:3}" 2>&1); then
		pass "$1: $(tail -n 1 <<<"$output" | grep -o '[0-9]\.[0-9]')"
	else
		fail "$1" "$(grep -v ✓ <<<"$output")"
	fi
}
