/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "model/spec-json.h"
#include "run/step-internal.h"
#include "run/tap-store.h"

static int *fds_new(size_t n)
{
	int *fds = calloc(n ?: 1, sizeof(*fds));

	for (size_t i = 0; fds && i < n; i++)
		fds[i] = -EBADF;
	return fds;
}

static Slot *slots_new(Resources *resources, size_t n)
{
	Slot *slots = calloc(n ?: 1, sizeof(*slots));

	for (size_t i = 0; slots && i < n; i++)
		slots[i] = (Slot){ resources, i };
	return slots;
}

int resources_init(sd_event *event, const Plan *plan, const ResourceHandlers *handlers,
		   Resources *ret)
{
	size_t n_nics = plan->n_nics ?: 1, n_backends = plan->n_backends ?: 1;

	*ret = (Resources){ .event = event,
			    .plan = plan,
			    .handlers = *handlers,
			    .lock_fd = -EBADF,
			    .alive_fd = -EBADF };
	ret->disk_locks = fds_new(plan->spec->n_disks);
	ret->held_fds = fds_new(plan->spec->n_disks + 2);
	ret->listeners = fds_new(plan->n_backends);
	ret->link_waits = calloc(n_nics, sizeof(LinkWait *));
	ret->networkd_waits = calloc(n_nics, sizeof(NetworkdWait *));
	ret->bridges = calloc(n_nics, sizeof(LinkInfo));
	ret->taps = calloc(n_nics, sizeof(Tap));
	ret->backends = calloc(n_backends, sizeof(Backend *));
	ret->socket_waits = calloc(n_backends, sizeof(SocketWait *));
	ret->nic_slots = slots_new(ret, plan->n_nics);
	ret->backend_slots = slots_new(ret, plan->n_backends);
	if (ret->disk_locks && ret->held_fds && ret->listeners && ret->link_waits &&
	    ret->networkd_waits && ret->bridges && ret->taps && ret->backends &&
	    ret->socket_waits && ret->nic_slots && ret->backend_slots)
		return 0;
	resources_done(ret);
	return -ENOMEM;
}

void resources_done(Resources *resources)
{
	(void) vmm_free(resources->vmm);
	for (size_t i = 0; resources->backends && i < resources->plan->n_backends; i++)
		(void) backend_free(resources->backends[i]);
	(void) nl_connection_free(resources->nl);
	(void) guest_notify_free(resources->notify);
	smbios_strings_done(&resources->smbios);
	free(resources->disk_locks);
	free(resources->held_fds);
	free(resources->listeners);
	free(resources->link_waits);
	free(resources->networkd_waits);
	free(resources->bridges);
	free(resources->taps);
	free(resources->backends);
	free(resources->socket_waits);
	free(resources->nic_slots);
	free(resources->backend_slots);
	(void) close_fd(resources->alive_fd);
	*resources = (Resources){ .lock_fd = -EBADF, .alive_fd = -EBADF };
}

static int describe_backend(const Resources *resources, size_t i, StateFile *state)
{
	const PlanBackend *backend = &resources->plan->backends[i];
	pid_t pid = resources->backends[i] ? backend_pid(resources->backends[i]) : 0;
	_cleanup_free_ char *label = NULL;

	if (pid == 0)
		return 0;
	label = str_printf("%s[%s]", backend_kind_to_string(backend->kind), backend->id);
	return label ? state_file_add_backend(state, backend->id, label, pid,
					      backend_restarts(resources->backends[i])) :
		       -ENOMEM;
}

static int describe_vmm(const Resources *resources, StateFile *state)
{
	const Plan *plan = resources->plan;
	const Vmm *vmm = resources->vmm;
	int r = 0;

	if (!vmm)
		return 0;
	if (vmm_pid(vmm) > 0)
		r = state_process_set(&state->vmm, vmm_kind_to_string(plan->vmm), vmm_pid(vmm));
	return r < 0 ? r :
		       str_set(&state->vmm_version, vmm_version(vmm) ?: plan->vmm_program->version);
}

int resources_describe(const Resources *resources, StateFile *ret)
{
	const Plan *plan = resources->plan;
	int r;

	*ret = (StateFile){ .vmm_kind = plan->vmm,
			    .accel = plan->accel,
			    .spec = spec_to_json(plan->spec),
			    .taps = taps_to_record(resources),
			    .console_bytes =
				    resources->console ? console_bytes(resources->console) : 0 };
	r = str_set(&ret->spec_file, plan->spec->file);
	if (r == 0)
		r = describe_vmm(resources, ret);
	for (size_t i = 0; r == 0 && i < plan->n_backends; i++)
		r = describe_backend(resources, i, ret);
	return r;
}
