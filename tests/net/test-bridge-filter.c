/* SPDX-License-Identifier: Apache-2.0 */
/* Whether bridged frames meet rules, with chains that are made here as nft(8) and iptables(8) make them. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "host/bridge-filter.h"
#include "net/network.h"

#define BATCH_BYTES_MAX 4096

static int network_new(void **state)
{
	return unshare(CLONE_NEWNET) < 0 ? -errno : 0;
}

static void write_sysctl(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, value, 1), 1);
	(void) close(fd);
}

/* br_netfilter, as it is in every new namespace of a host that has it; false: there is none. */
static bool hand_over(const char *ipv4, const char *ipv6)
{
	static const char iptables[] = "/proc/sys/net/bridge/bridge-nf-call-iptables";
	static const char ip6tables[] = "/proc/sys/net/bridge/bridge-nf-call-ip6tables";

	if (access(iptables, F_OK) < 0) {
		printf("# SKIP: br_netfilter is not loaded\n");
		return false;
	}
	write_sysctl(iptables, ipv4);
	write_sysctl(ip6tables, ipv6);
	return true;
}

/* Adds a message of a batch, and returns where its attributes end up in the whole. */
static struct nl_msg *nft_message(int type, int flags, uint8_t family)
{
	const struct nfgenmsg header = { .nfgen_family = family, .version = NFNETLINK_V0 };
	struct nl_msg *message =
		nlmsg_alloc_simple(NFNL_SUBSYS_NFTABLES << 8 | type, NLM_F_REQUEST | flags);

	assert_non_null(message);
	assert_int_equal(
		nlmsg_append(message, (void *) (uintptr_t) &header, sizeof(header), NLMSG_ALIGNTO),
		0);
	return message;
}

static void add_to_batch(uint8_t batch[BATCH_BYTES_MAX], size_t *length, struct nl_msg *message)
{
	struct nlmsghdr *header = nlmsg_hdr(message);

	assert_true(*length + NLMSG_ALIGN(header->nlmsg_len) <= BATCH_BYTES_MAX);
	memcpy(batch + *length, header, header->nlmsg_len);
	*length += NLMSG_ALIGN(header->nlmsg_len);
	nlmsg_free(message);
}

static void add_mark(uint8_t batch[BATCH_BYTES_MAX], size_t *length, int type)
{
	const struct nfgenmsg header = { .res_id = htons(NFNL_SUBSYS_NFTABLES) };
	struct nl_msg *message = nlmsg_alloc_simple(type, NLM_F_REQUEST);

	assert_non_null(message);
	(void) nlmsg_append(message, (void *) (uintptr_t) &header, sizeof(header), NLMSG_ALIGNTO);
	add_to_batch(batch, length, message);
}

static struct nl_msg *chain_message(uint8_t family, uint32_t hook, uint32_t policy)
{
	struct nl_msg *message = nft_message(NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_ACK, family);
	struct nlattr *nest;

	(void) nla_put_string(message, NFTA_CHAIN_TABLE, "filter");
	(void) nla_put_string(message, NFTA_CHAIN_NAME, "chain");
	nest = nla_nest_start(message, NFTA_CHAIN_HOOK | NLA_F_NESTED);
	(void) nla_put_u32(message, NFTA_HOOK_HOOKNUM, htonl(hook));
	(void) nla_put_u32(message, NFTA_HOOK_PRIORITY, htonl(0));
	(void) nla_nest_end(message, nest);
	(void) nla_put_u32(message, NFTA_CHAIN_POLICY, htonl(policy));
	(void) nla_put_string(message, NFTA_CHAIN_TYPE, "filter");
	return message;
}

/* nft add table; nft add chain … { type filter hook …; policy …; }. False: this kernel has no nftables. */
static bool add_chain(uint8_t family, uint32_t hook, uint32_t policy)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nl_msg *table = nft_message(NFT_MSG_NEWTABLE, NLM_F_CREATE, family);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	static uint8_t batch[BATCH_BYTES_MAX];
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		uint8_t rest[BATCH_BYTES_MAX];
	} answer = { 0 };
	size_t length = 0;

	if (fd < 0) {
		nlmsg_free(table);
		printf("# SKIP: this kernel has no nfnetlink\n");
		return false;
	}
	(void) nla_put_string(table, NFTA_TABLE_NAME, "filter");
	add_mark(batch, &length, NFNL_MSG_BATCH_BEGIN);
	add_to_batch(batch, &length, table);
	add_to_batch(batch, &length, chain_message(family, hook, policy));
	add_mark(batch, &length, NFNL_MSG_BATCH_END);
	assert_int_equal(
		sendto(fd, batch, length, 0, (const struct sockaddr *) &kernel, sizeof(kernel)),
		(ssize_t) length);
	assert_true(recv(fd, &answer, sizeof(answer), 0) > 0);
	(void) close(fd);
	if (answer.error.error != 0)
		printf("# SKIP: nftables says %s\n", strerror(-answer.error.error));
	return answer.error.error == 0;
}

static void filters(bool ipv4, bool ipv6)
{
	BridgeFilterFact filter = bridge_filter_probe();

	assert_int_equal(filter.ipv4, ipv4);
	assert_int_equal(filter.ipv6, ipv6);
}

static void test_without_chains(void **state)
{
	if (!hand_over("1", "1"))
		skip();
	filters(false, false);
}

static void test_chain_of_both_families(void **state)
{
	if (!hand_over("1", "1") || !add_chain(NFPROTO_INET, NF_INET_FORWARD, NF_DROP))
		skip();
	filters(true, true);
	(void) hand_over("0", "1");
	filters(false, true);
	(void) hand_over("0", "0");
	filters(false, false);
}

static void test_chain_of_one_family(void **state)
{
	if (!hand_over("1", "1") || !add_chain(NFPROTO_IPV4, NF_INET_FORWARD, NF_DROP))
		skip();
	filters(true, false);
}

/* Nothing in it, and what falls through is let through. */
static void test_chain_that_does_nothing(void **state)
{
	if (!hand_over("1", "1") || !add_chain(NFPROTO_INET, NF_INET_FORWARD, NF_ACCEPT))
		skip();
	filters(false, false);
}

static void test_chain_elsewhere(void **state)
{
	if (!hand_over("1", "1") || !add_chain(NFPROTO_INET, NF_INET_LOCAL_IN, NF_DROP))
		skip();
	filters(false, false);
}

/* The old iptables makes its table by asking for it. */
static void test_table_of_the_old_iptables(void **state)
{
	struct ipt_getinfo info = { .name = "filter" };
	socklen_t length = sizeof(info);
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	int r = fd < 0 ? -1 : getsockopt(fd, IPPROTO_IP, IPT_SO_GET_INFO, &info, &length);

	(void) close(fd);
	if (!hand_over("1", "1"))
		skip();
	if (r < 0) {
		printf("# SKIP: this kernel has no iptables of the old kind\n");
		skip();
	}
	filters(true, false);
}

#define IN_NETWORK(test) cmocka_unit_test_setup(test, network_new)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_NETWORK(test_without_chains),      IN_NETWORK(test_chain_of_both_families),
		IN_NETWORK(test_chain_of_one_family), IN_NETWORK(test_chain_that_does_nothing),
		IN_NETWORK(test_chain_elsewhere),     IN_NETWORK(test_table_of_the_old_iptables),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!network_enter())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
