/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "model/doctor.h"
#include "model/run-faults.h"
#include "mvmd/exit-codes.h"

static void judge_hugepages(Doctor *doctor, const Spec *spec, const Survey *host)
{
	uint64_t page_bytes = huge_page_bytes(spec->memory.hugepages);
	const HugePool *pool = host_huge_pool(host, page_bytes);
	uint64_t wanted = spec->memory.size_bytes / page_bytes, free = pool ? pool->free : 0;
	char text[FORMAT_MAX];
	Fault fault = { 0 };

	if (free >= wanted)
		return;
	(void) fault_set(&fault, -ENOMEM, MVMD_EXIT_UNAVAILABLE, "hugepages-missing",
			 "it wants %" PRIu64 " pages of %s, and %" PRIu64 " are free", wanted,
			 format_size(text, page_bytes), free);
	(void) fault_remedy(&fault,
			    "echo %" PRIu64 " > /sys/kernel/mm/hugepages/hugepages-%" PRIu64
			    "kB/nr_hugepages, or end a VM that has some",
			    (pool ? pool->total : 0) + wanted - free, page_bytes / KIB);
	(void) fault_evidence(&fault, "pages", "%" PRIu64, free);
	(void) fault_evidence(&fault, "pages_wanted", "%" PRIu64, wanted);
	doctor_take(doctor, "vm", DOCTOR_ERROR, &fault);
}

/*
 * Shared memory is a file that grows, and cloud-hypervisor maps private memory with MAP_NORESERVE, so that both
 * take pages only as the guest touches them. QEMU's private memory is refused at once where it is more than there
 * ever can be (mm/util.c:__vm_enough_memory), unless overcommitting is unlimited.
 */
static bool is_refused_at_once(const Plan *plan, const Survey *host)
{
	return plan->vmm == VMM_QEMU && !plan->shared_memory &&
	       host->overcommit != OVERCOMMIT_ALWAYS &&
	       plan->spec->memory.size_bytes > host->memory_bytes + host->swap_bytes;
}

static void judge_memory(Doctor *doctor, const Plan *plan, const Survey *host)
{
	uint64_t wanted = plan->spec->memory.size_bytes, available = host->memory_available_bytes;
	bool group = host->cgroup_left_bytes < available, refused = is_refused_at_once(plan, host);
	Fault fault = { 0 };

	if (group)
		available = host->cgroup_left_bytes;
	if (host->memory_bytes == 0 || wanted <= available)
		return;
	(void) fault_set(&fault, -ENOMEM, MVMD_EXIT_UNAVAILABLE, "memory-short",
			 "it wants %" PRIu64 " MiB of memory, and %s %" PRIu64 " MiB", wanted / MIB,
			 group ? "the control group here may have" : "available are",
			 available / MIB);
	if (refused)
		(void) fault_why(&fault,
				 "that is more than the memory and swap of this host, %" PRIu64
				 " MiB, which the kernel refuses QEMU",
				 (host->memory_bytes + host->swap_bytes) / MIB);
	else
		(void) fault_why(&fault,
				 "it starts; when the guest uses all of it, the host swaps, "
				 "or the OOM killer ends the VM");
	(void) fault_remedy(&fault,
			    "a smaller \"memory\" in %s, or end something: ps aux "
			    "--sort=-rss | head",
			    plan->spec->file);
	(void) fault_evidence(&fault, "wanted_bytes", "%" PRIu64, wanted);
	(void) fault_evidence(&fault, "available_bytes", "%" PRIu64, available);
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
	if (plan->spec->memory.hugepages == HUGE_PAGES_NONE)
		judge_memory(doctor, plan, host);
	else
		judge_hugepages(doctor, plan->spec, host);
	judge_bridges(doctor, plan);
}
