/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "model/link-faults.h"
#include "model/link-wrong.h"
#include "model/run-faults.h"
#include "mvmd/exit-codes.h"

#define REPAIRED "yes"

/* LINK_FINE is left out of all this. */
static const char *const ids[_LINK_WRONG_MAX] = {
	[LINK_FINE] = "",
	[LINK_TAP_GONE] = "tap-lost",
	[LINK_TAP_RENAMED] = "tap-renamed",
	[LINK_BRIDGE_GONE] = "bridge-lost",
	[LINK_OFF_BRIDGE] = "tap-off-bridge",
	[LINK_BRIDGE_DOWN] = "bridge-down",
	[LINK_TAP_DOWN] = "tap-changed",
	[LINK_MTU] = "tap-changed",
	[LINK_PORT_CHANGED] = "tap-changed",
	[LINK_NO_CARRIER] = "tap-no-carrier",
	[LINK_NOT_FORWARDING] = "port-not-forwarding",
};

const char *link_wrong_id(LinkWrong wrong)
{
	return ids[wrong];
}

bool link_wrong_is_mendable(LinkWrong wrong)
{
	return wrong == LINK_TAP_RENAMED || wrong == LINK_OFF_BRIDGE || wrong == LINK_TAP_DOWN ||
	       wrong == LINK_MTU || wrong == LINK_PORT_CHANGED;
}

bool link_wrong_is_detached(LinkWrong wrong)
{
	return wrong == LINK_TAP_GONE || wrong == LINK_BRIDGE_GONE || wrong == LINK_OFF_BRIDGE ||
	       wrong == LINK_TAP_DOWN;
}

static const char *bridge_of(const LinkSight *sight)
{
	return sight->bridge[0] ? sight->bridge : NULL;
}

static int renamed_fault(const LinkSight *sight, Fault *fault)
{
	(void) fault_set(fault, -ENODEV, MVMD_EXIT_UNAVAILABLE, "tap-renamed",
			 "tap %s is called %s now", sight->tap, sight->name);
	(void) fault_evidence(fault, "tap", "%s", sight->tap);
	(void) fault_evidence(fault, "name", "%s", sight->name);
	(void) fault_why(fault, "another program of this host renamed it; firewall rules and other "
				"settings that go by its name do not fit any more");
	return fault_remedy(fault,
			    "ip link set %s name %s; kernels before 6.2 rename only what is "
			    "down",
			    sight->name, sight->tap);
}

static int mtu_fault(const LinkSight *sight, Fault *fault)
{
	(void) fault_set(fault, -EMSGSIZE, MVMD_EXIT_UNAVAILABLE, "tap-changed",
			 "tap %s has MTU %u, and had %u", sight->tap, sight->mtu,
			 sight->wanted_mtu);
	(void) fault_evidence(fault, "tap", "%s", sight->tap);
	(void) fault_evidence(fault, "differs", "MTU is %u instead of %u", sight->mtu,
			      sight->wanted_mtu);
	(void) fault_why(fault, "another program of this host set it; the guest still sends frames "
				"of the old size");
	return fault_remedy(fault, "ip link set %s mtu %u", sight->tap, sight->wanted_mtu);
}

static int port_fault(const LinkSight *sight, Fault *fault)
{
	(void) fault_set(fault, -EIO, MVMD_EXIT_UNAVAILABLE, "tap-changed",
			 "tap %s is not set as the spec says: %s", sight->tap, sight->differs);
	(void) fault_evidence(fault, "tap", "%s", sight->tap);
	if (sight->bridge[0])
		(void) fault_evidence(fault, "bridge", "%s", sight->bridge);
	(void) fault_evidence(fault, "differs", "%s", sight->differs);
	(void) fault_why(fault, "another program of this host set it");
	return fault_remedy(fault,
			    "bridge -d link show dev %s; bridge vlan show dev %s; bridge fdb show "
			    "dev %s; tc qdisc show dev %s",
			    sight->tap, sight->tap, sight->tap, sight->tap);
}

