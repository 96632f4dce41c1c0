/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>

#include "host/port.h"
#include "host/rate.h"
#include "run/link-judge.h"

/* "": none, or gone just now. */
static void name_link(int ifindex, char ret[IFNAMSIZ])
{
	if (ifindex <= 0 || !if_indextoname((unsigned) ifindex, ret))
		ret[0] = '\0';
}

/* Whose port it is to be; "": that is nobody's matter. */
static const char *wanted_master(const PlanNic *nic, const Tap *tap)
{
	return nic_is_port(nic) ? nic->spec->bridge : tap->master;
}

/* On its master or not; *ret_up: whether that is up. */
static LinkWrong judge_master(Nl *nl, const LinkInfo *link, LinkSight *sight, bool *ret_up)
{
	LinkInfo bridge;
	int r = link_get(nl, sight->bridge, &bridge);

	*ret_up = true;
	if (r == -ENODEV)
		return LINK_BRIDGE_GONE;
	if (r < 0)
		return LINK_FINE;
	sight->bridge_ifindex = bridge.ifindex;
	*ret_up = bridge.flags & IFF_UP;
	return link->master == bridge.ifindex ? LINK_FINE : LINK_OFF_BRIDGE;
}

/* Where the kernel cannot be asked nothing is known to be wrong. */
static bool settings_are_changed(Nl *nl, const PlanNic *nic, const LinkInfo *link, LinkSight *sight)
{
	_cleanup_(str_buf_done) StrBuf differences = { 0 };
	int r = sight->bridge[0] ? port_compare(nl, nic, link, &differences) : 0;

	if (r == 0)
		r = rate_compare(nl, nic, link->ifindex, &differences);
	if (r < 0 || differences.length == 0)
		return false;
	(void) snprintf(sight->differs, sizeof(sight->differs), "%s",
			differences.text + strlen(", "));
	return true;
}

static bool is_waiting_port(PortState state)
{
	return state == PORT_LISTENING || state == PORT_LEARNING || state == PORT_BLOCKING ||
	       state == PORT_DISABLED;
}

static LinkWrong judge_link(Nl *nl, const PlanNic *nic, const Tap *tap, const LinkInfo *link,
			    LinkSight *sight)
{
	bool is_port = sight->bridge[0], bridge_up = true;
	LinkWrong master = is_port ? judge_master(nl, link, sight, &bridge_up) : LINK_FINE;

	if (!streq(link->name, sight->tap))
		return LINK_TAP_RENAMED;
	if (master != LINK_FINE)
		return master;
	if (!bridge_up)
		return LINK_BRIDGE_DOWN;
	if (!(link->flags & IFF_UP))
		return LINK_TAP_DOWN;
	if (tap->mtu > 0 && link->mtu != tap->mtu)
		return LINK_MTU;
	if (settings_are_changed(nl, nic, link, sight))
		return LINK_PORT_CHANGED;
	if (!link->carrier)
		return LINK_NO_CARRIER;
	return is_port && is_waiting_port(link->port_state) ? LINK_NOT_FORWARDING : LINK_FINE;
}

/* link: what the kernel answered, and r how. */
static void judge(Nl *nl, const PlanNic *nic, const Tap *tap, const LinkInfo *link, int r,
		  LinkSight *ret)
{
	LinkSight sight = { 0 };

	(void) snprintf(sight.tap, sizeof(sight.tap), "%s", tap_name(tap, nic) ?: "");
	(void) snprintf(sight.bridge, sizeof(sight.bridge), "%s", wanted_master(nic, tap));
	(void) snprintf(sight.name, sizeof(sight.name), "%s", link->name);
	if (nic->attach == ATTACH_MACVTAP)
		(void) snprintf(sight.lower, sizeof(sight.lower), "%s", nic->spec->macvtap.link);
	sight.mtu = link->mtu;
	sight.wanted_mtu = tap->mtu;
	sight.port_state = port_state_to_string(link->port_state);
	if (r == -ENODEV)
		sight.wrong = LINK_TAP_GONE;
	else if (r == 0)
		sight.wrong = judge_link(nl, nic, tap, link, &sight);
	if (sight.wrong == LINK_OFF_BRIDGE || sight.wrong == LINK_BRIDGE_GONE)
		name_link(link->master, sight.master);
	*ret = sight;
}

void link_judge(Nl *nl, const PlanNic *nic, const Tap *tap, LinkSight *ret)
{
	LinkInfo link = { 0 };
	int r = link_get_index(nl, tap->ifindex, &link);

	judge(nl, nic, tap, &link, r, ret);
}

void link_keep(Nl *nl, const PlanNic *nic, Tap *tap, LinkSight *ret)
{
	LinkInfo link = { 0 };
	int r = link_get_index(nl, tap->ifindex, &link);

	if (r == 0 && tap->mtu == 0) {
		tap->mtu = nic->spec->mtu ? (uint32_t) nic->spec->mtu : link.mtu;
		if (!nic_is_port(nic))
			name_link(link.master, tap->master);
	}
	judge(nl, nic, tap, &link, r, ret);
}
