#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What mvmd-generator tells systemd of each VM, at a boot and at a daemon-reload.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

# first-b comes before first-a only by its spec: systemd takes jobs by name. Two of them go round in a circle, the
# spec of one is broken, and none of that keeps another from its start.
early() { # NAME [AFTER]
	spec "$1" hang '{ "after": [ '"${2:-}"' ], "interfaces": [], "timeouts": { "stop": "1s" } }'
}

before_boot() {
	local units=$WORK/image/etc/systemd/system name
	# There is no bridge yet.
	early first-a '"first-b"'
	early first-b
	early round-a '"round-b"'
	early round-b '"round-a"'
	echo '{ "cpus": ' >"$SPECS/broken.json"
	mkdir "$units/mvmd.target.wants" "$units/container.target.wants"
	ln -s /lib/systemd/system/mvmd.target "$units/container.target.wants"
	for name in first-a first-b round-a round-b broken; do
		ln -s /lib/systemd/system/mvmd@.service "$units/mvmd.target.wants/mvmd@$name.service"
	done
}

monotonic() {
	property "$1" "$2TimestampMonotonic"
}

# began_behind TITLE NAME OTHER
began_behind() {
	local began ran
	began=$(monotonic "$2" InactiveExit) ran=$(monotonic "$3" ActiveEnter)
	[ "$ran" -gt 0 ] && [ "$ran" -le "$began" ] && pass "$1" ||
		fail "$1" "$3 ran at $ran, $2 began at $began"
}

order() {
	comes "boot: a VM that is enabled runs" first-a ActiveState active
	began_behind "boot: it began when the VM before it ran" first-a first-b
	inside systemctl stop mvmd@first-a mvmd@first-b
	[ "$(monotonic first-a InactiveEnter)" -le "$(monotonic first-b ActiveExit)" ] &&
		pass "stop: the other way round" || fail "stop: the other way round" \
			"first-a ended at $(monotonic first-a InactiveEnter), first-b's stop began at $(monotonic first-b ActiveExit)"
}

circle() {
	comes "circle: one of it runs" round-a ActiveState active
	comes "circle: and the other, too" round-b ActiveState active
	is "circle: systemd has not met it" "$(inside journalctl --no-pager -o cat _PID=1 | grep -ci cycle)" 0
	says "circle: the VM tells of it" round-b "goes round in a circle: round-b after round-a after round-b"
	inside systemctl stop mvmd@round-a mvmd@round-b
}

broken_spec() {
	comes "broken: its unit fails" broken ExecMainStatus 78
	succeeds "broken: the others have started" await inside systemctl is-active mvmd.target
	is "broken: it has no drop-in" "$(property broken DropInPaths | grep -c 50-spec.conf)" 0
}

# The words of RequiresMountsFor= and DeviceAllow= come out of systemd as they went in.
lines() {
	spec lines hang '{ "after": [ "first-b" ],
		"disks": [ { "id": "a", "path": "/srv/100%% \"odd\" \\ name.raw" },
			{ "id": "b", "path": "/dev/disk/by-id/wwn a", "readonly": true },
			{ "id": "c", "path": "/dev/vg0/web1" } ] }'
	inside systemctl daemon-reload
	is "lines: the order" "$(property lines After | tr ' ' '\n' | grep -c '^mvmd@first-b.service$')" 1
	is "lines: the mounts" "$(property lines RequiresMountsFor | grep -cF '"/srv/100% \"odd\" \\ name.raw"')" 1
	is "lines: a device to read" "$(property lines DeviceAllow | grep -cFx '/dev/disk/by-id/wwn a r')" 1
	is "lines: a device to write" "$(property lines DeviceAllow | grep -cFx '/dev/vg0/web1 rw')" 1
	is "lines: what all VMs may is still there" "$(property lines DeviceAllow | grep -cFx '/dev/net/tun rw')" 1
	is "lines: QEMU may translate code" "$(property lines MemoryDenyWriteExecute)" no
	is "lines: systemd has nothing to say" "$(inside systemd-analyze verify --man=no mvmd@lines.service 2>&1)" ""
	is "lines: the drop-in is the generator's" "$(property lines DropInPaths | grep -c /run/systemd/generator/mvmd@lines.service.d/50-spec.conf)" 1
}

