/* SPDX-License-Identifier: Apache-2.0 */
#include "run/surroundings.h"
#include "host/image.h"
#include "host/networkd.h"
#include "model/netns-fault.h"
#include "model/plan-limits.h"
#include "run/link-judge.h"

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

static int nic_look_now(const Resources *resources, size_t i, FaultList *ret)
{
	const PlanNic *nic = &resources->plan->nics[i];
	Fault fault = { 0 };
	LinkSight sight;

	if (!resources->nl || resources->taps[i].ifindex <= 0)
		return 0;
	link_judge(resources->nl, nic, &resources->taps[i], &sight);
	if (fault_link_wrong(&sight, &fault) == 0)
		return 0;
	if (sight.wrong == LINK_OFF_BRIDGE)
		networkd_explain(resources->plan, nic, &resources->taps[i], sight.bridge, &fault);
	if (sight.wrong == LINK_BRIDGE_GONE && nic->on_detach == ON_DETACH_REPAIR)
		link_fault_is_awaited(&sight, &fault);
	fault_in_netns(resources->plan->spec->netns, &fault);
	return fault_list_take(ret, &fault);
}

int surroundings_look_at_disks(const Resources *resources, FaultList *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < resources->plan->spec->n_disks; i++)
		r = disk_look_now(resources, i, ret);
	return r;
}

int surroundings_look(const Resources *resources, FaultList *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < resources->plan->n_nics; i++)
		r = nic_look_now(resources, i, ret);
	return r < 0 ? r : surroundings_look_at_disks(resources, ret);
}

bool finding_is_momentary(const Fault *fault)
{
	return streq(fault->id, "disk-full") || streq(fault->id, "link-down") ||
	       link_finding_is_momentary(fault);
}
