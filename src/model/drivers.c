/* SPDX-License-Identifier: Apache-2.0 */
#include "model/drivers.h"
#include "mvmd/exit-codes.h"

#define ID_DRIVER_MISSING "driver-missing"

/* A kind of device: how model/ch-config.c begins its id, and what in the guest drives it. */
typedef struct DeviceKind {
	const char *prefix, *name, *modules, *options;
} DeviceKind;

static const DeviceKind nic_kind = { "net", "interface", "virtio_net", "CONFIG_VIRTIO_NET" };
static const DeviceKind disk_kind = { "disk", "disk", "virtio_blk", "CONFIG_VIRTIO_BLK" };
static const DeviceKind share_kind = { "share", "share", "virtiofs",
				       "CONFIG_VIRTIO_FS and CONFIG_FUSE_FS" };

bool drivers_can_be_seen(const Plan *plan)
{
	return plan->vmm == VMM_CLOUD_HYPERVISOR && !plan->spec->boot.firmware;
}

static int add_missing(const Plan *plan, const Life *life, const DeviceKind *kind, const char *id,
		       FaultList *ret)
{
	_cleanup_free_ char *device = str_printf("%s-%s", kind->prefix, id);
	char text[FORMAT_MAX];
	Fault fault = { 0 };

	if (!device)
		return -ENOMEM;
	if (str_list_contains(&life->devices, device))
		return 0;
	(void) fault_set(&fault, -ENODEV, MVMD_EXIT_OK, ID_DRIVER_MISSING,
			 "no driver of the guest has taken %s \"%s\" within %s", kind->name, id,
			 format_duration(text, plan->spec->timeouts.guest_usec));
	(void) fault_why(&fault,
			 "the device is there, and the guest took others: its kernel has no %s, or "
			 "did not load it",
			 kind->modules);
	(void) fault_remedy(&fault, "in the guest: modprobe %s; a kernel of one's own needs %s",
			    kind->modules, kind->options);
	(void) fault_evidence(&fault, "device", "%s", device);
	(void) fault_evidence(&fault, "driver", "%s", kind->modules);
	(void) fault_evidence(&fault, "life", "%u", life->number);
	return fault_list_take(ret, &fault);
}

/* Of disks and interfaces that a vhost-user backend serves cloud-hypervisor does not tell it: cloud-hypervisor.md §3.6. */
int drivers_missing(const Plan *plan, const Life *life, FaultList *ret)
{
	const Spec *spec = plan->spec;
	int r = 0;

	if (!drivers_can_be_seen(plan) || life->devices.n == 0)
		return 0;
	for (size_t i = 0; r == 0 && i < plan->n_nics; i++)
		if (attach_has_link(plan->nics[i].attach))
			r = add_missing(plan, life, &nic_kind, plan->nics[i].spec->id, ret);
	for (size_t i = 0; r == 0 && i < spec->n_disks; i++)
		if (!plan_backend_of(plan, &spec->disks[i]))
			r = add_missing(plan, life, &disk_kind, spec->disks[i].id, ret);
	for (size_t i = 0; r == 0 && i < spec->n_shares; i++)
		r = add_missing(plan, life, &share_kind, spec->shares[i].id, ret);
	return r;
}

void findings_driver_came(FaultList *findings, const char *device)
{
	for (size_t i = findings->n; i-- > 0;)
		if (streq(findings->items[i].id, ID_DRIVER_MISSING) &&
		    streq_null(fault_evidence_get(&findings->items[i], "device"), device))
			fault_list_drop(findings, i);
}
