#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mvmd doctor on a host that has all that VMs want, with nothing made up: it must not complain. Then what only such a
# host can lack for real: huge pages, memory in a control group.
. "$(dirname "$0")/../../lib.sh"

EXIT_OK=0
VM=web1

# What the machine below has installed is no fault of the host; nor is its kernel, which has some known issue or other.
HARMLESS='["systemd-absent", "program-missing", "virtiofsd-deprecated", "known-issue-likely", "known-issue-minor"]'

# doctor NAME
doctor() {
	"$MVMD" doctor --json "$@" >"$WORK/out" 2>"$WORK/err"
	STATUS=$?
}

# findings_of_vm: "LEVEL ID" of each warning and error about it.
findings_of_vm() {
	jq -r '[.checks[] | select(.about == "vm" and (.level == "warning" or .level == "error")) |
		"\(.level) \(.id)"] | join(", ")' "$WORK/out"
}

spec() {
	jq -n --arg kernel "$WORK/kernel" --argjson memory "$1" '{
		vmm: "qemu", accel: "kvm", memory: $memory, boot: { kernel: $kernel },
		interfaces: [ { id: "net0", bridge: "br0" } ], vsock: {}
	}' >"$MVMD_SPEC_DIR/$VM.json"
}

whole_host() {
	spec '"64MiB"'
	doctor $VM
	is "a host that has all has nothing but notes" \
		"$(jq -c --argjson harmless "$HARMLESS" '[.checks[] | select(.level != "ok" and
			(.level != "note" or ([.id] | inside($harmless) | not))) | [.level, .id, .what]]' "$WORK/out")" "[]"
	is "and its exit status says so" $STATUS $EXIT_OK
	is "all that VMs want is there" \
		"$(jq -r '[.checks[] | select(.level == "ok") | .about] - ["host-conf", "memlock", "nofile",
			"hugepages", "runtime-directory", "state-directory", "uid-range", "known-issues"] -
			["cloud-hypervisor", "qemu", "qemu-storage-daemon", "virtiofsd"] | join(" ")' "$WORK/out")" \
		"kvm vmm tun bridge vhost-net vhost-vsock user-namespaces memory cgroup vm"
}

huge_pages() {
	local pages=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
	spec '{ "size": "64MiB", "hugepages": "2MiB" }'
	doctor $VM
	is "no huge pages" "$(findings_of_vm)" "error hugepages-missing"
	eval "$(jq -r '.checks[] | select(.id == "hugepages-missing") | .remedy | sub(",.*"; "")' "$WORK/out")"
	is "the remedy makes them" "$(cat $pages)" 32
	doctor $VM
	is "and helps" "$(findings_of_vm)" ""
	echo 0 >$pages
}

# in_group COMMAND...
in_group() {
	(
		echo $BASHPID >/sys/fs/cgroup/small/cgroup.procs
		"$@"
	)
}

control_group() {
	spec '"256MiB"'
	if ! echo +memory >/sys/fs/cgroup/cgroup.subtree_control || ! mkdir /sys/fs/cgroup/small; then
		skip "a control group with little memory" "there is no such control group"
		return
	fi
	echo 128M >/sys/fs/cgroup/small/memory.max
	in_group doctor $VM
	is "a control group with less memory than the VM" "$(findings_of_vm)" "warning memory-short"
	is "which is named" "$(jq '.checks[] | select(.id == "memory-short") | .what | test("the control group here may have")' \
		"$WORK/out")" true
	rmdir /sys/fs/cgroup/small
}

private_namespaces "$@"
need jq qemu-system-x86_64
export MVMD_SPEC_DIR=$WORK/spec MVMD_RUNTIME_DIR=$WORK/run MVMD_STATE_DIR=$WORK/state
export MVMD_DATA_DIR=$TOP/contrib
mkdir "$MVMD_SPEC_DIR"
cp "$BUILD/tests/guest/tiny.elf" "$WORK/kernel"
chmod 755 "$WORK/kernel"
ip link add br0 up type bridge
whole_host
huge_pages
control_group
finish
