/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "host/bridge-filter.h"
#include "host/link.h"
#include "host/macvtap-rival.h"
#include "host/probe-links.h"
#include "model/names.h"

/* A macvlan's own master is no matter: one on top of it is made on its link (drivers/net/macvlan.c: macvlan_common_newlink()). */
static bool is_port(const LinkInfo *link)
{
	return link->master > 0 && !streq(link->kind, "macvlan") && !streq(link->kind, "macvtap");
}

/* What cannot be looked at is told by the start. */
static int find_rival(Nl *nl, const Spec *spec, const SpecInterface *interface, BridgeFact *fact)
{
	_cleanup_free_ char *alias = tap_alias_make(spec->name, interface->id);
	char name[TAP_NAME_MAX + 1];

	if (!alias)
		return -ENOMEM;
	return macvtap_rival_find(nl, fact->ifindex, interface->macvtap.mode,
				  spec_tap_name(spec, interface, name), alias,
				  &fact->rival) == -ENOMEM ?
		       -ENOMEM :
		       0;
}

/* 0, -ENODEV or another -errno. */
static int probe_link(Nl *nl, const char *name, BridgeFact *ret)
{
	LinkInfo info;
	int r = link_get(nl, name, &info);

	if (r == 0)
		*ret = (BridgeFact){ .ifindex = info.ifindex,
				     .is_bridge = streq(info.kind, "bridge"),
				     .is_port = is_port(&info),
				     .not_ethernet = info.not_ethernet,
				     .is_up = info.flags & IFF_UP,
				     .mtu = info.mtu,
				     .vlan_filtering = info.vlan_filtering };
	return r;
}

int probe_links(const Spec *spec, const ProbeOptions *options, Facts *facts)
{
	_cleanup_(nl_connection_free_p) Nl *nl = NULL;
	bool missing = false, any_bridge = false;
	int r;

	facts->bridges = calloc(spec->n_interfaces ?: 1, sizeof(BridgeFact));
	if (!facts->bridges)
		return -ENOMEM;
	facts->n_interfaces = spec->n_interfaces;
	if (spec->n_interfaces == 0)
		return 0;

	r = nl_connection_new(NETLINK_ROUTE, &nl);
	for (size_t i = 0; r == 0 && i < spec->n_interfaces; i++) {
		const SpecInterface *interface = &spec->interfaces[i];
		const char *name = spec_lower_link(interface);

		if (!name)
			continue;
		any_bridge |= interface->bridge != NULL;
		r = probe_link(nl, name, &facts->bridges[i]);
		missing |= r == -ENODEV && interface->bridge;
		if (r == -ENODEV)
			r = 0;
		else if (r == 0 && !options->allocate_uid &&
			 spec_attach(interface) == ATTACH_MACVTAP)
			r = find_rival(nl, spec, interface, &facts->bridges[i]);
	}
	if (any_bridge && !options->switches_later)
		facts->bridge_filter = bridge_filter_probe();
	if (r == 0 && missing)
		r = link_list_bridges(nl, &facts->bridge_names);
	return r;
}
