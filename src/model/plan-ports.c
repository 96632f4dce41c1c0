/* SPDX-License-Identifier: Apache-2.0 */
#include "model/plan-ports.h"
#include "model/link-faults.h"

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

int ports_problems(const Spec *spec, const Facts *facts, FaultList *faults)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < facts->n_interfaces; i++)
		r = check_vlan(&spec->interfaces[i], &facts->bridges[i], faults);
	return r;
}
