#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ways onto the network without a bridge, in the unit: what its sandbox has to allow for them the generator's drop-in
# allows, and systemd enforces the rest.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/run-lib.sh"

# The host's own, where it is a new one.
bring_passt() {
	local passt
	passt=$(type -P passt) && "$passt" --help 2>&1 | grep -q -- --vhost-user || return 0
	install -D -m 755 "$passt" "$WORK/image/usr/local/bin/passt"
}

knows_vhost_user() {
	inside passt --help 2>&1 | grep -q -- --vhost-user
}

# runs NAME SPEC: until its power button.
runs() {
	spec "$1" "powerbutton poweroff" "$2"
	inside systemctl daemon-reload
	succeeds "$1: it starts" start_unit "$1"
	says "$1: the guest runs" "$1" "awaiting the power button"
}

ends() {
	stop "$1"
	is "$1: and was no failure" "$(property "$1" Result)" success
}

passt() {
	runs pa '{ "interfaces": [ { "id": "net0", "attach": "passt", "passt": { "forward": [ { "host": 8080, "guest": 80 } ] } } ] }'
	is "pa: its passt runs as the VM's user" \
		"$(inside ps -o uid= -p "$(inside mvmd status --json pa | jq '.backends[0].pid')" | tr -d ' ')" \
		"$(jq .uids.pa "$(root /var/lib/mvmd/.uids.json)")"
	succeeds "pa: the port of the host's is open" await eval "ss -Hlnt src :8080 | grep -q ."
	ends pa
	succeeds "pa: and closed afterwards" await eval "! ss -Hlnt src :8080 | grep -q ."
}

# Without its drop-in, as of a systemd that was not told, the start says what the unit lacks.
untold() {
	spec pb hang '{ "interfaces": [ { "id": "net0", "attach": "passt" } ] }'
	start_unit pb
	says "pb: a unit that systemd was not told of" pb "passt may not make its namespaces here"
	is "pb: once" "$(property pb ExecMainStatus) $(property pb NRestarts)" "77 0"
}

# The container has no devtmpfs; the host's has the device of each macvtap.
macvtap() {
	ip link add out0 type veth peer name out1
	ip link set out0 up
	ip link set out1 up
	runs ma '{ "interfaces": [ { "id": "net0", "attach": "macvtap", "macvtap": { "link": "out0" } } ] }'
	is "ma: systemd allows its device" "$(property ma DeviceAllow | grep -c char-macvtap)" 1
	ends ma
}

boot bring_passt
if knows_vhost_user; then
	passt
	untold
else
	skip "passt in a unit" "no passt with vhost-user there"
fi
if has_macvtap && inside mount -t devtmpfs devtmpfs /dev; then
	macvtap
else
	skip "a macvtap in a unit" "no macvtap, or no devtmpfs"
fi
finish
