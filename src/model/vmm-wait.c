/* SPDX-License-Identifier: Apache-2.0 */
#include "model/vmm-wait.h"

static VmmWait wait_of(const BackendSight *sight)
{
	if (sight->deserted)
		return VMM_WAIT_PEER;
	if (!sight->connected && sight->forbidden)
		return VMM_WAIT_PERMIT;
	if (!sight->connected && sight->full)
		return VMM_WAIT_QUEUE;
	if (!sight->connected)
		return sight->absence ? VMM_WAIT_LISTEN : VMM_WAIT_UNKNOWN;
	if (!sight->accepted)
		return VMM_WAIT_ACCEPT;
	return sight->unread ? VMM_WAIT_READ : VMM_WAIT_ANSWER;
}

/* Of a VMM that listens for one side it is sure that it waits for it: it goes on when that has come. */
static bool find_awaited(const BackendSight *sights, size_t n, size_t *ret)
{
	for (*ret = 0; *ret < n; (*ret)++)
		if (sights[*ret].awaited || sights[*ret].deserted)
			return true;
	return false;
}

/* A backend that works reads within microseconds what it is sent. */
static bool find_unread(const BackendSight *sights, size_t n, size_t *ret)
{
	for (*ret = 0; *ret < n; (*ret)++)
		if (sights[*ret].connected && sights[*ret].unread)
			return true;
	return false;
}

/* Neither VMM gives up at once. */
static bool find_unreachable(const BackendSight *sights, size_t n, size_t *ret)
{
	for (*ret = 0; *ret < n; (*ret)++)
		if (!sights[*ret].connected && wait_of(&sights[*ret]) != VMM_WAIT_UNKNOWN)
			return true;
	return false;
}

static bool find_last_connected(const BackendSight *sights, size_t n, size_t *ret)
{
	for (*ret = n; (*ret)-- > 0;)
		if (sights[*ret].connected)
			return true;
	return false;
}

VmmWait vmm_wait_find(const BackendSight *sights, size_t n, size_t *ret_index, bool *ret_certain)
{
	*ret_certain = true;
	if (find_awaited(sights, n, ret_index) || find_unread(sights, n, ret_index) ||
	    find_unreachable(sights, n, ret_index))
		return wait_of(&sights[*ret_index]);
	*ret_certain = false;
	if (find_last_connected(sights, n, ret_index))
		return wait_of(&sights[*ret_index]);
	return VMM_WAIT_UNKNOWN;
}

/* "virtiofsd, pid 12", "the program that serves it". New string or NULL. */
static char *who_serves(const BackendSight *sight)
{
	if (sight->pid == 0)
		return str_printf("the program that serves it");
	return str_printf("%s, pid %d,", sight->program ?: "the program that serves it",
			  (int) sight->pid);
}

/* "share "data" at /run/data.sock" */
static char *name_device(const PlanBackend *backend)
{
	return str_printf("%s \"%s\" at %s", backend_device(backend), backend->id, backend->socket);
}

/* "it probably waits for share ..." */
static char *say_wait(const BackendSight *sight, bool certain, bool gone)
{
	_cleanup_free_ char *device = name_device(sight->backend);

	if (!device)
		return NULL;
	return str_printf("it %s%s for %s", certain ? "" : "probably ", gone ? "waited" : "waits",
			  device);
}

static const char *say_more(const BackendSight *sight, VmmWait wait)
{
	if (sight->stopped)
		return "; that process is stopped (SIGSTOP, a debugger)";
	return wait == VMM_WAIT_ACCEPT && sight->others > 0 ? "; it serves another client" : "";
}

