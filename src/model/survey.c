/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "model/survey.h"

void survey_done(Survey *host)
{
	facts_done(&host->facts);
	str_list_done(&host->bridges);
	free(host->cgroup);
	free(host->subuid_user);
	*host = (Survey){ 0 };
}

static void note(const char **need, const char *vm, bool needed)
{
	if (needed && !*need)
		*need = vm;
}

static void add_hugepages(HostNeeds *needs, const Spec *spec)
{
	HugePages size = spec->memory.hugepages;

	if (size == HUGE_PAGES_NONE || spec->memory.size_bytes <= needs->hugepages_bytes[size])
		return;
	needs->hugepages[size] = spec->name;
	needs->hugepages_bytes[size] = spec->memory.size_bytes;
}

void host_needs_add(HostNeeds *needs, const Spec *spec)
{
	const char *vm = spec->name;

	needs->n_specs++;
	note(&needs->kvm, vm, spec->accel != ACCEL_TCG);
	note(&needs->cloud_hypervisor, vm, spec->vmm == VMM_CLOUD_HYPERVISOR);
	note(&needs->qemu, vm, spec->vmm == VMM_QEMU || spec->accel == ACCEL_TCG);
	note(&needs->interfaces, vm, spec->n_interfaces > 0);
	for (size_t i = 0; i < spec->n_interfaces; i++)
		note(&needs->helper, vm, spec_attach(&spec->interfaces[i]) == ATTACH_HELPER);
	note(&needs->vsock_of_qemu, vm, spec_needs_vsock(spec) && spec->vmm == VMM_QEMU);
	note(&needs->vsock_of_auto, vm, spec_needs_vsock(spec) && spec->vmm == VMM_AUTO);
	for (size_t i = 0; i < spec->n_shares; i++)
		note(&needs->shares, vm, spec->shares[i].source != NULL);
	for (size_t i = 0; i < spec->n_disks; i++)
		note(&needs->storage_daemon, vm,
		     spec->disks[i].path && spec->disks[i].backend == DISK_BY_STORAGE_DAEMON);
	add_hugepages(needs, spec);
}

const HugePool *host_huge_pool(const Survey *host, uint64_t page_bytes)
{
	for (size_t i = 0; i < host->n_pools; i++)
		if (host->pools[i].page_bytes == page_bytes)
			return &host->pools[i];
	return NULL;
}
