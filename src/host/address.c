/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <sys/socket.h>

#include "host/address.h"

/* RFC 4862: a tentative address is not used yet, one that failed the test never is. */
#define NOT_IN_USE (IFA_F_TENTATIVE | IFA_F_DADFAILED)

typedef struct AddressQuestion {
	int ifindex;
	const IpAddress *wanted; /* NULL: any that others can reach */
	bool found;
} AddressQuestion;

bool address_is_new(struct nlmsghdr *message, int ifindex)
{
	const struct ifaddrmsg *header = nlmsg_data(message);

	return message->nlmsg_type == RTM_NEWADDR &&
	       nlmsg_datalen(message) >= (int) sizeof(*header) &&
	       header->ifa_index == (unsigned) ifindex;
}

/* IPv6 has the address of the link itself in IFA_ADDRESS, where no other end has one (net/ipv6/addrconf.c). */
static bool is_wanted(const IpAddress *wanted, const struct ifaddrmsg *header,
		      struct nlattr **attributes)
{
	struct nlattr *local = attributes[IFA_LOCAL] ?: attributes[IFA_ADDRESS];
	int length = (int) ip_address_bytes(wanted);

	return header->ifa_family == wanted->family && header->ifa_prefixlen == wanted->prefix &&
	       local && nla_len(local) == length &&
	       memcmp(nla_data(local), wanted->bytes, (size_t) length) == 0;
}

static void on_address(struct nlmsghdr *answer, void *userdata)
{
	struct nlattr *attributes[IFA_MAX + 1];
	const struct ifaddrmsg *header = nlmsg_data(answer);
	AddressQuestion *question = userdata;
	uint32_t flags;

	if (!address_is_new(answer, question->ifindex) ||
	    nlmsg_parse(answer, sizeof(*header), attributes, IFA_MAX, NULL) < 0)
		return;
	if (question->wanted) {
		question->found |= is_wanted(question->wanted, header, attributes);
		return;
	}
	flags = attributes[IFA_FLAGS] ? nla_get_u32(attributes[IFA_FLAGS]) : header->ifa_flags;
	if (header->ifa_scope < RT_SCOPE_LINK && !(flags & NOT_IN_USE))
		question->found = true;
}

static int look_in_family(Nl *nl, unsigned char family, AddressQuestion *question)
{
	struct ifaddrmsg header = { .ifa_family = family,
				    .ifa_index = (unsigned) question->ifindex };
	_cleanup_(nlmsg_free_p) struct nl_msg *message =
		nlmsg_alloc_simple(RTM_GETADDR, NLM_F_DUMP);

	if (!message || nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	return nl_query(nl, message, on_address, question);
}

int address_has(Nl *nl, int ifindex, const IpAddress *address, bool *ret)
{
	AddressQuestion question = { .ifindex = ifindex, .wanted = address };
	int r = look_in_family(nl, (unsigned char) address->family, &question);

	if (r == 0)
		*ret = question.found;
	return r;
}

int address_look(Nl *nl, int ifindex, bool *ret)
{
	AddressQuestion question = { .ifindex = ifindex };
	int r = look_in_family(nl, AF_INET, &question);

	if (r == 0 && !question.found)
		r = look_in_family(nl, AF_INET6, &question);
	if (r == -EOPNOTSUPP || r == -EAFNOSUPPORT) /* a kernel without IPv6 */
		r = 0;
	if (r < 0)
		return r;
	*ret = question.found;
	return 0;
}
