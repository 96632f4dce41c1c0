/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/access.h"
#include "host/process.h"
#include "host/unix-diag.h"
#include "model/vmm-wait.h"
#include "run/deaf.h"

/* Whose connections cannot be told is taken for the VMM's: it is seldom that a socket has two clients. */
static void look_at_client(const UnixClient *client, pid_t vmm, BackendSight *sight)
{
	if (vmm == 0 || process_has_socket(vmm, client->inode) == 0) {
		sight->others += client->accepted ? 1 : 0;
		return;
	}
	sight->connected = true;
	sight->accepted = client->accepted;
	sight->unread = client->unread;
	sight->awaited = process_reads_socket(vmm, client->inode) > 0;
}

static void look_at_clients(const char *path, pid_t vmm, BackendSight *sight)
{
	UnixListener listener = { 0 };
	struct stat status;

	if (stat(path, &status) == 0 && unix_diag_listener(path, &status, &listener) == 0)
		for (size_t i = 0; i < listener.n_clients; i++)
			look_at_client(&listener.clients[i], vmm, sight);
	sight->full = listener.full;
	if (sight->pid == 0 && listener.inode != 0)
		sight->pid = socket_holder(listener.inode);
	unix_listener_done(&listener);
}

/* Both VMMs take one who comes at once: one that has a client does not wait for it. */
static void look_at_peer(const char *path, BackendSight *sight)
{
	UnixListener listener = { 0 };
	struct stat status;

	sight->deserted = stat(path, &status) == 0 &&
			  unix_diag_listener(path, &status, &listener) == 0 &&
			  listener.inode != 0 && listener.n_clients == 0;
	unix_listener_done(&listener);
}

/* vmm: 0 where it has ended. The caller frees sight->program. */
static void look_at_backend(const Resources *resources, size_t i, pid_t vmm, BackendSight *sight)
{
	const PlanBackend *backend = &resources->plan->backends[i];
	SockState state;

	sight->backend = backend;
	if (backend_comes_to_vmm(backend)) {
		look_at_peer(backend->socket, sight);
		return;
	}
	if (resources->backends[i])
		sight->pid = backend_pid(resources->backends[i]);
	if (sock_look(backend->socket, &state) == 0 && state != SOCK_LISTENING)
		sight->absence = sock_state_to_string(state);
	sight->forbidden = access_as(&resources->plan->facts->vm, backend->socket, W_OK) == -EACCES;
	look_at_clients(backend->socket, vmm, sight);
	if (sight->pid > 0) {
		sight->program = backend->kind == BACKEND_EXTERNAL ?
					 process_name(sight->pid) :
					 strdup(backend_kind_to_string(backend->kind));
		sight->stopped = process_is_stopped(sight->pid);
	}
}

int deaf_tell(const Resources *resources, Fault *fault)
{
	const Plan *plan = resources->plan;
	BackendSight *backends = calloc(plan->n_backends ?: 1, sizeof(*backends));
	pid_t vmm = resources->vmm ? vmm_pid(resources->vmm) : 0;
	const VmmSight sight = { .uid = plan->facts->vm.uid,
				 .gone = vmm == 0,
				 .backends = backends,
				 .n_backends = plan->n_backends };

	if (!backends)
		return fault->error;
	for (size_t i = 0; i < plan->n_backends; i++)
		look_at_backend(resources, i, vmm, &backends[i]);
	(void) vmm_wait_tell(&sight, fault);
	for (size_t i = 0; i < plan->n_backends; i++)
		free(backends[i].program);
	free(backends);
	return fault->error;
}
