/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "host/fdb.h"

static void on_entry(struct nlmsghdr *answer, void *userdata)
{
	const struct ndmsg *entry = nlmsg_data(answer);

	if (answer->nlmsg_type == RTM_NEWNEIGH && nlmsg_valid_hdr(answer, sizeof(*entry)))
		*(int *) userdata = entry->ndm_ifindex;
}

/* net/core/rtnetlink.c: rtnl_fdb_get(), Linux 5.0. */
int fdb_find(Nl *nl, int bridge, MacAddress mac, uint16_t vlan, int *ret_port)
{
	struct ndmsg which = { .ndm_family = AF_BRIDGE };
	_cleanup_(nlmsg_free_p) struct nl_msg *message = nlmsg_alloc_simple(RTM_GETNEIGH, 0);
	int port = 0, r;

	if (!message || nlmsg_append(message, &which, sizeof(which), NLMSG_ALIGNTO) < 0 ||
	    nla_put(message, NDA_LLADDR, MAC_BYTES, mac.bytes) < 0 ||
	    nla_put_u32(message, NDA_MASTER, (uint32_t) bridge) < 0 ||
	    (vlan > 0 && nla_put_u16(message, NDA_VLAN, vlan) < 0))
		return -ENOMEM;
	r = nl_query(nl, message, on_entry, &port);
	if (r < 0)
		return r;
	if (port <= 0)
		return -ENOENT;
	*ret_port = port;
	return 0;
}
