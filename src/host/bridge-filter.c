/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netlink/attr.h>
#include <stdio.h>

#include "host/bridge-filter.h"
#include "host/nl.h"
#include "host/probe.h"

#define TABLE_NAME_MAX 64

static uint32_t read_be32(const struct nlattr *attribute)
{
	return attribute && nla_len(attribute) >= (int) sizeof(uint32_t) ?
		       ntohl(nla_get_u32(attribute)) :
		       0;
}

/* A chain that takes what is forwarded, and has a rule or drops what no rule is about. */
static bool chain_filters(struct nlattr *attributes[NFTA_CHAIN_MAX + 1])
{
	struct nlattr *hook[NFTA_HOOK_MAX + 1];

	if (!attributes[NFTA_CHAIN_HOOK] ||
	    nla_parse_nested(hook, NFTA_HOOK_MAX, attributes[NFTA_CHAIN_HOOK], NULL) < 0 ||
	    read_be32(hook[NFTA_HOOK_HOOKNUM]) != NF_INET_FORWARD)
		return false;
	return read_be32(attributes[NFTA_CHAIN_USE]) > 0 ||
	       (attributes[NFTA_CHAIN_POLICY] &&
		read_be32(attributes[NFTA_CHAIN_POLICY]) == NF_DROP);
}

static void on_chain(struct nlmsghdr *answer, void *userdata)
{
	const struct nfgenmsg *header = nlmsg_data(answer);
	struct nlattr *attributes[NFTA_CHAIN_MAX + 1];
	BridgeFilterFact *filter = userdata;

	if (answer->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN) ||
	    nlmsg_parse(answer, sizeof(*header), attributes, NFTA_CHAIN_MAX, NULL) < 0 ||
	    !chain_filters(attributes))
		return;
	if (header->nfgen_family == NFPROTO_IPV4 || header->nfgen_family == NFPROTO_INET)
		filter->ipv4 = true;
	if (header->nfgen_family == NFPROTO_IPV6 || header->nfgen_family == NFPROTO_INET)
		filter->ipv6 = true;
}

/* iptables of today makes chains of nftables, too. */
static void look_at_nftables(BridgeFilterFact *filter)
{
	const struct nfgenmsg any = { .nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0 };
	_cleanup_(nlmsg_free_p) struct nl_msg *message = nl_message_new(
		NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, NLM_F_DUMP, &any, sizeof(any));
	_cleanup_(nl_connection_free_p) Nl *nl = NULL;

	if (message && nl_connection_new(NETLINK_NETFILTER, &nl) == 0)
		(void) nl_query(nl, message, on_chain, filter);
}

/* Of the older iptables: the tables that somebody has used. */
static bool has_filter_table(const char *path)
{
	FILE *file = fopen(path, "re");
	char name[TABLE_NAME_MAX];
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(name, sizeof(name), file))
		found = streq(name, "filter\n");
	(void) fclose(file);
	return found;
}

BridgeFilterFact bridge_filter_probe(void)
{
	bool ipv4 = sysctl_read("/proc/sys/net/bridge/bridge-nf-call-iptables", 0) > 0;
	bool ipv6 = sysctl_read("/proc/sys/net/bridge/bridge-nf-call-ip6tables", 0) > 0;
	BridgeFilterFact filter = { 0 };

	if (!ipv4 && !ipv6)
		return filter;
	look_at_nftables(&filter);
	filter.ipv4 = ipv4 && (filter.ipv4 || has_filter_table("/proc/net/ip_tables_names"));
	filter.ipv6 = ipv6 && (filter.ipv6 || has_filter_table("/proc/net/ip6_tables_names"));
	return filter;
}
