/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <string.h>

#include "host/rate.h"
#include "mvmd/exit-codes.h"

#define TICK_NSEC  64 /* include/net/pkt_sched.h: PSCHED_SHIFT */
#define QUEUE_MSEC 50 /* what is over the rate waits so long at most, and is dropped behind that */
#define CELL_LOG                                                                                   \
	3 /* of a table that nobody reads: the kernel refuses 0 (net/sched/sch_api.c: qdisc_get_rtab) */

#define ROOT_HANDLE    TC_H_MAKE(1U << 16, 0)
#define FILTER_PRIO    1
#define INGRESS_PARENT TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)

/* A change of whole ticks, and of whole bytes, on the way through the kernel. */
#define BURST_TOLERANCE_PERCENT 2

static uint32_t bytes_a_second(uint64_t bits)
{
	return (uint32_t) (bits / 8);
}

static struct tc_ratespec rate_of(uint64_t bits)
{
	return (struct tc_ratespec){ .rate = bytes_a_second(bits),
				     .cell_log = CELL_LOG,
				     .linklayer = TC_LINKLAYER_ETHERNET };
}

/* What waits for its turn, and one burst. */
static uint32_t queue_bytes(const PlanRate *rate)
{
	return (uint32_t) (rate->rx_bits / 8 * QUEUE_MSEC / 1000 + rate->burst_bytes);
}

static uint32_t burst_ticks(uint64_t bits, uint64_t burst_bytes)
{
	return (uint32_t) (burst_bytes * 1000000000 / bytes_a_second(bits) / TICK_NSEC);
}

/* The guest gets what leaves the host by the tap. */
static int limit_rx(Nl *nl, const PlanRate *rate, int ifindex)
{
	const struct tcmsg header = { .tcm_family = AF_UNSPEC,
				      .tcm_ifindex = ifindex,
				      .tcm_handle = ROOT_HANDLE,
				      .tcm_parent = TC_H_ROOT };
	const struct tc_tbf_qopt options = { .rate = rate_of(rate->rx_bits),
					     .limit = queue_bytes(rate),
					     .buffer = burst_ticks(rate->rx_bits,
								   rate->burst_bytes) };
	_cleanup_(nlmsg_free_p) struct nl_msg *message =
		nl_message_new(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, &header, sizeof(header));
	struct nlattr *nest;

	if (!message || nla_put_string(message, TCA_KIND, "tbf") < 0)
		return -ENOMEM;
	nest = nla_nest_start(message, TCA_OPTIONS | NLA_F_NESTED);
	if (!nest || nla_put(message, TCA_TBF_PARMS, sizeof(options), &options) < 0 ||
	    nla_put_u32(message, TCA_TBF_BURST, (uint32_t) rate->burst_bytes) < 0)
		return -ENOMEM;
	(void) nla_nest_end(message, nest);
	return nl_request(nl, message);
}

static int add_hook(Nl *nl, int ifindex)
{
	const struct tcmsg header = { .tcm_family = AF_UNSPEC,
				      .tcm_ifindex = ifindex,
				      .tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
				      .tcm_parent = TC_H_CLSACT };
	_cleanup_(nlmsg_free_p) struct nl_msg *message =
		nl_message_new(RTM_NEWQDISC, NLM_F_CREATE, &header, sizeof(header));

	if (!message || nla_put_string(message, TCA_KIND, "clsact") < 0)
		return -ENOMEM;
	return nl_request(nl, message);
}

/* The action of a filter for everything: what comes too fast is dropped. */
static int put_police(struct nl_msg *message, const PlanRate *rate)
{
	const struct tc_police police = { .action = TC_ACT_SHOT,
					  .rate = rate_of(rate->tx_bits),
					  .burst = burst_ticks(rate->tx_bits, rate->burst_bytes),
					  .mtu = (uint32_t) rate->burst_bytes };
	const uint8_t table[TC_RTAB_SIZE] = { 0 };
	struct nlattr *options, *actions, *action, *nest;

	options = nla_nest_start(message, TCA_OPTIONS | NLA_F_NESTED);
	actions = options ? nla_nest_start(message, TCA_MATCHALL_ACT | NLA_F_NESTED) : NULL;
	action = actions ? nla_nest_start(message, 1 | NLA_F_NESTED) : NULL;
	if (!action || nla_put_string(message, TCA_ACT_KIND, "police") < 0)
		return -ENOMEM;
	nest = nla_nest_start(message, TCA_ACT_OPTIONS | NLA_F_NESTED);
	if (!nest || nla_put(message, TCA_POLICE_TBF, sizeof(police), &police) < 0 ||
	    nla_put(message, TCA_POLICE_RATE, sizeof(table), table) < 0)
		return -ENOMEM;
	(void) nla_nest_end(message, nest);
	(void) nla_nest_end(message, action);
	(void) nla_nest_end(message, actions);
	(void) nla_nest_end(message, options);
	return 0;
}

