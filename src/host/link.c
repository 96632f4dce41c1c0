/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/rtnetlink.h>
#include <net/if_arp.h>
#include <netlink/attr.h>
#include <stdlib.h>

#include "host/link.h"

/* linux/if.h: ALTIFNAMSIZ is 128 with the NUL. */
#define LINK_ALTNAME_MAX 127

/* With it a group's number is beyond those that people give. */
#define GROUP_OF_OURS (UINT32_C(1) << 31)

const char *port_state_to_string(PortState state)
{
	static const char *const words[_PORT_STATE_MAX] = {
		[PORT_DISABLED] = "disabled", [PORT_LISTENING] = "listening",
		[PORT_LEARNING] = "learning", [PORT_FORWARDING] = "forwarding",
		[PORT_BLOCKING] = "blocking", [PORT_NONE] = "none",
	};

	return words[state];
}

/* A request about one link (or all: ifindex 0). NULL: no memory. */
static struct nl_msg *link_message(int type, int flags, const struct ifinfomsg *link)
{
	return nl_message_new(type, flags, link, sizeof(*link));
}

static uint32_t read_u32(const struct nlattr *attribute)
{
	return attribute && nla_len(attribute) >= (int) sizeof(uint32_t) ? nla_get_u32(attribute) :
									   0;
}

static void read_text(const struct nlattr *attribute, char *ret, size_t size)
{
	if (attribute)
		(void) nla_strlcpy(ret, attribute, size);
}

static const uint16_t port_flag_attributes[_PORT_FLAG_MAX] = {
	[PORT_FLAG_ISOLATED] = IFLA_BRPORT_ISOLATED,	   [PORT_FLAG_LOCKED] = IFLA_BRPORT_LOCKED,
	[PORT_FLAG_LEARNING] = IFLA_BRPORT_LEARNING,	   [PORT_FLAG_HAIRPIN] = IFLA_BRPORT_MODE,
	[PORT_FLAG_BCAST_FLOOD] = IFLA_BRPORT_BCAST_FLOOD,
};

static Tristate read_flag(const struct nlattr *attribute)
{
	if (!attribute || nla_len(attribute) < 1)
		return TRISTATE_UNSET;
	return nla_get_u8(attribute) ? TRISTATE_TRUE : TRISTATE_FALSE;
}

/* What a bridge tells of its port (net/bridge/br_netlink.c: br_port_fill_attrs). */
static void read_port(struct nlattr *attribute, LinkInfo *ret)
{
	struct nlattr *nested[IFLA_BRPORT_MAX + 1], *state;

	if (!attribute || nla_parse_nested(nested, IFLA_BRPORT_MAX, attribute, NULL) < 0)
		return;
	state = nested[IFLA_BRPORT_STATE];
	if (state && nla_len(state) >= 1 && nla_get_u8(state) < PORT_NONE)
		ret->port_state = nla_get_u8(state);
	for (PortFlag flag = 0; flag < _PORT_FLAG_MAX; flag++)
		ret->port_flags[flag] = read_flag(nested[port_flag_attributes[flag]]);
}

/* What a bridge tells of itself (net/bridge/br_netlink.c: br_fill_info). */
static void read_bridge(struct nlattr *attribute, LinkInfo *ret)
{
	struct nlattr *nested[IFLA_BR_MAX + 1], *pvid, *stp;

	if (!attribute || nla_parse_nested(nested, IFLA_BR_MAX, attribute, NULL) < 0)
		return;
	stp = nested[IFLA_BR_STP_STATE];
	ret->stp = stp && nla_len(stp) >= 4 && nla_get_u32(stp) != 0;
	/* A kernel without VLANs tells that it filters none, and has no default. */
	pvid = nested[IFLA_BR_VLAN_DEFAULT_PVID];
	if (!pvid || nla_len(pvid) < 2)
		return;
	ret->default_pvid = nla_get_u16(pvid);
	ret->vlan_filtering = read_flag(nested[IFLA_BR_VLAN_FILTERING]);
}

/*
 * The mode itself is left out with the statistics (net/ipv6/addrconf.c: inet6_fill_ifla6_attrs); it is among the
 * settings as well.
 */
static void read_families(struct nlattr *attribute, LinkInfo *ret)
{
	struct nlattr *families[AF_INET6 + 1], *inet6[IFLA_INET6_MAX + 1], *settings;
	int32_t mode;

	if (!attribute || nla_parse_nested(families, AF_INET6, attribute, NULL) < 0 ||
	    !families[AF_INET6] ||
	    nla_parse_nested(inet6, IFLA_INET6_MAX, families[AF_INET6], NULL) < 0)
		return;
	settings = inet6[IFLA_INET6_CONF];
	if (!settings || nla_len(settings) < (int) ((DEVCONF_ADDR_GEN_MODE + 1) * sizeof(mode)))
		return;
	memcpy(&mode, (const char *) nla_data(settings) + DEVCONF_ADDR_GEN_MODE * sizeof(mode),
	       sizeof(mode));
	ret->ipv6_address = mode == IN6_ADDR_GEN_MODE_NONE ? TRISTATE_FALSE : TRISTATE_TRUE;
}

