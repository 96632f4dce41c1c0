#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The emulated host has what small machines lack: else the other cases prove nothing.
. "$(dirname "$0")/../../lib.sh"

# What a VM's user finds, and what mvmd makes of it.
kvm_is_usable() {
	grep -qw svm /proc/cpuinfo && [ -w /dev/kvm ]
}

makes_vlan_bridge() {
	ip link add vlans type bridge vlan_filtering 1 vlan_default_pvid 0 &&
		ip link add port0 type veth peer name far0 && ip link set port0 master vlans &&
		bridge vlan add dev port0 vid 7 pvid untagged && bridge vlan show dev port0 | grep -w 7 &&
		ip link add link far0 name far0.7 type vlan id 7
}

private_namespaces "$@"
succeeds "the processor virtualises, and there is a KVM" kvm_is_usable
succeeds "vhost-net is there" [ -c /dev/vhost-net ]
succeeds "vhost-vsock is there" [ -c /dev/vhost-vsock ]
need bridge
succeeds "bridges filter VLANs" makes_vlan_bridge
finish
