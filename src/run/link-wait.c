/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "mvmd/exit-codes.h"
#include "run/link-wait.h"
#include "run/timer.h"

/* Of the bridges that exist a fault names no more than this. */
#define BRIDGES_NAMED_MAX 12

#define DEADLINE_ACCURACY_USEC (10 * USEC_PER_MSEC)

struct LinkWait {
	char *bridge;
	bool any_kind;
	uint64_t timeout_usec;
	Nl *monitor; /* hears of links */
	Nl *nl; /* asks about them */
	sd_event_source *changes, *deadline;
	LinkWaitHandler handler;
	void *userdata;
};

LinkWait *link_wait_free(LinkWait *wait)
{
	if (!wait)
		return NULL;
	(void) sd_event_source_disable_unref(wait->changes);
	(void) sd_event_source_disable_unref(wait->deadline);
	(void) nl_connection_free(wait->monitor);
	(void) nl_connection_free(wait->nl);
	free(wait->bridge);
	free(wait);
	return NULL;
}

/* Tells the end, once; the handler may free the wait, so nothing may follow. */
static void link_wait_end(LinkWait *wait, const LinkInfo *bridge, const Fault *fault)
{
	(void) sd_event_source_set_enabled(wait->changes, SD_EVENT_OFF);
	(void) sd_event_source_set_enabled(wait->deadline, SD_EVENT_OFF);
	wait->handler(bridge, fault, wait->userdata);
}

static int not_a_bridge_fault(const LinkWait *wait, const LinkInfo *link, Fault *fault)
{
	(void) fault_set(fault, -ENOTSUP, MVMD_EXIT_UNAVAILABLE, "not-a-bridge",
			 "%s is not a bridge", wait->bridge);
	(void) fault_evidence(fault, "bridge", "%s", wait->bridge);
	(void) fault_evidence(fault, "kind", "%s", link->kind);
	if (link->kind[0])
		(void) fault_why(fault, "it is a link of kind %s", link->kind);
	else
		(void) fault_why(fault, "it is a network device of this host");
	return fault_remedy(fault,
			    "set interfaces[].bridge to the bridge that %s belongs to, or "
			    "to another one: ip link show type bridge",
			    wait->bridge);
}

/* "the bridges that are there: br0, docker0" */
static void fault_why_bridges(Fault *fault, const StrList *bridges)
{
	_cleanup_(str_buf_done) StrBuf text = { 0 };

	for (size_t i = 0; i < bridges->n && i < BRIDGES_NAMED_MAX; i++)
		str_buf_add(&text, "%s%s", i > 0 ? ", " : "", bridges->items[i]);
	if (bridges->n > BRIDGES_NAMED_MAX)
		str_buf_add(&text, " and %zu more", bridges->n - BRIDGES_NAMED_MAX);

	if (bridges->n == 0)
		(void) fault_why(fault, "there is no bridge at all");
	else if (!text.failed)
		(void) fault_why(fault, "the bridges that are there: %s", text.text);
}

static int missing_fault(const LinkWait *wait, Fault *fault)
{
	_cleanup_(str_list_done) StrList bridges = { 0 };
	const char *nearest = NULL;
	char duration[FORMAT_MAX];

	(void) format_duration(duration, wait->timeout_usec);
	if (wait->any_kind) {
		(void) fault_set(fault, -ETIMEDOUT, MVMD_EXIT_UNAVAILABLE, "link-missing",
				 "link %s did not appear within %s", wait->bridge, duration);
		(void) fault_evidence(fault, "link", "%s", wait->bridge);
		return fault_remedy(fault, "ip -br link lists those that are there");
	}
	(void) fault_set(fault, -ETIMEDOUT, MVMD_EXIT_UNAVAILABLE, "bridge-missing",
			 "bridge %s did not appear within %s", wait->bridge, duration);
	(void) fault_evidence(fault, "bridge", "%s", wait->bridge);
	/* Where the list cannot be had, the fault is short of a why, but true. */
	if (link_list_bridges(wait->nl, &bridges) >= 0) {
		fault_why_bridges(fault, &bridges);
		nearest =
			nearest_name(wait->bridge, (const char *const *) bridges.items, bridges.n);
	}
	if (nearest) {
		(void) fault_evidence(fault, "nearest", "%s", nearest);
		return fault_remedy(fault,
				    "did you mean %s? then set interfaces[].bridge to \"%s\"",
				    nearest, nearest);
	}
	return fault_remedy(fault, "ip link add %s type bridge && ip link set %s up", wait->bridge,
			    wait->bridge);
}

