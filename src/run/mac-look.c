/* SPDX-License-Identifier: Apache-2.0 */
#include "run/mac-look.h"
#include "host/fdb.h"
#include "model/link-faults.h"
#include "run/step-internal.h"

/* Of a bridge's ports, where nobody said another (net/bridge/br_vlan.c: br_vlan_init()). */
#define DEFAULT_PVID 1

static uint16_t vlan_of(const Resources *resources, size_t i)
{
	const PlanNic *nic = &resources->plan->nics[i];

	if (resources->plan->facts->bridges[i].vlan_filtering != TRISTATE_TRUE)
		return 0;
	return nic->port.vlan ? (uint16_t) nic->port.vlan->pvid : DEFAULT_PVID;
}

/* Its port's link where that is another than our own; false: the bridge knows of none. */
static bool find(const Resources *resources, size_t i, MacAddress mac, LinkInfo *ret)
{
	int port;

	return fdb_find(resources->nl, resources->bridges[i].ifindex, mac, vlan_of(resources, i),
			&port) == 0 &&
	       port != resources->taps[i].ifindex &&
	       link_get_index(resources->nl, port, ret) == 0 &&
	       !streq(ret->alias, resources->plan->nics[i].alias);
}

int mac_look(Resources *resources, size_t i, Fault *fault)
{
	const PlanNic *nic = &resources->plan->nics[i];
	const char *bridge = nic->spec->bridge, *name = resources->plan->spec->name;
	_cleanup_free_ char *vm = NULL;
	Fault seen = { 0 };
	LinkInfo port;

	if (!find(resources, i, nic->tap_mac, &port) && !find(resources, i, nic->mac, &port))
		return 0;
	if (tap_alias_read(port.alias, &vm) && vm && !streq(vm, name))
		return fault_mac_of_vm(name, nic->spec->id, vm, nic->mac, port.name, bridge, fault);
	(void) fault_mac_seen(nic->spec->id, nic->mac, port.name, bridge, &seen);
	step_remark(resources, &seen);
	return 0;
}