static int carrier_fault(const LinkSight *sight, Fault *fault)
{
	(void) fault_set(fault, -ENOLINK, MVMD_EXIT_UNAVAILABLE, "tap-no-carrier",
			 "tap %s has no carrier: nothing passes it", sight->tap);
	(void) fault_evidence(fault, "tap", "%s", sight->tap);
	if (sight->lower[0]) {
		(void) fault_evidence(fault, "link", "%s", sight->lower);
		(void) fault_why(fault,
				 "it is a macvtap, and %s, which it is on, is down or has none",
				 sight->lower);
		return fault_remedy(fault, "ip link set %s up; ip -br link show %s", sight->lower,
				    sight->lower);
	}
	(void) fault_why(fault, "another program of this host switched it off, or the VMM has "
				"closed the tap");
	return fault_remedy(fault, "ip link set %s carrier on", sight->tap);
}

int fault_link_wrong(const LinkSight *sight, Fault *fault)
{
	switch (sight->wrong) {
	case LINK_TAP_GONE:
		return fault_tap_gone(sight->tap, bridge_of(sight), fault);
	case LINK_TAP_RENAMED:
		return renamed_fault(sight, fault);
	case LINK_BRIDGE_GONE:
		return fault_bridge_gone(sight->tap, sight->bridge, sight->master, fault);
	case LINK_OFF_BRIDGE:
		return fault_tap_off_bridge(sight->tap, sight->bridge, sight->master, fault);
	case LINK_BRIDGE_DOWN:
		return fault_bridge_down(sight->bridge, fault);
	case LINK_TAP_DOWN:
		return fault_tap_down(sight->tap, bridge_of(sight), fault);
	case LINK_MTU:
		return mtu_fault(sight, fault);
	case LINK_PORT_CHANGED:
		return port_fault(sight, fault);
	case LINK_NO_CARRIER:
		return carrier_fault(sight, fault);
	case LINK_NOT_FORWARDING:
		return fault_port_not_forwarding(sight->tap, sight->bridge, sight->port_state,
						 fault);
	case LINK_FINE:
	case _LINK_WRONG_MAX:
	default:
		return 0;
	}
}

/* What it was, and what has been done: a new string or NULL. */
static char *repaired_words(const LinkSight *sight)
{
	switch (sight->wrong) {
	case LINK_TAP_RENAMED:
		return str_printf("tap %s was renamed to %s; mvmd has given it its name back",
				  sight->tap, sight->name);
	case LINK_BRIDGE_GONE:
		return str_printf("bridge %s was removed and is there again; mvmd has put tap %s "
				  "back on it",
				  sight->bridge, sight->tap);
	case LINK_TAP_DOWN:
		return str_printf("tap %s was taken down; mvmd has brought it up again",
				  sight->tap);
	case LINK_MTU:
		return str_printf("tap %s was given MTU %u; mvmd has set it back to %u", sight->tap,
				  sight->mtu, sight->wanted_mtu);
	case LINK_PORT_CHANGED:
		return str_printf("tap %s was set otherwise%s%s (%s); mvmd has set it back",
				  sight->tap, sight->bridge[0] ? " on bridge " : "", sight->bridge,
				  sight->differs);
	case LINK_OFF_BRIDGE:
		if (sight->master[0])
			return str_printf("tap %s was moved from bridge %s to %s; mvmd has put it "
					  "back",
					  sight->tap, sight->bridge, sight->master);
		return str_printf("tap %s was taken off bridge %s; mvmd has put it back",
				  sight->tap, sight->bridge);
	case LINK_FINE:
	case LINK_TAP_GONE:
	case LINK_BRIDGE_DOWN:
	case LINK_NO_CARRIER:
	case LINK_NOT_FORWARDING:
	case _LINK_WRONG_MAX:
	default:
		return NULL;
	}
}

int fault_link_repaired(const LinkSight *sight, Fault *fault)
{
	_cleanup_free_ char *words = repaired_words(sight);

	(void) fault_link_wrong(sight, fault);
	if (!words)
		return fault->error;
	free(fault->what);
	fault->what = TAKE_PTR(words);
	fault->exit_code = MVMD_EXIT_OK;
	(void) fault_evidence(fault, "repaired", REPAIRED);
	return fault_remedy(fault,
			    "nothing is to be done; networkctl status %s, nmcli device and ip "
			    "monitor link show who manages links here",
			    sight->tap);
}

