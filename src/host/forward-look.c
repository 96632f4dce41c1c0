/* SPDX-License-Identifier: Apache-2.0 */
#include "host/forward-look.h"
#include "host/inet-diag.h"
#include "host/process.h"
#include "host/running-vm.h"
#include "model/forwards.h"

/* A port of ours, which a running VM may have. */
typedef struct Wanted {
	const SpecForward *forward;
	const char *netns;
} Wanted;

static bool has_port(const StateFile *state, const Spec *spec, const void *userdata)
{
	const Wanted *wanted = userdata;

	if (!streq_null(spec->netns, wanted->netns))
		return false;
	for (size_t i = 0; i < spec->n_interfaces; i++)
		for (size_t j = 0; j < spec->interfaces[i].passt.n_forward; j++)
			if (forwards_collide(&spec->interfaces[i].passt.forward[j],
					     wanted->forward))
				return true;
	return false;
}

static int tell(const Plan *plan, const char *interface, const SpecForward *forward,
		const PortUser *user, Fault *fault)
{
	const Wanted wanted = { forward, plan->spec->netns };
	pid_t pid = socket_holder(user->inode);
	_cleanup_free_ char *process = pid > 0 ? process_to_words(pid) : NULL;
	_cleanup_free_ char *vm = running_vm_find(plan->places.runtime_directory, plan->spec->name,
						  has_port, &wanted);
	const PortHolder holder = { vm, process, pid, user->uid };

	return fault_port_taken(interface, forward, &holder, fault);
}

int forwards_look(const Plan *plan, Fault *fault)
{
	for (size_t i = 0; i < plan->spec->n_interfaces; i++) {
		const SpecInterface *interface = &plan->spec->interfaces[i];

		for (size_t j = 0; j < interface->passt.n_forward; j++) {
			const SpecForward *forward = &interface->passt.forward[j];
			PortAddress address = forward_address(forward);
			PortUser user;

			if (inet_diag_find(forward->protocol, (uint16_t) forward->host, &address,
					   &user) > 0)
				return tell(plan, interface->id, forward, &user, fault);
		}
	}
	return 0;
}
