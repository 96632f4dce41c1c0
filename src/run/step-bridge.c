/* SPDX-License-Identifier: Apache-2.0 */
#include "host/bridge.h"
#include "run/step-internal.h"

/* Bridges that the spec has mvmd make. */

int made_bridge_apply(Resources *resources, size_t i, int *ret_lock, Fault *fault)
{
	const PlanNic *nic = &resources->plan->nics[i];
	_cleanup_close_ int lock = -EBADF;
	Fault otherwise = { 0 };
	int r;

	if (!nic->spec->has_create_bridge)
		return 0;
	r = bridges_lock(resources->plan->places.runtime_directory, &lock, fault);
	if (r == 0)
		r = bridge_make(resources->nl, nic->spec, &resources->bridges[i], fault);
	if (r < 0)
		return r;
	if (bridge_is_otherwise(resources->nl, nic->spec, &resources->bridges[i], &otherwise))
		step_remark(resources, &otherwise);
	*ret_lock = TAKE_FD(lock);
	return 0;
}

void made_bridge_drop(Resources *resources, size_t i)
{
	const PlanNic *nic = &resources->plan->nics[i];
	_cleanup_close_ int lock = -EBADF;
	Fault ignored = { 0 };

	if (!nic->spec->has_create_bridge || !resources->nl)
		return;
	if (bridges_lock(resources->plan->places.runtime_directory, &lock, &ignored) == 0)
		(void) bridge_remove_unused(resources->nl, nic->spec->bridge);
	fault_done(&ignored);
}