static int look_fault(const LinkWait *wait, int error, Fault *fault)
{
	(void) fault_set(fault, error, MVMD_EXIT_SYSTEM, "bridge-look",
			 "cannot look for bridge %s: %s", wait->bridge, nl_error_text(wait->nl));
	(void) fault_evidence(fault, "bridge", "%s", wait->bridge);
	return fault_remedy(fault, "ip link show %s", wait->bridge);
}

/* All that keeps us from waiting: words are what we were at. */
static int wait_fault(const char *bridge, const char *words, int error, Fault *fault)
{
	(void) fault_set(fault, error, MVMD_EXIT_SYSTEM, "bridge-wait", "cannot %s bridge %s: %m",
			 words, bridge);
	(void) fault_evidence(fault, "bridge", "%s", bridge);
	return fault_remedy(fault, "ulimit -n; ip monitor link shows whether others get the news");
}

/* Looks, and ends the wait where there is something to tell. True: ended. */
static bool link_wait_look(LinkWait *wait)
{
	_cleanup_(fault_done) Fault fault = { 0 };
	LinkInfo link;
	int r;

	r = link_get(wait->nl, wait->bridge, &link);
	if (r == -ENODEV)
		return false;
	if (r >= 0 && (wait->any_kind || streq(link.kind, "bridge"))) {
		link_wait_end(wait, &link, NULL);
		return true;
	}

	if (r >= 0)
		(void) not_a_bridge_fault(wait, &link, &fault);
	else
		(void) look_fault(wait, r, &fault);
	link_wait_end(wait, NULL, &fault);
	return true;
}

static void on_message(struct nlmsghdr *message, void *userdata)
{
	bool *is_worth_a_look = userdata;

	if (message->nlmsg_type == RTM_NEWLINK)
		*is_worth_a_look = true;
}

static void link_wait_break_off(LinkWait *wait, int error)
{
	_cleanup_(fault_done) Fault fault = { 0 };

	(void) wait_fault(wait->bridge, "go on waiting for", error, &fault);
	link_wait_end(wait, NULL, &fault);
}

/*
 * One look for a whole burst, whatever links it is about: a bridge comes by its name when it is made,
 * renamed, or given an alternative name. What was lost (ENOBUFS) may have been just that. (Of an
 * alternative name for a link that is down the kernel tells nothing, net/core/dev.c:netdev_state_change;
 * the look at the deadline finds it.)
 */
static int on_changes(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	LinkWait *wait = userdata;
	bool is_worth_a_look = false;
	int r = nl_receive(wait->monitor, on_message, &is_worth_a_look);

	if (r == -ENOBUFS)
		is_worth_a_look = true;
	else if (r < 0)
		link_wait_break_off(wait, r);
	if (is_worth_a_look && (r == 0 || r == -ENOBUFS))
		(void) link_wait_look(wait);
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	_cleanup_(fault_done) Fault fault = { 0 };
	LinkWait *wait = userdata;

	if (link_wait_look(wait))
		return 0;
	(void) missing_fault(wait, &fault);
	link_wait_end(wait, NULL, &fault);
	return 0;
}

static int link_wait_watch(LinkWait *wait, sd_event *event)
{
	int r;

	r = nl_connection_new(NETLINK_ROUTE, &wait->monitor);
	if (r < 0)
		return r;
	r = nl_subscribe(wait->monitor, RTNLGRP_LINK);
	if (r < 0)
		return r;
	r = sd_event_add_io(event, &wait->changes, nl_fd(wait->monitor), EPOLLIN, on_changes, wait);
	if (r < 0)
		return r;
	return timer_after(event, &wait->deadline, wait->timeout_usec, DEADLINE_ACCURACY_USEC,
			   on_deadline, wait);
}

int link_wait_start(sd_event *event, const LinkWanted *wanted, LinkWaitHandler handler,
		    void *userdata, LinkWait **ret, Fault *fault)
{
	_cleanup_(link_wait_free_p) LinkWait *wait = calloc(1, sizeof(*wait));
	int r;

	if (!wait || str_set(&wait->bridge, wanted->name) < 0)
		return fault_oom(fault);
	wait->any_kind = wanted->any_kind;
	wait->timeout_usec = wanted->timeout_usec;
	wait->handler = handler;
	wait->userdata = userdata;

	r = nl_connection_new(NETLINK_ROUTE, &wait->nl);
	if (r < 0)
		return wait_fault(wanted->name, "open a netlink socket to look for", r, fault);
	if (link_wait_look(wait)) /* most bridges are there: then no subscription is needed */
		return 0;

	r = link_wait_watch(wait, event);
	if (r < 0)
		return wait_fault(wanted->name, "wait for", r, fault);
	if (link_wait_look(wait)) /* it may have come in between */
		return 0;
	*ret = TAKE_PTR(wait);
	return 0;
}