/* waits: say_wait() */
static void tell_why(const BackendSight *sight, VmmWait wait, const char *waits, Fault *fault)
{
	static const char *const does[_VMM_WAIT_MAX] = {
		[VMM_WAIT_QUEUE] = "accepts nobody, and its queue is full",
		[VMM_WAIT_ACCEPT] = "has not accepted its connection",
		[VMM_WAIT_READ] = "has accepted its connection and does not read what it sends",
		[VMM_WAIT_ANSWER] = "has read what it sent and does not answer",
	};
	_cleanup_free_ char *who = who_serves(sight);

	if (wait == VMM_WAIT_PEER)
		(void) fault_why(fault, "%s: the VMM listens, and nobody has connected there",
				 waits);
	else if (wait == VMM_WAIT_LISTEN)
		(void) fault_why(fault, "%s: nobody listens there (%s)", waits, sight->absence);
	else if (wait == VMM_WAIT_PERMIT)
		(void) fault_why(fault, "%s: its user may not connect there", waits);
	else
		(void) fault_why(fault, "%s: %s %s%s", waits, who ?: "?", does[wait],
				 say_more(sight, wait));
}

static void tell_remedy_unreachable(const PlanBackend *backend, VmmWait wait, uid_t vmm_uid,
				    Fault *fault)
{
	if (wait == VMM_WAIT_PEER)
		(void) fault_remedy(fault,
				    "have the switch connect to %s (in OVS: type "
				    "dpdkvhostuserclient, options:vhost-server-path), as a user "
				    "who may write to it: namei -l %s",
				    backend->socket, backend->socket);
	else if (wait == VMM_WAIT_PERMIT)
		(void) fault_remedy(fault, "setfacl -m u:%u:rw %s; namei -l %s", vmm_uid,
				    backend->socket, backend->socket);
	else if (backend->share)
		(void) fault_remedy(fault,
				    "start the program that serves it, and again whenever it ends: "
				    "most leave with their client, at each reboot of the guest; or "
				    "let mvmd serve the share: \"source\" in place of \"socket\"");
	else
		(void) fault_remedy(fault, "start the program that serves it, and again whenever "
					   "it ends");
}

static void tell_remedy(const BackendSight *sight, Fault *fault)
{
	if (sight->stopped)
		(void) fault_remedy(fault, "kill -CONT %d", (int) sight->pid);
	else if (sight->pid > 0)
		(void) fault_remedy(fault,
				    "ps -o pid,stat,wchan,args -p %d; look at its log, start it "
				    "anew",
				    (int) sight->pid);
	else
		(void) fault_remedy(fault,
				    "ss -xlp src %s tells who listens; look at its log, start it "
				    "anew",
				    sight->backend->socket);
}

int vmm_wait_tell(const VmmSight *vmm, Fault *fault)
{
	static const char *const names[_VMM_WAIT_MAX] = {
		[VMM_WAIT_LISTEN] = "listen", [VMM_WAIT_PERMIT] = "permit",
		[VMM_WAIT_QUEUE] = "queue",   [VMM_WAIT_ACCEPT] = "accept",
		[VMM_WAIT_READ] = "read",     [VMM_WAIT_ANSWER] = "answer",
		[VMM_WAIT_PEER] = "peer",
	};
	_cleanup_free_ char *waits = NULL;
	const BackendSight *sight;
	bool certain;
	size_t index;
	VmmWait wait = vmm_wait_find(vmm->backends, vmm->n_backends, &index, &certain);

	if (wait == VMM_WAIT_UNKNOWN)
		return fault->error;
	sight = &vmm->backends[index];
	waits = say_wait(sight, certain, vmm->gone);
	if (!waits)
		return fault->error;
	tell_why(sight, wait, waits, fault);
	if (sight->connected || wait == VMM_WAIT_QUEUE)
		tell_remedy(sight, fault);
	else
		tell_remedy_unreachable(sight->backend, wait, vmm->uid, fault);
	(void) fault_evidence(fault, "device", "%s:%s", backend_device(sight->backend),
			      sight->backend->id);
	(void) fault_evidence(fault, "socket", "%s", sight->backend->socket);
	(void) fault_evidence(fault, "waits_for", "%s", names[wait]);
	if (sight->pid > 0)
		(void) fault_evidence(fault, "backend_pid", "%d", (int) sight->pid);
	return fault->error;
}
