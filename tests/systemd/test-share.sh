#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A share that root serves, in its unit: by each virtiofsd that is here, to a Linux guest that works in it and has files
# of several owners there; and what the unit lets root's virtiofsd see beside it.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"
AWAIT_SEC=240 # a Linux guest's boot without KVM, several at once on a busy machine, with room

[ -e "$BUILD/linux-guest/vmlinuz" ] || skip_all "no Linux guest: make check makes it"

# --- what the guest does, as root, with its share

guests_program() {
	cat <<-'PROGRAM'
		#!/bin/sh
		cd /mnt || exit
		try() {
			"$@" || echo "guest: failed: $*"
		}
		mkdir -p /tmp work private
		for owner in 0 1000 70000 4000000; do
			echo "of $owner" >file-$owner
			try chown $owner:$((owner + 1)) file-$owner
			try chmod 0640 file-$owner
		done
		try chown 1000:1001 private
		try chmod 0700 private
		echo secret >private/of-70000
		try chown 70000:70000 private/of-70000
		try chmod 0600 private/of-70000
		try grep -q secret private/of-70000
		cp /bin/busybox set-uid
		try chown 1000:1001 set-uid
		try chmod 4755 set-uid
		try chmod 2775 work
		try mkfifo pipe
		try ln -s file-1000 link
		try ln file-1000 hard
		try mknod null c 1 3
		# Four at once write, read back what the host has, and take their files away.
		for n in 1 2 3 4; do
			(
				for turn in 1 2 3; do
					dd if=/dev/urandom of=/tmp/$n bs=64k count=32 2>/dev/null
					try cp /tmp/$n work/$n
					try sync
					echo 3 >/proc/sys/vm/drop_caches
					try cmp /tmp/$n work/$n
					try chown $turn:$n work/$n
					try mv work/$n work/$n.$turn
					try test "$(stat -c %u:%g work/$n.$turn)" = $turn:$n
					for small in 1 2 3 4 5 6 7 8 9 10; do
						echo $small >work/$n-$small
						rm work/$n-$small
					done
				done
			) &
		done
		wait
		echo "guest: the work is done"
	PROGRAM
}

# --- the scene

bring_guest() {
	cp "$BUILD"/linux-guest/{vmlinuz,initramfs.img} "$WORK/image/srv/"
	chmod 644 "$WORK/image/srv"/{vmlinuz,initramfs.img}
	mkdir -p "$WORK/image/home/data"
	echo "not in the share" >"$WORK/image/srv/outside"
}

# owners_spec NAME: its share is /srv/NAME.
owners_spec() {
	mkdir "$(root /srv)/$1"
	guests_program >"$(root /srv)/$1/run"
	chmod 755 "$(root /srv)/$1/run"
	spec "$1" "" "$(jq -n --arg source "/srv/$1" '{ memory: "256MiB",
		boot: { kernel: "/srv/vmlinuz", initramfs: "/srv/initramfs.img",
			cmdline: "console=ttyS0 panic=-1 quiet mvmd.share=data mvmd.action=run,wait" },
		shares: [ { tag: "data", source: $source, user: "root" } ] }')"
}

# virtiofsd_of NAME: the path of the VM's.
virtiofsd_of() {
	inside readlink "/proc/$(inside mvmd status --json "$1" | jq '.backends[0].pid')/exe"
}

# --- what is looked at from the host

# looks NAME FILE: owner, mode and type of a file in the share.
looks() {
	inside stat -c '%u:%g %a %F' "/srv/$1/$2"
}

