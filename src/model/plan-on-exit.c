/* SPDX-License-Identifier: Apache-2.0 */
#include "model/plan.h"

static BackendOnExit asked_for(const PlanBackend *backend)
{
	BackendOnExit asked = backend->share ? backend->share->on_exit :
			      backend->disk  ? backend->disk->on_exit :
					       backend->interface->passt.on_exit;

	if (asked != BACKEND_ON_EXIT_UNSET)
		return asked;
	return backend->disk ? BACKEND_STOP_VM : BACKEND_RESPAWN;
}

/* QEMU does not even start with a share that it may connect to anew (qemu.md §2); with a disk it does. */
BackendOnExit plan_on_exit(const PlanBackend *backend, VmmKind vmm)
{
	BackendOnExit asked = asked_for(backend);

	return asked == BACKEND_RESPAWN && backend->share && vmm == VMM_QEMU ? BACKEND_RESTART_VM :
									       asked;
}

bool on_exit_is_forced(const PlanBackend *backend)
{
	return backend->on_exit != asked_for(backend);
}

char *on_exit_to_words(const PlanBackend *backend, VmmKind vmm)
{
	const char *word = backend_on_exit_to_string(backend->on_exit);

	if (!on_exit_is_forced(backend))
		return str_printf("on exit: %s", word);
	return str_printf("on exit: %s, for %s never gets a share back", word,
			  vmm_kind_to_string(vmm));
}