/* What the guest sends comes into the host by the tap. */
static int limit_tx(Nl *nl, const PlanRate *rate, int ifindex)
{
	const struct tcmsg header = { .tcm_family = AF_UNSPEC,
				      .tcm_ifindex = ifindex,
				      .tcm_parent = INGRESS_PARENT,
				      .tcm_info = TC_H_MAKE(FILTER_PRIO << 16,
							    __builtin_bswap16(ETH_P_ALL)) };
	_cleanup_(nlmsg_free_p) struct nl_msg *message = NULL;
	int r = add_hook(nl, ifindex);

	if (r < 0)
		return r;
	message =
		nl_message_new(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));
	if (!message || nla_put_string(message, TCA_KIND, "matchall") < 0 ||
	    put_police(message, rate) < 0)
		return -ENOMEM;
	r = nl_request(nl, message);
	return r == -EEXIST ? 0 : r; /* of an earlier time; what it says is compared */
}

static int rate_fault(const Nl *nl, const PlanNic *nic, const char *what, const char *modules,
		      int error, Fault *fault)
{
	(void) fault_set(fault, error, MVMD_EXIT_UNAVAILABLE, "rate-set",
			 "cannot limit what the guest %s by tap %s: %s", what, nic->tap,
			 nl_error_text(nl));
	(void) fault_why(fault, "it takes these parts of the kernel, built in or as modules: %s",
			 modules);
	(void) fault_evidence(fault, "modules", "%s", modules);
	return fault_remedy(fault,
			    "modprobe -a %s; or \"by\": \"vmm\" in \"rate\", with "
			    "cloud-hypervisor",
			    modules);
}

int rate_set(Nl *nl, const PlanNic *nic, int ifindex, Fault *fault)
{
	const PlanRate *rate = &nic->rate;
	int r = 0;

	if (rate->by_vmm)
		return 0;
	if (rate->rx_bits > 0)
		r = limit_rx(nl, rate, ifindex);
	if (r < 0)
		return rate_fault(nl, nic, "gets", "sch_tbf", r, fault);
	if (rate->tx_bits > 0)
		r = limit_tx(nl, rate, ifindex);
	if (r < 0)
		return rate_fault(nl, nic, "sends", "sch_ingress cls_matchall act_police", r,
				  fault);
	return 0;
}

/* What the kernel says of both limits; 0: there is none. */
typedef struct RateSeen {
	uint32_t rx_rate, rx_burst_ticks;
	uint32_t tx_rate, tx_burst_ticks;
} RateSeen;

static bool is_kind(struct nlattr *attribute, const char *kind)
{
	char text[16] = "";

	if (attribute)
		(void) nla_strlcpy(text, attribute, sizeof(text));
	return streq(text, kind);
}

static void on_qdisc(struct nlmsghdr *answer, void *userdata)
{
	struct nlattr *attributes[TCA_MAX + 1], *nested[TCA_TBF_MAX + 1];
	RateSeen *seen = userdata;
	struct tc_tbf_qopt options;

	if (answer->nlmsg_type != RTM_NEWQDISC ||
	    nlmsg_parse(answer, sizeof(struct tcmsg), attributes, TCA_MAX, NULL) < 0 ||
	    !is_kind(attributes[TCA_KIND], "tbf") || !attributes[TCA_OPTIONS] ||
	    nla_parse_nested(nested, TCA_TBF_MAX, attributes[TCA_OPTIONS], NULL) < 0 ||
	    !nested[TCA_TBF_PARMS] || nla_len(nested[TCA_TBF_PARMS]) < (int) sizeof(options))
		return;
	memcpy(&options, nla_data(nested[TCA_TBF_PARMS]), sizeof(options));
	seen->rx_rate = options.rate.rate;
	seen->rx_burst_ticks = options.buffer;
}

