/* SPDX-License-Identifier: Apache-2.0 */
#include "host/cid-look.h"
#include "host/running-vm.h"
#include "host/vhost.h"
#include "model/run-faults.h"

static bool has_cid(const StateFile *state, const Spec *spec, const void *userdata)
{
	const uint32_t *cid = userdata;

	return state->vmm_kind == VMM_QEMU && spec_cid(spec) == *cid;
}

char *cid_holder(const char *runtime_directory, const char *except, uint32_t cid)
{
	return running_vm_find(runtime_directory, except, has_cid, &cid);
}

int cid_look(const Plan *plan, Fault *fault)
{
	_cleanup_free_ char *holder = NULL;

	if (plan->vmm != VMM_QEMU || plan->cid == 0 ||
	    vhost_vsock_try_cid(plan->cid) != -EADDRINUSE)
		return 0;
	holder = cid_holder(plan->places.runtime_directory, plan->spec->name, plan->cid);
	return fault_cid_taken(plan->spec->name, plan->cid, holder, fault);
}