/* What a macvlan or macvtap tells of itself (drivers/net/macvlan.c: macvlan_fill_info). */
static void read_macvlan(struct nlattr *attribute, LinkInfo *ret)
{
	struct nlattr *nested[IFLA_MACVLAN_MAX + 1];

	if (attribute && nla_parse_nested(nested, IFLA_MACVLAN_MAX, attribute, NULL) >= 0)
		ret->macvlan_mode = read_u32(nested[IFLA_MACVLAN_MODE]);
}

static void read_info(struct nlattr *attribute, LinkInfo *ret)
{
	struct nlattr *nested[IFLA_INFO_MAX + 1];
	char master[sizeof(ret->kind)] = "";

	ret->port_state = PORT_NONE;
	if (!attribute || nla_parse_nested(nested, IFLA_INFO_MAX, attribute, NULL) < 0)
		return;
	read_text(nested[IFLA_INFO_KIND], ret->kind, sizeof(ret->kind));
	read_text(nested[IFLA_INFO_SLAVE_KIND], master, sizeof(master));
	if (streq(master, "bridge"))
		read_port(nested[IFLA_INFO_SLAVE_DATA], ret);
	if (streq(ret->kind, "bridge"))
		read_bridge(nested[IFLA_INFO_DATA], ret);
	if (streq(ret->kind, "macvlan") || streq(ret->kind, "macvtap"))
		read_macvlan(nested[IFLA_INFO_DATA], ret);
}

/* Reads an RTM_NEWLINK. False where the message is something else. */
static bool link_parse(struct nlmsghdr *answer, LinkInfo *ret)
{
	struct nlattr *attributes[IFLA_MAX + 1];
	const struct ifinfomsg *header = nlmsg_data(answer);
	LinkInfo link = { 0 };

	if (answer->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(answer, sizeof(*header), attributes, IFLA_MAX, NULL) < 0)
		return false;

	link.ifindex = header->ifi_index;
	link.flags = header->ifi_flags;
	link.not_ethernet = header->ifi_type != ARPHRD_ETHER || (link.flags & IFF_LOOPBACK);
	read_text(attributes[IFLA_IFNAME], link.name, sizeof(link.name));
	read_text(attributes[IFLA_IFALIAS], link.alias, sizeof(link.alias));
	read_info(attributes[IFLA_LINKINFO], &link);
	read_families(attributes[IFLA_AF_SPEC], &link);
	link.master = (int) read_u32(attributes[IFLA_MASTER]);
	if (!attributes[IFLA_LINK_NETNSID])
		link.lower = (int) read_u32(attributes[IFLA_LINK]);
	link.mtu = read_u32(attributes[IFLA_MTU]);
	link.group = read_u32(attributes[IFLA_GROUP]);
	link.max_tx_queues = read_u32(attributes[IFLA_NUM_TX_QUEUES]);
	if (attributes[IFLA_CARRIER] && nla_len(attributes[IFLA_CARRIER]) > 0)
		link.carrier = nla_get_u8(attributes[IFLA_CARRIER]) != 0;
	if (attributes[IFLA_ADDRESS] && nla_len(attributes[IFLA_ADDRESS]) == MAC_BYTES)
		memcpy(link.mac.bytes, nla_data(attributes[IFLA_ADDRESS]), MAC_BYTES);
	*ret = link;
	return true;
}

static void on_link(struct nlmsghdr *answer, void *userdata)
{
	(void) link_parse(answer, userdata);
}

/* Of the link with that index; 0: with that name, which is of the attribute's kind. */
static int link_ask(Nl *nl, int ifindex, int attribute, const char *name, LinkInfo *ret)
{
	const struct ifinfomsg which = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	_cleanup_(nlmsg_free_p) struct nl_msg *message = link_message(RTM_GETLINK, 0, &which);
	LinkInfo link = { 0 };
	int r;

	/* Without its counters: the kernel sums them up over all CPUs. */
	if (!message || (name && nla_put_string(message, attribute, name) < 0) ||
	    nla_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0)
		return -ENOMEM;
	r = nl_query(nl, message, on_link, &link);
	if (r < 0)
		return r;
	if (link.ifindex <= 0)
		return -EBADMSG;
	*ret = link;
	return 0;
}

int link_get(Nl *nl, const char *name, LinkInfo *ret)
{
	/* A longer one would be cut off on the way, and another link found. */
	return link_name_is_valid(name) ? link_ask(nl, 0, IFLA_IFNAME, name, ret) : -EINVAL;
}

