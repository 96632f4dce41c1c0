/* SPDX-License-Identifier: Apache-2.0 */
#include <net/if.h>

#include "host/image.h"
#include "host/networkd.h"
#include "model/link-faults.h"
#include "model/plan-limits.h"
#include "model/run-faults.h"
#include "run/surroundings.h"

/* The master's name; "" where there is none. */
static const char *master_name(const LinkInfo *tap, char ret[IFNAMSIZ])
{
	if (tap->master <= 0 || !if_indextoname((unsigned) tap->master, ret))
		ret[0] = '\0';
	return ret;
}

/* True where the tap is not on its bridge, or that does nothing for it; fault tells. */
static bool port_is_wrong(Nl *nl, const PlanNic *nic, const LinkInfo *tap, Fault *fault)
{
	const char *bridge_name = nic->spec->bridge;
	char master[IFNAMSIZ];
	LinkInfo bridge;
	int r = link_get(nl, bridge_name, &bridge);

	if (r == -ENODEV)
		return fault_bridge_gone(tap->name, bridge_name, fault) < 0;
	if (r < 0)
		return false;
	if (tap->master != bridge.ifindex) {
		(void) fault_tap_off_bridge(tap->name, bridge_name, master_name(tap, master),
					    fault);
		(void) networkd_blame(tap->name, tap->ifindex, bridge_name, fault);
		return true;
	}
	return !(bridge.flags & IFF_UP) && fault_bridge_down(bridge_name, fault) < 0;
}

/* True where the nic is not as it should be; fault tells. */
static bool nic_is_wrong(Nl *nl, const PlanNic *nic, const Tap *made, Fault *fault)
{
	const char *bridge_name = nic->spec->bridge;
	LinkInfo tap;
	const char *name = tap_name(made, nic) ?: "";
	int r = link_get(nl, name, &tap);

	if (r == -ENODEV || (r == 0 && tap.ifindex != made->ifindex))
		return fault_tap_gone(name, bridge_name, fault) < 0;
	if (r < 0)
		return false;
	if (nic_is_port(nic) && port_is_wrong(nl, nic, &tap, fault))
		return true;
	if (!(tap.flags & IFF_UP))
		return fault_tap_down(name, bridge_name, fault) < 0;
	return nic_is_port(nic) && tap.port_state != PORT_FORWARDING &&
	       tap.port_state != PORT_NONE &&
	       fault_port_not_forwarding(name, bridge_name, port_state_to_string(tap.port_state),
					 fault) < 0;
}

/* By the descriptor of our lock. */
static int disk_look_now(const Resources *resources, size_t i, FaultList *ret)
{
	const SpecDisk *disk = &resources->plan->spec->disks[i];
	Fault fault = { 0 };
	DiskSpace space;

	if (resources->disk_locks[i] < 0 || disk->readonly)
		return 0;
	disk_probe_space(resources->disk_locks[i], &space);
	return disk_is_short(disk->path, &space, &fault) ? fault_list_take(ret, &fault) : 0;
}

int surroundings_look(const Resources *resources, FaultList *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && resources->nl && i < resources->plan->n_nics; i++) {
		Fault fault = { 0 };

		if (resources->taps[i].ifindex > 0 &&
		    nic_is_wrong(resources->nl, &resources->plan->nics[i], &resources->taps[i],
				 &fault))
			r = fault_list_take(ret, &fault);
	}
	for (size_t i = 0; r == 0 && i < resources->plan->spec->n_disks; i++)
		r = disk_look_now(resources, i, ret);
	return r;
}

bool finding_is_momentary(const char *id)
{
	return streq(id, "bridge-down") || streq(id, "port-not-forwarding") ||
	       streq(id, "disk-full");
}
