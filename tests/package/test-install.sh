#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The package in a real systemd: what installing, upgrading, removing and purging it does to the
# host and to a VM that runs.

. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../systemd/run-lib.sh"
. "$(dirname "$0")/package-lib.sh"
need dpkg

make_deb >"$WORK/make.out" 2>&1 || skip_all "there is no package: test-deb tells why"
DEB=$(echo "$BUILD"/deb/mvmd_*.deb)

OLD=$(dpkg-deb --field "$DEB" Version)
NEW=${OLD%.*}.$((${OLD##*.} + 1)) # as long as the old one

# make_next: the same package as its next version, whose program says so, too.
make_next() {
	dpkg-deb --raw-extract "$DEB" "$WORK/next"
	sed -i "s/^Version: .*/Version: $NEW/" "$WORK/next/DEBIAN/control"
	sed -i "s/${OLD//./\\.}/$NEW/g" "$WORK/next/usr/bin/mvmd"
	dpkg-deb --root-owner-group --build "$WORK/next" "$WORK/image/srv/next.deb" >/dev/null
	rm -r "$WORK/next"
}

# Nothing of "make install".
bring_mvmd() {
	install -m 644 "$DEB" "$WORK/image/srv/mvmd.deb"
	make_next
}

dpkg_inside() {
	inside DEBIAN_FRONTEND=noninteractive dpkg "$@" >"$WORK/dpkg.out" 2>&1
}

# of_mvmd: whatever in the container's files has its name, but for the drop-ins of the tests.
of_mvmd() {
	inside find /etc /usr /var/lib /run -xdev -iname '*mvmd*' ! -path '/run/outside/*' ! -path '/var/lib/dpkg/*' \
		! -path '/etc/systemd/system/mvmd@.service.d'
}

install_it() {
	succeeds "install: dpkg has nothing against it" dpkg_inside -i /srv/mvmd.deb
	is "install: the target is enabled, no VM is" \
		"$(inside systemctl is-enabled mvmd.target mvmd@web1.service 2>&1 | paste -sd ' ')" "enabled disabled"
	is "install: nothing is started" "$(inside systemctl list-units --plain --no-legend 'mvmd*')" ""
	is "install: systemd-analyze verify is silent, also about man pages" "$(inside systemd-analyze verify \
		mvmd@web1.service mvmd.target mvmd.slice 2>&1)" ""
	spec web1 "powerbutton print=pressed poweroff"
	succeeds "install: a VM starts" start_unit web1
	await test -e "$(root /var/lib/mvmd/web1/start-times.json)"
	inside mvmd blame web1 >"$WORK/blame"
	has "install: mvmd blame tells systemd's share of the start" "$WORK/blame" "before it systemd took"
}

upgrade_it() {
	local supervisor vmm
	supervisor=$(property web1 MainPID) vmm=$(vmm_pid web1)
	succeeds "upgrade: dpkg has nothing against it" dpkg_inside -i /srv/mvmd.deb
	is "upgrade: the VM has gone on" "$(property web1 MainPID) $(vmm_pid web1) $(property web1 ActiveState)" \
		"$supervisor $vmm active"
	has "upgrade: it is told how to renew the program" "$WORK/dpkg.out" "mvmd reload --all"
}

# The guest does not notice: it still waits for its power button.
renew_it() {
	local supervisor vmm
	supervisor=$(property web1 MainPID) vmm=$(vmm_pid web1)
	succeeds "renew: the next version is installed over it" dpkg_inside -i /srv/next.deb
	is "renew: the program at its place is the new one" "$(inside mvmd --version)" "mvmd $NEW"
	is "renew: the supervisor still runs the old one" "$(readlink "$(root /proc)/$supervisor/exe")" \
		"/usr/bin/mvmd (deleted)"
	succeeds "renew: mvmd reload --all" inside mvmd reload --all
	says "renew: the supervisor runs the new one" web1 "reloaded: mvmd $NEW"
	is "renew: it is at its place" "$(readlink "$(root /proc)/$supervisor/exe")" "/usr/bin/mvmd"
	is "renew: in the same process, and the VMM is the same" \
		"$(property web1 MainPID) $(vmm_pid web1) $(property web1 ActiveState) $(property web1 NRestarts)" \
		"$supervisor $vmm active 0"
	is "renew: the guest's life is the first" "$(inside mvmd status web1 --json | jq -c '[.guest.lives, .findings]')" "[1,[]]"
}

# outlives_its_unit NAME: its supervisor is killed, and none comes after it.
outlives_its_unit() {
	drop_in "$1" Restart=no
	spec "$1" "powerbutton print=pressed poweroff"
	start_unit "$1"
	await journal_has "$1" "awaiting the power button"
	inside kill -KILL "$(property "$1" MainPID)"
	comes "remove: the unit of $1 has failed" "$1" ActiveState failed
	succeeds "remove: its VM lives" test -n "$(remains "$1")"
}

remove_it() {
	outlives_its_unit web2
	await journal_has web1 "awaiting the power button"
	succeeds "remove: dpkg has nothing against it" dpkg_inside -r mvmd
	says "remove: the guest heard its power button" web1 pressed
	is "remove: nothing of the VM is left" "$(remains web1)" ""
	has "remove: the VM of the failed unit was taken over" "$WORK/dpkg.out" "web2 has no supervisor: it is taken over, and stopped"
	has "remove: and its guest heard its power button, too" "$WORK/dpkg.out" "web2: the guest powered off"
	is "remove: nothing of that VM is left" "$(remains web2)" ""
	rm -r "$(root /etc/systemd/system)/mvmd@web2.service.d"
	succeeds "purge: dpkg has nothing against it" dpkg_inside -P mvmd
	is "purge: nothing is left but the specs" "$(of_mvmd)" /etc/mvmd
}

boot
# An image of a container may have one that forbids maintainer scripts to stop anything.
inside rm -f /usr/sbin/policy-rc.d
install_it
upgrade_it
renew_it
remove_it
finish