# A mount that a file of the VM lies on is there first.
mounts() {
	local unit
	unit=$(root /etc/systemd/system)/srv-images.mount
	printf '%s\n' '[Mount]' What=tmpfs Where=/srv/images Type=tmpfs >"$unit"
	mkdir -p "$(root /srv)/images"
	install -m 644 "$BUILD/tests/guest/tiny.elf" "$(root /srv)/images/kernel"
	spec mounted hang '{ "boot": { "kernel": "/srv/images/kernel", "cmdline": "hang" } }'
	inside systemctl daemon-reload
	is "mounts: the unit needs the mount" "$(property mounted Requires | tr ' ' '\n' | grep -c '^srv-images.mount$')" 1
	is "mounts: and comes after it" "$(property mounted After | tr ' ' '\n' | grep -c '^srv-images.mount$')" 1
	start_unit mounted
	is "mounts: a start mounts it" "$(inside systemctl is-active srv-images.mount)" active
}

stale() {
	spec stale hang '{ "timeouts": { "stop": "1s" } }'
	inside systemctl daemon-reload
	start_unit stale
	comes "stale: the VM runs" stale ActiveState active
	is "stale: nothing is missing" "$(inside journalctl --no-pager -o cat -u mvmd@stale | grep -c "systemd does not know")" 0
	inside systemctl stop mvmd@stale
	spec stale hang '{ "timeouts": { "stop": "1s" }, "vsock": {} }'
	start_unit stale
	says "stale: a spec that was changed, and systemd was not told" stale \
		"systemd does not know yet what this VM needs: DeviceAllow=/dev/vhost-vsock rw [unit-stale]"
	says "stale: with the command that helps" stale "systemctl daemon-reload; systemctl restart mvmd@stale"
	inside systemctl stop mvmd@stale
}

# No daemon-reload by hand in here.
mvmd_start() {
	spec now-b hang '{ "timeouts": { "stop": "1s" } }'
	spec now-a hang '{ "after": [ "now-b" ], "timeouts": { "stop": "1s" } }'
	succeeds "mvmd start: of two VMs, the wrong way round" inside mvmd start now-a now-b
	began_behind "mvmd start: the order is that of the specs" now-a now-b
	spec now-a hang '{ "after": [ "now-b" ], "timeouts": { "stop": "1s" }, "vsock": {},
		"disks": [ { "id": "a", "path": "/dev/null", "readonly": true } ] }'
	inside mvmd restart now-a >/dev/null 2>&1
	is "mvmd restart: systemd knows of a spec that was changed" \
		"$(property now-a DeviceAllow | grep -cFx '/dev/null r')" 1
	is "mvmd restart: so nothing is missing" \
		"$(inside journalctl --no-pager -o cat -u mvmd@now-a | grep -cF unit-stale)" 0
	inside mvmd stop now-a now-b >/dev/null 2>&1
}

users_and_folders() {
	succeeds "sysusers.d: systemd-sysusers takes it" inside systemd-sysusers mvmd.conf
	is "sysusers.d: the group of VMs' owners is there" "$(inside getent group mvmd | cut -d: -f1)" mvmd
	succeeds "tmpfiles.d: systemd-tmpfiles takes it" inside systemd-tmpfiles --create mvmd.conf
	is "tmpfiles.d: folders" "$(inside stat -c '%n %a %U' /run/mvmd /var/lib/mvmd)" "/run/mvmd 755 root
/var/lib/mvmd 755 root"
}

boot before_boot
order
circle
broken_spec
lines
mounts
stale
mvmd_start
users_and_folders
finish
