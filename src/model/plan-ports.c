/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>

#include "model/link-faults.h"
#include "model/plan-ports.h"
#include "mvmd/exit-codes.h"

/* A bridge that is not there yet is looked at when the tap is put on it. */
static int check_vlan(const SpecInterface *interface, const BridgeFact *bridge, FaultList *faults)
{
	Fault fault = { 0 };

	if (!interface->has_vlan || !bridge->is_bridge || bridge->vlan_filtering == TRISTATE_TRUE)
		return 0;
	(void) fault_vlan_filtering(interface->bridge, bridge->vlan_filtering, &fault);
	(void) fault_prefix(&fault, "interface %s", interface->id);
	return fault_list_take(faults, &fault);
}

static int check_rate(const Spec *spec, const SpecInterface *interface, VmmKind vmm,
		      FaultList *faults)
{
	PlanRate rate = nic_rate(interface);
	Fault fault = { 0 };

	if (!rate.by_vmm || vmm != VMM_QEMU)
		return 0;
	(void) fault_set(&fault, -EOPNOTSUPP, MVMD_EXIT_UNAVAILABLE, "rate-vmm",
			 "interface %s: the VMM is to keep to its \"rate\", and QEMU, which would "
			 "run it, has no limits for a tap",
			 interface->id);
	(void) fault_remedy(&fault,
			    "write \"by\": \"tc\" in it in %s, or \"vmm\": \"cloud-hypervisor\"",
			    spec->file);
	return fault_list_take(faults, &fault);
}

int ports_problems(const Spec *spec, const Facts *facts, FaultList *faults)
{
	VmmKind vmm = vmm_choose(spec, facts).vmm;
	int r = 0;

	for (size_t i = 0; r == 0 && i < facts->n_interfaces; i++) {
		r = check_vlan(&spec->interfaces[i], &facts->bridges[i], faults);
		if (r == 0)
			r = check_rate(spec, &spec->interfaces[i], vmm, faults);
	}
	return r;
}

/* A smaller one than the bridge's is told when it has come to that: it depends on who made the bridge. */
static int warn_of_mtu(const SpecInterface *interface, const BridgeFact *bridge, FaultList *faults)
{
	Fault fault = { 0 };

	if (!bridge->is_bridge || interface->mtu <= bridge->mtu)
		return 0;
	(void) fault_set(&fault, -EMSGSIZE, MVMD_EXIT_OK, "mtu-over-bridge",
			 "interface %s: tap and guest get an MTU of %" PRIu64
			 ", and bridge %s has %" PRIu32,
			 interface->id, interface->mtu, interface->bridge, bridge->mtu);
	(void) fault_why(&fault,
			 "a frame that is larger than the MTU of the port by which it would leave "
			 "is dropped, and nobody is told: connections come up, and hang with the "
			 "first large packet");
	(void) fault_remedy(&fault,
			    "take \"mtu\" out, and the guest is told %" PRIu32
			    "; or ip link set %s mtu %" PRIu64 ", and the same for its other ports",
			    bridge->mtu, interface->bridge, interface->mtu);
	(void) fault_evidence(&fault, "bridge", "%s", interface->bridge);
	(void) fault_evidence(&fault, "mtu", "%" PRIu64, interface->mtu);
	(void) fault_evidence(&fault, "bridge_mtu", "%" PRIu32, bridge->mtu);
	return fault_list_take(faults, &fault);
}

int ports_warn_of_filter(const BridgeFilterFact *filter, FaultList *faults)
{
	Fault fault = { 0 };

	if (!filter->ipv4 && !filter->ipv6)
		return 0;
	(void) fault_bridge_netfilter(filter->ipv4, filter->ipv6, &fault);
	return fault_list_take(faults, &fault);
}

int ports_warnings(const Spec *spec, const Facts *facts, FaultList *faults)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < facts->n_interfaces; i++)
		r = warn_of_mtu(&spec->interfaces[i], &facts->bridges[i], faults);
	return r < 0 ? r : ports_warn_of_filter(&facts->bridge_filter, faults);
}
