/* SPDX-License-Identifier: Apache-2.0 */
#include "model/doctor.h"
#include "model/plan-limits.h"
#include "model/run-faults.h"
#include "mvmd/exit-codes.h"

/* Memory is judged below, where the control group is known; the packet filter with the host. */
static void take_warnings(Doctor *doctor, const Plan *plan)
{
	FaultList warnings = { 0 };

	if (plan_warnings(plan->spec, plan->facts, &warnings) < 0)
		doctor->failed = true;
	for (size_t i = 0; i < warnings.n; i++)
		if (!streq(warnings.items[i].id, "memory-short") &&
		    !streq(warnings.items[i].id, "bridge-netfilter"))
			doctor_take(doctor, "vm", DOCTOR_WARNING, &warnings.items[i]);
	fault_list_done(&warnings);
}

static void judge_memory(Doctor *doctor, const Plan *plan, const Survey *host)
{
	Fault fault = { 0 };
	bool refused;

	if (memory_is_short(plan->spec, plan->facts, host->cgroup_left_bytes, &refused, &fault))
		doctor_take(doctor, "vm", refused ? DOCTOR_ERROR : DOCTOR_WARNING, &fault);
}

/* One that is not there yet is told by plan_awaited(). */
static void judge_bridges(Doctor *doctor, const Plan *plan)
{
	for (size_t i = 0; i < plan->facts->n_interfaces; i++) {
		const BridgeFact *bridge = &plan->facts->bridges[i];
		Fault fault = { 0 };

		if (!bridge->is_bridge || bridge->is_up)
			continue;
		(void) fault_bridge_down(plan->spec->interfaces[i].bridge, &fault);
		doctor_take(doctor, "vm", DOCTOR_WARNING, &fault);
	}
}

void doctor_judge_vm(Doctor *doctor, const Plan *plan, const Survey *host)
{
	take_warnings(doctor, plan);
	judge_memory(doctor, plan, host);
	judge_bridges(doctor, plan);
}
