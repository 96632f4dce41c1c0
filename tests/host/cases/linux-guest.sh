#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A stock Linux guest with KVM: bridge, share, its word over vsock that it is ready, reboot, power-off; no finding.
. "$(dirname "$0")/../case-lib.sh"
private_host "$@"
install -m 755 "$BUILD/tests/host/guest-notifies" "$WORK/share/run"

# times TEXT: how often the guest said so.
times() {
	grep -cF "guest: $1" "$WORK/$VM.out"
}

# lives N ACTIONS: so many lives, which end as they want.
lives() {
	linux_spec "$VM" "mvmd.ip=10.0.0.2/24 mvmd.ping=10.0.0.1 mvmd.share=data mvmd.action=run,$2" \
		'{ "ready": "guest", "timeouts": { "guest": "10min" } }'
	run "$VM"
	ends "$VM: Linux powers off, and that is exit status 0" 0
	is "$VM: it came up in each life" "$(times "Linux ")" "$1"
	is "$VM: each pings the host over the bridge" \
		"$(times "10.0.0.1 answers over the bridge")" "$1"
	is "$VM: each reads the share" "$(times "the share says: a line of the host's")" "$1"
	is "$VM: each wrote into the share" "$(grep -c "was here" "$WORK/share/from-guest")" "$1"
	is "$VM: each told that it is ready, and went on" \
		"$(grep -c "^guest: told, and closed: READY=1" "$WORK/$VM.out")" "$1"
	has "$VM: which mvmd heard" "$WORK/$VM.err" "the guest is ready after"
	is "$VM: of a new life, too" "$(grep -c "the guest is ready again" "$WORK/$VM.err")" $(($1 - 1))
	has_not "$VM: nothing was wrong" "$WORK/$VM.err" "error:"
	rm -f "$WORK"/share/{from-guest,rebooted}
}

lives_twice() {
	lives 2 reboot,poweroff
}

# tests/linux has its reboot.
lives_once() {
	lives 1 poweroff
	has "$VM: its frames went through vhost-net" "$WORK/$VM.err" "queue pairs 1 by vhost-net"
}

case_with cloud-hypervisor linux lives_twice
case_with qemu linux-qemu lives_once
finish