bool link_has_altname(Nl *nl, int ifindex, const char *altname)
{
	LinkInfo link;

	return strlen(altname) <= LINK_ALTNAME_MAX &&
	       link_ask(nl, 0, IFLA_ALT_IFNAME, altname, &link) == 0 && link.ifindex == ifindex;
}

int link_get_index(Nl *nl, int ifindex, LinkInfo *ret)
{
	return ifindex > 0 ? link_ask(nl, ifindex, 0, NULL, ret) : -EINVAL;
}

/* The whole nest: IFLA_AF_SPEC, in it the family, in it the mode. */
static int put_no_ipv6_address(struct nl_msg *message)
{
	struct nlattr *families = nla_nest_start(message, IFLA_AF_SPEC | NLA_F_NESTED);
	struct nlattr *inet6 = families ? nla_nest_start(message, AF_INET6 | NLA_F_NESTED) : NULL;

	if (!inet6 || nla_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE) < 0)
		return -ENOMEM;
	(void) nla_nest_end(message, inet6);
	(void) nla_nest_end(message, families);
	return 0;
}

static int put_settings(struct nl_msg *message, const LinkSettings *settings)
{
	if (nla_put(message, IFLA_ADDRESS, MAC_BYTES, settings->mac.bytes) < 0)
		return -ENOMEM;
	if (settings->mtu > 0 && nla_put_u32(message, IFLA_MTU, settings->mtu) < 0)
		return -ENOMEM;
	if (settings->default_group && nla_put_u32(message, IFLA_GROUP, 0) < 0)
		return -ENOMEM;
	if (settings->alias && nla_put_string(message, IFLA_IFALIAS, settings->alias) < 0)
		return -ENOMEM;
	if (settings->master > 0 &&
	    nla_put_u32(message, IFLA_MASTER, (uint32_t) settings->master) < 0)
		return -ENOMEM;
	return settings->no_ipv6_address ? put_no_ipv6_address(message) : 0;
}

int link_set(Nl *nl, int ifindex, const LinkSettings *settings)
{
	const struct ifinfomsg link = { .ifi_family = AF_UNSPEC,
					.ifi_index = ifindex,
					.ifi_flags = settings->up ? IFF_UP : 0,
					.ifi_change = settings->up ? IFF_UP : 0 };
	_cleanup_(nlmsg_free_p) struct nl_msg *message = link_message(RTM_NEWLINK, 0, &link);
	LinkSettings without = *settings;
	int r;

	if (!message || put_settings(message, settings) < 0)
		return -ENOMEM;
	r = nl_request(nl, message);
	/* A kernel without IPv6, or a link whose MTU is too small for it. */
	if (r != -EAFNOSUPPORT || !settings->no_ipv6_address)
		return r;
	without.no_ipv6_address = false;
	return link_set(nl, ifindex, &without);
}

static int put_port(struct nl_msg *message, const PlanPort *port)
{
	struct nlattr *info = nla_nest_start(message, IFLA_LINKINFO | NLA_F_NESTED), *data;

	if (!info || nla_put_string(message, IFLA_INFO_SLAVE_KIND, "bridge") < 0)
		return -ENOMEM;
	data = nla_nest_start(message, IFLA_INFO_SLAVE_DATA | NLA_F_NESTED);
	if (!data)
		return -ENOMEM;
	for (PortFlag flag = 0; flag < _PORT_FLAG_MAX; flag++)
		if (port->flags[flag] != TRISTATE_UNSET &&
		    nla_put_u8(message, port_flag_attributes[flag],
			       port->flags[flag] == TRISTATE_TRUE) < 0)
			return -ENOMEM;
	(void) nla_nest_end(message, data);
	(void) nla_nest_end(message, info);
	return 0;
}

int link_up(Nl *nl, int ifindex, const PlanPort *port)
{
	const struct ifinfomsg link = { .ifi_family = AF_UNSPEC,
					.ifi_index = ifindex,
					.ifi_flags = IFF_UP,
					.ifi_change = IFF_UP };
	_cleanup_(nlmsg_free_p) struct nl_msg *message = link_message(RTM_NEWLINK, 0, &link);

	if (!message || (port_has_flags(port) && put_port(message, port) < 0))
		return -ENOMEM;
	return nl_request(nl, message);
}

int link_down(Nl *nl, int ifindex)
{
	const struct ifinfomsg link = { .ifi_family = AF_UNSPEC,
					.ifi_index = ifindex,
					.ifi_change = IFF_UP };
	_cleanup_(nlmsg_free_p) struct nl_msg *message = link_message(RTM_NEWLINK, 0, &link);

	return message ? nl_request(nl, message) : -ENOMEM;
}

