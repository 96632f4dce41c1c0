/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "model/link-faults.h"
#include "model/run-faults.h"
#include "mvmd/exit-codes.h"
#include "run/apply.h"
#include "run/mac-look.h"
#include "run/step-internal.h"
#include "run/tap-store.h"

/* The steps of an interface. */

static void on_bridge(const LinkInfo *bridge, const Fault *fault, void *userdata)
{
	Slot *slot = userdata;

	if (bridge)
		slot->resources->bridges[slot->subject] = *bridge;
	apply_step_done(slot->resources->apply, STEP_BRIDGE, slot->subject, fault);
}

int open_netlink(Resources *resources, Fault *fault)
{
	int r = resources->nl ? 0 : nl_connection_new(NETLINK_ROUTE, &resources->nl);

	if (r == 0)
		return 0;
	(void) fault_set(fault, r, MVMD_EXIT_SYSTEM, "netlink", "cannot open a netlink socket: %m");
	return fault_remedy(fault, "ulimit -n; in a unit, allow AF_NETLINK in "
				   "RestrictAddressFamilies=");
}

/* What the probe saw a moment ago. The attaching tells where it has gone since: tap_attach(), bridge-lost. */
static LinkInfo bridge_from_facts(const PlanNic *nic, const BridgeFact *fact)
{
	LinkInfo bridge = { .ifindex = fact->ifindex,
			    .flags = fact->is_up ? IFF_UP : 0,
			    .mtu = fact->mtu };

	(void) snprintf(bridge.name, sizeof(bridge.name), "%s", spec_lower_link(nic->spec));
	return bridge;
}

int bridge_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	const PlanNic *nic = &resources->plan->nics[step->subject];
	const BridgeFact *fact = &resources->plan->facts->bridges[step->subject];
	const LinkWanted wanted = { .name = spec_lower_link(nic->spec),
				    .any_kind = nic->attach == ATTACH_MACVTAP,
				    .timeout_usec = step->deadline_usec };
	int r;

	if (fact->is_bridge || (wanted.any_kind && fact->ifindex > 0)) {
		resources->bridges[step->subject] = bridge_from_facts(nic, fact);
		return 0;
	}
	r = link_wait_start(resources->event, &wanted, on_bridge,
			    &resources->nic_slots[step->subject],
			    &resources->link_waits[step->subject], fault);
	return r < 0 ? r : STEP_LATER;
}

int bridge_undo(Resources *resources, const PlanStep *step)
{
	resources->link_waits[step->subject] = link_wait_free(resources->link_waits[step->subject]);
	return 0;
}

/* net/bridge/br_if.c: br_mtu_auto_adjust(). All that is on the bridge has to do with that. */
static void look_at_bridge_mtu(Resources *resources, const PlanNic *nic, const LinkInfo *before)
{
	LinkInfo bridge;
	Fault fault = { 0 };

	if (nic->mtu == 0 || nic->mtu >= before->mtu ||
	    link_get(resources->nl, before->name, &bridge) < 0 || bridge.mtu >= before->mtu)
		return;
	(void) fault_bridge_mtu(bridge.name, before->mtu, bridge.mtu, &fault);
	step_remark(resources, &fault);
}

/*
 * Where the bridge listens and learns first, the guest comes up without a network: that is told before anybody asks.
 * A port that is disabled has its carrier to come yet, or a bridge that is down, which is told already.
 */
static void look_at_port(Resources *resources, const PlanNic *nic, const Tap *tap)
{
	Fault fault = { 0 };

	if (tap->port_state != PORT_LISTENING && tap->port_state != PORT_LEARNING &&
	    tap->port_state != PORT_BLOCKING)
		return;
	(void) fault_port_not_forwarding(tap->name, nic->spec->bridge,
					 port_state_to_string(tap->port_state), &fault);
	step_remark(resources, &fault);
}

static int put_on_bridge(Resources *resources, size_t i, Fault *fault)
{
	const PlanNic *nic = &resources->plan->nics[i];
	const LinkInfo *bridge = &resources->bridges[i];
	Tap *tap = &resources->taps[i];
	Fault down = { 0 };
	int r;

	if (!(bridge->flags & IFF_UP)) {
		(void) fault_bridge_down(bridge->name, &down);
		step_remark(resources, &down);
	}
	r = nic->attach == ATTACH_BRIDGE ? mac_look(resources, i, fault) : 0;
	if (r < 0)
		return r;
	r = nic->attach == ATTACH_HELPER ? helper_tap_apply(resources, i, fault) :
					   tap_attach(resources->nl, nic, tap, bridge, fault);
	if (r < 0)
		return r;
	look_at_bridge_mtu(resources, nic, bridge);
	look_at_port(resources, nic, tap);
	return 0;
}

static int make_tap(Resources *resources, size_t i, Fault *fault)
{
	const PlanNic *nic = &resources->plan->nics[i];
	Tap *tap = &resources->taps[i];
	int r = 0;

	if (nic->attach != ATTACH_HELPER && !tap_store_take(resources, i))
		r = tap_create(resources->nl, nic, tap, fault);
	if (r < 0)
		return r;
	if (nic_is_port(nic))
		r = put_on_bridge(resources, i, fault);
	else
		r = tap_set(resources->nl, nic, tap, true, fault);
	if (r < 0)
		tap_close(tap);
	return r;
}

int tap_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	const PlanNic *nic = &resources->plan->nics[step->subject];
	int lock = -EBADF, r;

	r = open_netlink(resources, fault);
	if (r == 0 && nic->attach == ATTACH_NETWORKD)
		return networkd_tap_apply(resources, step, fault);
	if (r == 0 && nic->attach == ATTACH_MACVTAP)
		return macvtap_apply(resources, step->subject, fault);
	if (r == 0)
		r = made_bridge_apply(resources, step->subject, &lock, fault);
	if (r == 0)
		r = make_tap(resources, step->subject, fault);
	(void) close_fd(lock);
	if (r < 0)
		made_bridge_drop(resources, step->subject);
	return r;
}

/* The VMM is gone, so all of them go now: the first undo takes the others with it. */
static void remove_taps(Resources *resources)
{
	size_t n = 0;

	for (size_t i = 0; i < resources->plan->n_nics; i++)
		n += resources->taps[i].n_fds > 0 && resources->taps[i].ifindex > 0;
	if (n > 1 && resources->nl)
		taps_remove(resources->nl, resources->taps, resources->plan->n_nics);
}

int tap_undo(Resources *resources, const PlanStep *step)
{
	NetworkdWait **wait = &resources->networkd_waits[step->subject];

	*wait = networkd_wait_free(*wait);
	if (resources->taps_end == TAPS_UNDECIDED)
		resources->taps_end = tap_store_keep(resources) ? TAPS_KEPT : TAPS_REMOVED;
	if (resources->taps_end == TAPS_REMOVED)
		remove_taps(resources);
	if (resources->plan->nics[step->subject].attach == ATTACH_MACVTAP)
		macvtap_undo(resources, step->subject);
	tap_close(&resources->taps[step->subject]);
	made_bridge_drop(resources, step->subject);
	return 0;
}