int fault_link_contested(const LinkSight *sight, bool repairs, unsigned times, uint64_t within_usec,
			 Fault *fault)
{
	char text[FORMAT_MAX];
	Fault wrong = { 0 };

	(void) fault_link_wrong(sight, &wrong);
	(void) fault_set(fault, wrong.error, MVMD_EXIT_OK, "tap-contested",
			 "%s %u times within %s, and again: %s; mvmd leaves it now, and says no "
			 "more of it",
			 repairs ? "mvmd put it right" : "it changed", times,
			 format_duration(text, within_usec), wrong.what ?: "");
	fault_done(&wrong);
	(void) fault_evidence(fault, "tap", "%s", sight->tap);
	if (sight->bridge[0])
		(void) fault_evidence(fault, "bridge", "%s", sight->bridge);
	(void) fault_evidence(fault, "times", "%u", times);
	(void) fault_evidence(fault, "repaired", "no");
	(void) fault_why(fault, "another program of this host sets it again and again");
	return fault_remedy(fault,
			    "networkctl status %s, nmcli device and ip monitor link show who that "
			    "is; take the taps of VMs out of its rules; mvmd status "
			    "tells how it is",
			    sight->tap);
}

void link_fault_is_awaited(const LinkSight *sight, Fault *fault)
{
	(void) fault_evidence(fault, "repaired", "when the bridge is back");
	if (sight->master[0])
		return;
	(void) fault_remedy(fault,
			    "let what manages bridge %s make it again (ip link add %s type bridge "
			    "&& ip link set %s up); mvmd then puts tap %s back on it",
			    sight->bridge, sight->bridge, sight->bridge, sight->tap);
}

void link_fault_is_left(const char *why, Fault *fault)
{
	(void) fault_evidence(fault, "repaired", "no");
	if (why)
		(void) fault_why(fault, "mvmd could not put it right: %s", why);
}

void link_fault_stops_vm(Fault *fault)
{
	(void) fault_evidence(fault, "repaired", "no");
	fault->exit_code = MVMD_EXIT_UNAVAILABLE;
	(void) fault_prefix(fault, "the VM is stopped, as on_detach says");
}

void link_fault_by(int pid, const char *process, Fault *fault)
{
	_cleanup_free_ char *why = NULL;

	if (process)
		why = str_printf("pid %d (%s) did it", pid, process);
	else
		why = str_printf("a process did it that has ended since (pid %d)", pid);
	if (!why)
		return;
	(void) fault_evidence(fault, "by_pid", "%d", pid);
	if (process)
		(void) fault_evidence(fault, "by", "%s", process);
	(void) fault_why(fault, "%s", why);
}

char *link_mended_words(const LinkSight *was)
{
	switch (was->wrong) {
	case LINK_TAP_RENAMED:
		return str_printf("tap %s has its name again", was->tap);
	case LINK_BRIDGE_GONE:
	case LINK_OFF_BRIDGE:
		return str_printf("tap %s is on bridge %s again", was->tap, was->bridge);
	case LINK_BRIDGE_DOWN:
		return str_printf("bridge %s is up", was->bridge);
	case LINK_MTU:
		return str_printf("tap %s has MTU %u again", was->tap, was->wanted_mtu);
	case LINK_NO_CARRIER:
		return str_printf("tap %s has its carrier again", was->tap);
	case LINK_NOT_FORWARDING:
		return str_printf("bridge %s forwards for tap %s", was->bridge, was->tap);
	case LINK_TAP_GONE:
	case LINK_TAP_DOWN:
	case LINK_PORT_CHANGED:
	case LINK_FINE:
	case _LINK_WRONG_MAX:
	default:
		return str_printf("tap %s is as it should be again", was->tap);
	}
}

bool link_finding_is_momentary(const Fault *fault)
{
	const char *repaired = fault_evidence_get(fault, "repaired");

	if (streq_null(repaired, REPAIRED))
		return false;
	for (LinkWrong wrong = LINK_FINE + 1; wrong < _LINK_WRONG_MAX; wrong++)
		if (streq(fault->id, ids[wrong]))
			return true;
	return false;
}
