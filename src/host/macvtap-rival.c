/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/macvtap-rival.h"
#include "model/names.h"

/* A link that shares another's frames. */
typedef struct Sharer {
	int ifindex, link;
	bool is_passthru, is_own;
	MacvtapRival who;
} Sharer;

typedef struct Sharers {
	const char *own_name, *own_alias;
	Sharer *items;
	size_t n;
	bool failed; /* no memory */
} Sharers;

static int read_number(const struct nlattr *attribute)
{
	return attribute && nla_len(attribute) >= (int) sizeof(uint32_t) ?
		       (int) nla_get_u32(attribute) :
		       0;
}

static bool is_passthru(struct nlattr *data)
{
	struct nlattr *nested[IFLA_MACVLAN_MAX + 1];

	return data && nla_parse_nested(nested, IFLA_MACVLAN_MAX, data, NULL) >= 0 &&
	       (read_number(nested[IFLA_MACVLAN_MODE]) & MACVLAN_MODE_PASSTHRU);
}

static void read_who(const char *name, const char *alias, MacvtapRival *ret)
{
	_cleanup_free_ char *vm = NULL;

	(void) snprintf(ret->name, sizeof(ret->name), "%s", name);
	if (tap_alias_read(alias, &vm) && vm)
		(void) snprintf(ret->vm, sizeof(ret->vm), "%s", vm);
}

/* A link of another namespace's (IFLA_LINK_NETNSID) has a number of that one. */
static void on_sharer(struct nlmsghdr *answer, void *userdata)
{
	struct nlattr *attributes[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	const struct ifinfomsg *header = nlmsg_data(answer);
	Sharers *sharers = userdata;
	const char *name, *alias;
	Sharer sharer = { 0 };

	if (answer->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse(answer, sizeof(*header), attributes, IFLA_MAX, NULL) < 0 ||
	    attributes[IFLA_LINK_NETNSID] || !attributes[IFLA_IFNAME] ||
	    !attributes[IFLA_LINKINFO] ||
	    nla_parse_nested(info, IFLA_INFO_MAX, attributes[IFLA_LINKINFO], NULL) < 0 ||
	    !info[IFLA_INFO_KIND] || strncmp(nla_get_string(info[IFLA_INFO_KIND]), "macv", 4) != 0)
		return;
	name = nla_get_string(attributes[IFLA_IFNAME]);
	alias = attributes[IFLA_IFALIAS] ? nla_get_string(attributes[IFLA_IFALIAS]) : "";
	sharer.ifindex = header->ifi_index;
	sharer.link = read_number(attributes[IFLA_LINK]);
	sharer.is_passthru = is_passthru(info[IFLA_INFO_DATA]);
	sharer.is_own =
		streq(alias, sharers->own_alias) || (!alias[0] && streq(name, sharers->own_name));
	read_who(name, alias, &sharer.who);
	if (array_grow(&sharers->items, sharers->n, sizeof(sharer)) < 0)
		sharers->failed = true;
	else
		sharers->items[sharers->n++] = sharer;
}

/* The kernel lists those of one kind; where it has none of that kind, all or none, by its age. */
static int list(Nl *nl, const char *kind, Sharers *sharers)
{
	const struct ifinfomsg any = { .ifi_family = AF_UNSPEC };
	_cleanup_(nlmsg_free_p) struct nl_msg *message =
		nl_message_new(RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any));
	struct nlattr *info =
		message ? nla_nest_start(message, IFLA_LINKINFO | NLA_F_NESTED) : NULL;
	int r;

	if (!info || nla_put_string(message, IFLA_INFO_KIND, kind) < 0)
		return -ENOMEM;
	(void) nla_nest_end(message, info);
	r = nl_query(nl, message, on_sharer, sharers);
	return r == 0 && sharers->failed ? -ENOMEM : r;
}

/* One that is made on a macvlan is its neighbour (drivers/net/macvlan.c: macvlan_common_newlink()). */
static int shared_link(const Sharers *sharers, int ifindex)
{
	for (size_t i = 0; i < sharers->n; i++)
		if (sharers->items[i].ifindex == ifindex)
			return sharers->items[i].link;
	return ifindex;
}

int macvtap_rival_find(Nl *nl, int ifindex, MacvtapMode mode, const char *own_name,
		       const char *own_alias, MacvtapRival *ret)
{
	Sharers sharers = { .own_name = own_name, .own_alias = own_alias };
	int r = list(nl, "macvlan", &sharers), link;

	if (r == 0)
		r = list(nl, "macvtap", &sharers);
	*ret = (MacvtapRival){ 0 };
	link = shared_link(&sharers, ifindex);
	for (size_t i = 0; r == 0 && !ret->name[0] && i < sharers.n; i++) {
		const Sharer *sharer = &sharers.items[i];

		if (sharer->link == link && !sharer->is_own &&
		    (sharer->is_passthru || mode == MACVTAP_PASSTHRU))
			*ret = sharer->who;
	}
	free(sharers.items);
	return r;
}