has_worked() {
	says "$1: the guest works in its share" "$1" "guest: the work is done"
	journal_has "$1" "guest: failed" &&
		fail "$1: and nothing fails there" "$(inside journalctl --no-pager -o cat -u "mvmd@$1" | grep "guest:")" ||
		pass "$1: and nothing fails there"
	is "$1: a file of root's" "$(looks "$1" file-0)" "0:1 640 regular file"
	is "$1: of a user's, with two names" "$(looks "$1" hard)" "1000:1001 640 regular file"
	is "$1: of one whom no table has" "$(looks "$1" file-4000000)" "4000000:4000001 640 regular file"
	is "$1: in a folder of another one's" "$(looks "$1" private) $(looks "$1" private/of-70000)" \
		"1000:1001 700 directory 70000:70000 600 regular file"
	is "$1: a set-uid program" "$(looks "$1" set-uid)" "1000:1001 4755 regular file"
	is "$1: a folder with the set-gid bit" "$(looks "$1" work)" "0:0 2775 directory"
	is "$1: a pipe and a device" "$(looks "$1" pipe), $(looks "$1" null)" \
		"0:0 644 fifo, 0:0 644 character special file"
	is "$1: what four at once wrote lies there" "$(inside find "/srv/$1/work" -type f -size 2M | wc -l)" 12
}

# sees NAME COMMAND...: as root, in the unit's view of the files.
sees() {
	inside nsenter -t "$(property "$1" MainPID)" -m "${@:2}"
}

sees_little() {
	succeeds "$1: the unit writes into the share" sees "$1" touch "/srv/$1/of-the-unit"
	exits "$1: but not beside it" 1 sees "$1" touch /srv/outside
	has "$1: that is read-only, for root too" "$WORK/err" "Read-only file system"
	succeeds "$1: elsewhere it is not" inside touch /srv/outside
	exits "$1: homes are hidden" 1 sees "$1" test -e /home/data
}

# What the unit cannot have: what it does not name, and a link does not.
homes() {
	spec home hang '{ "shares": [ { "tag": "data", "source": "/home/data", "user": "root" } ],
		"timeouts": { "stop": "1s" } }'
	inside ln -s /home/data/disk /srv/link
	truncate -s 1M "$(root /home/data)/disk"
	chmod 666 "$(root /home/data)/disk"
	spec linked hang '{ "shares": [ { "tag": "data", "source": "/srv/share", "user": "root" } ],
		"disks": [ { "id": "root", "path": "/srv/link" } ], "timeouts": { "stop": "1s" } }'
	inside systemctl daemon-reload
	succeeds "home: a share in a home is served" start_unit home
	scores "home: which counts, without KVM, at most 3.5" 35 mvmd@home
	stop home
	start_unit linked
	says "linked: a link into a home is told" linked "/srv/link lies in a user's home, which is hidden here"
	inside systemctl stop mvmd@linked
}

# Of a VM with KVM, as most are; the guests above have the line that QEMU without it needs.
score() {
	spec scored hang "$(jq -n '{ accel: "kvm", shares: [ { tag: "data", source: "/srv/share", user: "root" } ] }')"
	inside systemctl daemon-reload
	scores "score: with a share that root serves, at most 3.3" 33 mvmd@scored
}

C_VIRTIOFSD=/usr/lib/qemu/virtiofsd

has_both() {
	[ "$(virtiofsd_of owners)" != $C_VIRTIOFSD ] &&
		[[ "$(inside $C_VIRTIOFSD --version 2>/dev/null)" == "virtiofsd version "* ]]
}

boot bring_guest
inside rm /etc/systemd/system/mvmd@.service.d/tcg.conf # the specs say it
inside sh -c "command -v virtiofsd || [ -x /usr/libexec/virtiofsd ] || [ -x $C_VIRTIOFSD ]" >/dev/null ||
	{ skip "a share that root serves" "there is no virtiofsd" && finish; }
score
vms=(owners)
owners_spec owners
owners_spec old
inside systemctl daemon-reload
succeeds "owners: its unit starts" start_unit owners
if has_both; then
	inside rm "$(virtiofsd_of owners)" # of the container's
	vms+=(old)
	succeeds "old: its unit starts, with the C virtiofsd" start_unit old
	is "old: it is that one" "$(virtiofsd_of old)" $C_VIRTIOFSD
else
	skip "old: the C virtiofsd" "it is not installed beside the other one"
fi
for vm in "${vms[@]}"; do
	has_worked "$vm"
	sees_little "$vm"
	stop "$vm"
	is "$vm: it was no failure" "$(property "$vm" Result)" success
done
homes
finish
