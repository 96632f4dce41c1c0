/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/bridge.h"
#include "host/link.h"
#include "host/netns.h"
#include "host/strays.h"
#include "host/sweep.h"
#include "host/vm-dir.h"
#include "mvmd/exit-codes.h"

/* What a VMM takes to write out what it has in hand, and a backend. The guest is not asked any more. */
#define SWEEP_GRACE_USEC (3 * USEC_PER_SEC)

/* The first thing that went wrong is the sweep's fault; what comes after it is done all the same. */
typedef struct Sweep {
	const VmPlaces *places;
	StateFile state; /* zero where there is no record that can be read */
	StrBuf found;
	Fault *fault;
	int error;
} Sweep;

static void sweep_failed(Sweep *sweep, int error, Fault *fault)
{
	if (error < 0 && sweep->error == 0) {
		sweep->error = error;
		fault_move(sweep->fault, fault);
	}
	fault_done(fault);
}

/* The VMM first: then its backends have nothing to do any more, and mostly leave by themselves. */
static void sweep_processes(Sweep *sweep)
{
	const StateFile *state = &sweep->state;
	Fault fault = { 0 };

	sweep_failed(sweep, leftover_end(&state->vmm, SWEEP_GRACE_USEC, &sweep->found, &fault),
		     &fault);
	for (size_t i = 0; i < state->n_backends; i++)
		sweep_failed(sweep,
			     leftover_end(&state->backends[i].process, SWEEP_GRACE_USEC,
					  &sweep->found, &fault),
			     &fault);
	sweep_failed(sweep, strays_end(sweep->places->name, NULL, &sweep->found, &fault), &fault);
}

static int tap_delete(Nl *nl, const LinkInfo *tap, Fault *fault)
{
	int r = link_delete(nl, tap->ifindex);

	if (r == 0 || r == -ENODEV)
		return 0;
	(void) fault_set(fault, r, r == -EPERM ? MVMD_EXIT_PERMISSION : MVMD_EXIT_SYSTEM,
			 "leftover-tap", "cannot remove tap %s of an earlier run: %s", tap->name,
			 nl_error_text(nl));
	(void) fault_evidence(fault, "tap", "%s", tap->name);
	return fault_remedy(fault, "ip link del %s", tap->name);
}

/* A tap is ours where it has our alias (run/step.h), whoever holds it still: systemd may, for a VM to be adopted. */
static void sweep_tap(Sweep *sweep, Nl *nl, const json_t *interface)
{
	const char *id = json_string_value(json_object_get(interface, "id"));
	const char *given = json_string_value(json_object_get(interface, "tap"));
	_cleanup_free_ char *alias = NULL;
	char name[TAP_NAME_MAX + 1];
	LinkInfo tap;
	Fault fault = { 0 };
	int r;

	if (!id)
		return;
	if (given)
		(void) snprintf(name, sizeof(name), "%s", given);
	else
		(void) tap_name_derive(name, sweep->places->name, id);
	alias = tap_alias_make(sweep->places->name, id);
	if (!alias || link_get(nl, name, &tap) < 0 || !streq(tap.name, name) ||
	    (!streq(tap.kind, "tun") && !streq(tap.kind, "macvtap")) || !streq(tap.alias, alias))
		return;
	r = tap_delete(nl, &tap, &fault);
	if (r == 0)
		found_add(&sweep->found, "tap %s", name);
	sweep_failed(sweep, r, &fault);
}

/* One that mvmd made, and whose last port went just now (host/bridge.h). */
static void sweep_bridge(Sweep *sweep, Nl *nl, const json_t *interface)
{
	const char *name = json_string_value(json_object_get(interface, "bridge"));
	_cleanup_close_ int lock = -EBADF;
	Fault fault = { 0 };

	if (!name || !json_object_get(interface, "create_bridge"))
		return;
	if (bridges_lock(sweep->places->runtime_directory, &lock, &fault) == 0 &&
	    bridge_remove_unused(nl, name) == 1)
		found_add(&sweep->found, "bridge %s", name);
	fault_done(&fault);
}

/* A socket stays in the namespace in which it was opened. */
static int open_netlink_in(const char *netns, Nl **ret)
{
	int back = -EBADF, r = netns ? netns_enter(netns, &back) : 0;

	if (r == 0)
		r = nl_connection_new(NETLINK_ROUTE, ret);
	netns_leave(back);
	return r;
}

static void sweep_taps(Sweep *sweep)
{
	const char *netns = json_string_value(json_object_get(sweep->state.spec, "netns"));
	const json_t *interfaces = json_object_get(sweep->state.spec, "interfaces"), *interface;
	_cleanup_(nl_connection_free_p) Nl *nl = NULL;
	size_t i;

	if (json_array_size(interfaces) == 0 || open_netlink_in(netns, &nl) < 0)
		return;
	json_array_foreach(interfaces, i, interface)
		sweep_tap(sweep, nl, interface);
	json_array_foreach(interfaces, i, interface)
		sweep_bridge(sweep, nl, interface);
}

static void sweep_directory(Sweep *sweep)
{
	_cleanup_free_ char *found = NULL;
	Fault fault = { 0 };
	int r = vm_leftovers_clean(sweep->places, true, &found, &fault);

	if (found)
		found_add(&sweep->found, "%s", found);
	sweep_failed(sweep, r, &fault);
}

int vm_sweep(const VmPlaces *places, char **ret_found, Fault *fault)
{
	Sweep sweep = { .places = places, .fault = fault };
	int r;

	*ret_found = NULL;
	r = state_file_read(places->state_file, &sweep.state);
	if (r == -EPROTONOSUPPORT)
		return state_file_fault(places->state_file, r, fault);
	sweep_processes(&sweep);
	sweep_taps(&sweep);
	/* The record goes last: who was not ended can be found by it the next time. */
	if (sweep.error == 0)
		sweep_directory(&sweep);
	state_file_done(&sweep.state);
	if (sweep.found.length == 0 || str_buf_take(&sweep.found, ret_found) < 0)
		str_buf_done(&sweep.found);
	return sweep.error;
}
