/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/util.h"
#include "host/inet-diag.h"
#include "host/nl.h"

typedef struct PortSearch {
	const PortAddress *address;
	PortUser user; /* the first that has it; inode 0: nobody */
} PortSearch;

/* An IPv6 socket of all addresses, or of one that stands for one of IPv4, has ports of IPv4. */
static PortAddress address_of(const struct inet_diag_msg *message, const struct nlattr *v6only)
{
	PortAddress address = { .family = message->idiag_family };
	struct in6_addr in6;

	memcpy(&in6, message->id.idiag_src, sizeof(in6));
	if (address.family == AF_INET) {
		memcpy(address.bytes, &in6, sizeof(struct in_addr));
	} else if (IN6_IS_ADDR_V4MAPPED(&in6)) {
		address.family = AF_INET;
		memcpy(address.bytes, &in6.s6_addr[12], sizeof(struct in_addr));
	} else if (IN6_IS_ADDR_UNSPECIFIED(&in6) &&
		   !(v6only && nla_len(v6only) > 0 && nla_get_u8(v6only))) {
		address.family = AF_UNSPEC;
	} else {
		memcpy(address.bytes, &in6, sizeof(in6));
	}
	return address;
}

static void on_socket(struct nlmsghdr *answer, void *userdata)
{
	struct nlattr *attributes[INET_DIAG_MAX + 1];
	const struct inet_diag_msg *message = nlmsg_data(answer);
	PortSearch *search = userdata;
	PortAddress address;

	if (answer->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    nlmsg_parse(answer, sizeof(*message), attributes, INET_DIAG_MAX, NULL) < 0)
		return;
	address = address_of(message, attributes[INET_DIAG_SKV6ONLY]);
	if (search->user.inode == 0 && port_addresses_collide(search->address, &address))
		search->user = (PortUser){ message->idiag_inode, message->idiag_uid };
}

/* The kernel passes over those of other ports (net/ipv4/inet_diag.c: inet_diag_dump_icsk(), net/ipv4/udp_diag.c: udp_dump()). */
static int search_family(Nl *nl, uint8_t family, IpProtocol protocol, uint16_t port,
			 PortSearch *search)
{
	bool is_tcp = protocol == PROTOCOL_TCP;
	const struct inet_diag_req_v2 request = {
		.sdiag_family = family,
		.sdiag_protocol = is_tcp ? IPPROTO_TCP : IPPROTO_UDP,
		.idiag_states = 1 << (is_tcp ? TCP_LISTEN : TCP_CLOSE),
		.id = { .idiag_sport = htons(port),
			.idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE } },
	};
	_cleanup_(nlmsg_free_p) struct nl_msg *message =
		nl_message_new(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &request, sizeof(request));

	return message ? nl_query(nl, message, on_socket, search) : -ENOMEM;
}

int inet_diag_find(IpProtocol protocol, uint16_t port, const PortAddress *address, PortUser *ret)
{
	_cleanup_(nl_connection_free_p) Nl *nl = NULL;
	PortSearch search = { .address = address };
	int r = nl_connection_new(NETLINK_SOCK_DIAG, &nl);

	if (r == 0)
		r = search_family(nl, AF_INET, protocol, port, &search);
	if (r == 0 && search.user.inode == 0)
		r = search_family(nl, AF_INET6, protocol, port, &search);
	if (r < 0 || search.user.inode == 0)
		return r < 0 ? r : 0;
	*ret = search.user;
	return 1;
}