static void read_police(struct nlattr *action, RateSeen *seen)
{
	struct nlattr *attributes[TCA_ACT_MAX + 1], *nested[TCA_POLICE_MAX + 1];
	struct tc_police police;

	if (nla_parse_nested(attributes, TCA_ACT_MAX, action, NULL) < 0 ||
	    !is_kind(attributes[TCA_ACT_KIND], "police") || !attributes[TCA_ACT_OPTIONS] ||
	    nla_parse_nested(nested, TCA_POLICE_MAX, attributes[TCA_ACT_OPTIONS], NULL) < 0 ||
	    !nested[TCA_POLICE_TBF] || nla_len(nested[TCA_POLICE_TBF]) < (int) sizeof(police))
		return;
	memcpy(&police, nla_data(nested[TCA_POLICE_TBF]), sizeof(police));
	seen->tx_rate = police.rate.rate;
	seen->tx_burst_ticks = police.burst;
}

static void on_filter(struct nlmsghdr *answer, void *userdata)
{
	struct nlattr *attributes[TCA_MAX + 1], *nested[TCA_MATCHALL_MAX + 1], *action;
	int rest;

	if (answer->nlmsg_type != RTM_NEWTFILTER ||
	    nlmsg_parse(answer, sizeof(struct tcmsg), attributes, TCA_MAX, NULL) < 0 ||
	    !is_kind(attributes[TCA_KIND], "matchall") || !attributes[TCA_OPTIONS] ||
	    nla_parse_nested(nested, TCA_MATCHALL_MAX, attributes[TCA_OPTIONS], NULL) < 0 ||
	    !nested[TCA_MATCHALL_ACT])
		return;
	nla_for_each_nested(action, nested[TCA_MATCHALL_ACT], rest) read_police(action, userdata);
}

/*
 * Who asks for a qdisc is answered only with NLM_F_ECHO (net/sched/sch_api.c: qdisc_notify). The filters are a dump of
 * one device's.
 */
static int look(Nl *nl, const PlanRate *rate, int ifindex, RateSeen *ret)
{
	const struct tcmsg qdisc = { .tcm_family = AF_UNSPEC,
				     .tcm_ifindex = ifindex,
				     .tcm_parent = TC_H_ROOT };
	const struct tcmsg filter = { .tcm_family = AF_UNSPEC,
				      .tcm_ifindex = ifindex,
				      .tcm_parent = INGRESS_PARENT };
	_cleanup_(nlmsg_free_p) struct nl_msg *qdiscs =
		nl_message_new(RTM_GETQDISC, NLM_F_ECHO, &qdisc, sizeof(qdisc));
	_cleanup_(nlmsg_free_p) struct nl_msg *filters =
		nl_message_new(RTM_GETTFILTER, NLM_F_DUMP, &filter, sizeof(filter));
	int r = 0;

	*ret = (RateSeen){ 0 };
	if (!qdiscs || !filters)
		return -ENOMEM;
	if (rate->rx_bits > 0)
		r = nl_query(nl, qdiscs, on_qdisc, ret);
	if (r == 0 && rate->tx_bits > 0)
		r = nl_query(nl, filters, on_filter, ret);
	return r;
}

static void compare(const char *what, uint64_t wanted_bits, uint64_t burst_bytes,
		    uint32_t seen_rate, uint32_t seen_ticks, StrBuf *differences)
{
	char wanted[FORMAT_MAX], seen[FORMAT_MAX];
	uint64_t ticks = burst_ticks(wanted_bits, burst_bytes);
	uint64_t off = ticks > seen_ticks ? ticks - seen_ticks : seen_ticks - ticks;

	if (seen_rate == 0)
		str_buf_add(differences, ", what it %s has no limit instead of %s/s", what,
			    format_rate(wanted, wanted_bits));
	else if (seen_rate != bytes_a_second(wanted_bits))
		str_buf_add(differences, ", what it %s is limited to %s/s instead of %s/s", what,
			    format_rate(seen, (uint64_t) seen_rate * 8),
			    format_rate(wanted, wanted_bits));
	else if (off * 100 > ticks * BURST_TOLERANCE_PERCENT)
		str_buf_add(differences, ", what it %s has another burst than %" PRIu64 " bytes",
			    what, burst_bytes);
}

int rate_compare(Nl *nl, const PlanNic *nic, int ifindex, StrBuf *differences)
{
	const PlanRate *rate = &nic->rate;
	RateSeen seen;
	int r;

	if (!rate_is_set(rate) || rate->by_vmm)
		return 0;
	r = look(nl, rate, ifindex, &seen);
	if (r < 0)
		return r;
	if (rate->rx_bits > 0)
		compare("gets", rate->rx_bits, rate->burst_bytes, seen.rx_rate, seen.rx_burst_ticks,
			differences);
	if (rate->tx_bits > 0)
		compare("sends", rate->tx_bits, rate->burst_bytes, seen.tx_rate,
			seen.tx_burst_ticks, differences);
	return 0;
}
