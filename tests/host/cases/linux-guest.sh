#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A stock Linux guest with KVM: bridge, share, reboot, power-off; no finding.
. "$(dirname "$0")/../case-lib.sh"
private_host "$@"

# times TEXT: how often the guest said so.
times() {
	grep -cF "guest: $1" "$WORK/$VM.out"
}

lives_twice() {
	local words="mvmd.ip=10.0.0.2/24 mvmd.ping=10.0.0.1 mvmd.share=data"
	linux_spec "$VM" "$words mvmd.action=reboot,poweroff"
	run "$VM"
	ends "$VM: Linux reboots, powers off, and that is exit status 0" 0
	is "$VM: it came up twice" "$(times "Linux ")" 2
	is "$VM: both lives ping the host over the bridge" \
		"$(times "10.0.0.1 answers over the bridge")" 2
	is "$VM: both lives read the share" "$(times "the share says: a line of the host's")" 2
	is "$VM: both lives wrote into the share" "$(grep -c "was here" "$WORK/share/from-guest")" 2
	has_not "$VM: nothing was wrong" "$WORK/$VM.err" "error:"
	rm -f "$WORK"/share/{from-guest,rebooted}
}

case_with cloud-hypervisor linux lives_twice
case_with qemu linux-qemu lives_twice
finish