int link_rename(Nl *nl, int ifindex, const char *name)
{
	const struct ifinfomsg link = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	_cleanup_(nlmsg_free_p) struct nl_msg *message = link_message(RTM_NEWLINK, 0, &link);

	if (!message || nla_put_string(message, IFLA_IFNAME, name) < 0)
		return -ENOMEM;
	return nl_request(nl, message);
}

int link_add_altname(Nl *nl, int ifindex, const char *altname)
{
	const struct ifinfomsg link = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	_cleanup_(nlmsg_free_p) struct nl_msg *message = NULL;
	struct nlattr *list;

	if (strlen(altname) > LINK_ALTNAME_MAX)
		return -ENAMETOOLONG;
	message = link_message(RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, &link);
	if (!message)
		return -ENOMEM;
	list = nla_nest_start(message, IFLA_PROP_LIST | NLA_F_NESTED);
	if (!list || nla_put_string(message, IFLA_ALT_IFNAME, altname) < 0)
		return -ENOMEM;
	(void) nla_nest_end(message, list);
	return nl_request(nl, message);
}

int link_delete(Nl *nl, int ifindex)
{
	const struct ifinfomsg link = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	_cleanup_(nlmsg_free_p) struct nl_msg *message = link_message(RTM_DELLINK, 0, &link);

	if (!message)
		return -ENOMEM;
	return nl_request(nl, message);
}

static int link_request_group(Nl *nl, int type, int ifindex, uint32_t group)
{
	const struct ifinfomsg link = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	_cleanup_(nlmsg_free_p) struct nl_msg *message = link_message(type, 0, &link);

	if (!message || nla_put_u32(message, IFLA_GROUP, group) < 0)
		return -ENOMEM;
	return nl_request(nl, message);
}

int link_delete_all(Nl *nl, const int *ifindexes, size_t n)
{
	uint32_t group = 0;

	for (size_t i = 0; i < n; i++) {
		int r;

		if (ifindexes[i] <= 0)
			continue;
		/* People number theirs from 0, and a link has its index alone: so nobody else is in this group. */
		if (group == 0)
			group = GROUP_OF_OURS | (uint32_t) ifindexes[i];
		r = link_request_group(nl, RTM_NEWLINK, ifindexes[i], group);
		if (r < 0)
			return r;
	}
	return group == 0 ? 0 : link_request_group(nl, RTM_DELLINK, 0, group);
}

typedef struct KindList {
	const char *kind;
	LinkListHandler handler;
	void *userdata;
} KindList;

static void on_link_of_kind(struct nlmsghdr *answer, void *userdata)
{
	const KindList *list = userdata;
	LinkInfo link;

	if (link_parse(answer, &link) && streq(link.kind, list->kind))
		list->handler(&link, list->userdata);
}

int link_list_kind(Nl *nl, const char *kind, LinkListHandler handler, void *userdata)
{
	const struct ifinfomsg any = { .ifi_family = AF_UNSPEC };
	_cleanup_(nlmsg_free_p) struct nl_msg *message =
		link_message(RTM_GETLINK, NLM_F_DUMP, &any);
	struct nlattr *info =
		message ? nla_nest_start(message, IFLA_LINKINFO | NLA_F_NESTED) : NULL;
	KindList list = { kind, handler, userdata };

	if (!info || nla_put_string(message, IFLA_INFO_KIND, kind) < 0)
		return -ENOMEM;
	(void) nla_nest_end(message, info);
	return nl_query(nl, message, on_link_of_kind, &list);
}

static void on_bridge(const LinkInfo *link, void *userdata)
{
	StrList *names = userdata;

	str_list_add(names, "%s", link->name);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

int link_list_bridges(Nl *nl, StrList *ret)
{
	StrList names = { 0 };
	int r = link_list_kind(nl, "bridge", on_bridge, &names);

	if (r >= 0 && names.failed)
		r = -ENOMEM;
	if (r < 0) {
		str_list_done(&names);
		return r;
	}
	if (names.n > 0)
		qsort(names.items, names.n, sizeof(*names.items), compare_names);
	*ret = names;
	return 0;
}

static void on_port(struct nlmsghdr *answer, void *userdata)
{
	size_t *n = userdata;
	LinkInfo link;

	*n += link_parse(answer, &link);
}

int link_count_ports(Nl *nl, int bridge, size_t *ret)
{
	const struct ifinfomsg any = { .ifi_family = AF_UNSPEC };
	_cleanup_(nlmsg_free_p) struct nl_msg *message =
		link_message(RTM_GETLINK, NLM_F_DUMP, &any);
	size_t n = 0;
	int r;

	if (!message || nla_put_u32(message, IFLA_MASTER, (uint32_t) bridge) < 0)
		return -ENOMEM;
	r = nl_query(nl, message, on_port, &n);
	if (r < 0)
		return r;
	*ret = n;
	return 0;
}
