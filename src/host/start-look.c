/* SPDX-License-Identifier: Apache-2.0 */
#include "host/start-look.h"
#include "host/access.h"
#include "host/forward-look.h"
#include "host/netns.h"
#include "host/sock.h"
#include "host/tap.h"
#include "model/netns-fault.h"
#include "mvmd/exit-codes.h"

/* A path that cannot be used at all is told by plan_problems(). */
static int look_at_disks(const Plan *plan, FaultList *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->spec->n_disks; i++) {
		const PathFact *path = facts_path(plan->facts, PATH_DISK, i);
		Fault fault = { 0 };

		if (path && path->error == 0 &&
		    disk_look(path->path, plan->spec->disks[i].readonly, &fault) < 0)
			r = fault_list_take(ret, &fault);
	}
	return r;
}

static bool bridge_is_full(Nl *nl, int ifindex)
{
	size_t n;

	return ifindex > 0 && link_count_ports(nl, ifindex, &n) == 0 && n >= BRIDGE_PORTS_MAX;
}

static int look_at_nic(Nl *nl, const Plan *plan, size_t i, FaultList *ret)
{
	const PlanNic *nic = &plan->nics[i];
	Fault fault = { 0 };
	int r = 0;

	if (nic->tap[0] && tap_look(nl, nic, &fault) < 0)
		r = fault_list_take(ret, &fault);
	if (r < 0 || !nic->spec->bridge || !bridge_is_full(nl, plan->facts->bridges[i].ifindex))
		return r;
	(void) fault_set(&fault, -EXFULL, MVMD_EXIT_UNAVAILABLE, "bridge-full",
			 "interface %s: the bridge %s is full", nic->spec->id, nic->spec->bridge);
	(void) fault_why(&fault, "a bridge has at most %d ports", BRIDGE_PORTS_MAX);
	(void) fault_remedy(&fault, "set interfaces[].bridge to another bridge");
	return fault_list_take(ret, &fault);
}

/* A socket stays in the namespace in which it was opened. */
static int open_in_netns(const char *netns, Nl **ret)
{
	int back = -EBADF, r = netns ? netns_enter(netns, &back) : 0;

	if (r == 0)
		r = nl_connection_new(NETLINK_ROUTE, ret);
	netns_leave(back);
	return r;
}

static int look_at_nics(const Plan *plan, FaultList *ret)
{
	_cleanup_(nl_connection_free_p) Nl *nl = NULL;
	int r = 0;

	if (plan->n_nics == 0 || open_in_netns(plan->spec->netns, &nl) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < plan->n_nics; i++)
		r = look_at_nic(nl, plan, i, ret);
	faults_in_netns(plan->spec->netns, ret);
	return r;
}

/* One that is absent, of another kind or forbidden is told by plan_problems() and plan_awaited(). */
static int look_at_sockets(const Plan *plan, FaultList *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->n_backends; i++) {
		const PlanBackend *backend = &plan->backends[i];
		Fault fault = { 0 };
		SockState state;

		if (backend->kind != BACKEND_EXTERNAL || sock_look(backend->socket, &state) < 0 ||
		    state != SOCK_STALE)
			continue;
		(void) fault_set(&fault, -ECONNREFUSED, MVMD_EXIT_UNAVAILABLE,
				 "socket-not-listening", "nobody listens on %s, the socket of %s",
				 backend->socket, backend->id);
		(void) fault_why(&fault, "the file is there and its program is not: a vhost-user "
					 "backend mostly ends with its client");
		(void) fault_remedy(&fault, "start the program that serves it again; ss -xlp lists "
					    "who listens where");
		r = fault_list_take(ret, &fault);
	}
	return r;
}

/* In the VM's network namespace; the first one alone. */
static int look_at_forwards(const Plan *plan, FaultList *ret)
{
	Fault fault = { 0 };
	int back = -EBADF, r = 0;

	if (!plan->spec->netns || netns_enter(plan->spec->netns, &back) == 0)
		r = forwards_look(plan, &fault);
	netns_leave(back);
	return r < 0 ? fault_list_take(ret, &fault) : 0;
}

int start_look(const Plan *plan, FaultList *ret)
{
	int r = look_at_disks(plan, ret);

	if (r == 0)
		r = look_at_nics(plan, ret);
	if (r == 0)
		r = look_at_forwards(plan, ret);
	return r < 0 ? r : look_at_sockets(plan, ret);
}
