/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "host/address.h"
#include "host/networkd.h"
#include "model/networkd-faults.h"
#include "mvmd/exit-codes.h"
#include "run/networkd-wait.h"
#include "run/timer.h"

#define DEADLINE_ACCURACY_USEC (10 * USEC_PER_MSEC)

struct NetworkdWait {
	const Plan *plan;
	const PlanNic *nic;
	int ifindex;
	uint64_t timeout_usec;
	Nl *monitor; /* hears of links and addresses */
	Nl *nl; /* asks about them */
	sd_event_source *changes, *deadline;
	NetworkdWaitHandler handler;
	void *userdata;
};

NetworkdWait *networkd_wait_free(NetworkdWait *wait)
{
	if (!wait)
		return NULL;
	(void) sd_event_source_disable_unref(wait->changes);
	(void) sd_event_source_disable_unref(wait->deadline);
	(void) nl_connection_free(wait->monitor);
	(void) nl_connection_free(wait->nl);
	free(wait);
	return NULL;
}

/* Tells the end, once; the handler may free the wait, so nothing may follow. */
static void wait_end(NetworkdWait *wait, const Fault *fault)
{
	(void) sd_event_source_set_enabled(wait->changes, SD_EVENT_OFF);
	(void) sd_event_source_set_enabled(wait->deadline, SD_EVENT_OFF);
	wait->handler(fault, wait->userdata);
}

static int wait_fault(const PlanNic *nic, int error, Fault *fault)
{
	(void) fault_set(fault, error, MVMD_EXIT_SYSTEM, "netlink",
			 "cannot wait for systemd-networkd to see to tap %s: %m", nic->tap);
	(void) fault_evidence(fault, "tap", "%s", nic->tap);
	return fault_remedy(fault, "ulimit -n; ip monitor link shows whether others get the news");
}

static bool is_master(Nl *nl, const PlanNic *nic, int master)
{
	LinkInfo bridge;

	if (master == 0 || !nic->spec->bridge)
		return master != 0;
	return link_get(nl, nic->spec->bridge, &bridge) == 0 && bridge.ifindex == master;
}

static bool is_as_expected(Nl *nl, const PlanNic *nic, const LinkInfo *tap)
{
	return (tap->flags & IFF_UP) &&
	       (nic->spec->networkd.expect != NETWORKD_MASTER || is_master(nl, nic, tap->master));
}

static void lost_fault(const NetworkdWait *wait, Fault *fault)
{
	(void) fault_set(fault, -ENODEV, MVMD_EXIT_UNAVAILABLE, "tap-lost",
			 "tap %s was made and is gone, before systemd-networkd was done with it",
			 wait->nic->tap);
	(void) fault_evidence(fault, "tap", "%s", wait->nic->tap);
	(void) fault_why(fault, "another program of this host removed or renamed it");
	(void) fault_remedy(fault, "ip monitor link and networkctl show who manages links here; "
				   "start the VM again");
}

/* Looks, and ends the wait where there is something to tell. True: ended. */
static bool wait_look(NetworkdWait *wait)
{
	_cleanup_(fault_done) Fault fault = { 0 };
	bool is_there;
	LinkInfo tap;
	int r = link_get(wait->nl, wait->nic->tap, &tap);

	if (r == -ENODEV || (r == 0 && tap.ifindex != wait->ifindex)) {
		lost_fault(wait, &fault);
		wait_end(wait, &fault);
		return true;
	}
	is_there = r == 0 && is_as_expected(wait->nl, wait->nic, &tap);
	if (is_there && wait->nic->spec->networkd.expect == NETWORKD_ADDRESS)
		r = address_look(wait->nl, wait->ifindex, &is_there);
	if (r < 0)
		(void) wait_fault(wait->nic, r, &fault);
	if (r == 0 && !is_there)
		return false;
	wait_end(wait, r < 0 ? &fault : NULL);
	return true;
}

typedef struct News {
	int ifindex;
	bool is_worth_a_look;
} News;

static void on_message(struct nlmsghdr *message, void *userdata)
{
	const struct ifinfomsg *link = nlmsg_data(message);
	News *news = userdata;

	if (address_is_new(message, news->ifindex))
		news->is_worth_a_look = true;
	if ((message->nlmsg_type == RTM_NEWLINK || message->nlmsg_type == RTM_DELLINK) &&
	    nlmsg_datalen(message) >= (int) sizeof(*link) && link->ifi_index == news->ifindex)
		news->is_worth_a_look = true;
}

/* One look for a whole burst; what was lost (ENOBUFS) may have been of the tap. */
static int on_changes(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	_cleanup_(fault_done) Fault fault = { 0 };
	NetworkdWait *wait = userdata;
	News news = { .ifindex = wait->ifindex };
	int r = nl_receive(wait->monitor, on_message, &news);

	if (r < 0 && r != -ENOBUFS) {
		(void) wait_fault(wait->nic, r, &fault);
		wait_end(wait, &fault);
	} else if (news.is_worth_a_look || r == -ENOBUFS) {
		(void) wait_look(wait);
	}
	return 0;
}

static void late_fault(const NetworkdWait *wait, Fault *fault)
{
	_cleanup_(networkd_link_done) NetworkdLink networkd = { 0 };
	const char *bridge = wait->nic->spec->bridge;
	NetworkdLate late = { .plan = wait->plan,
			      .nic = wait->nic,
			      .waited_usec = wait->timeout_usec };
	char master[IFNAMSIZ];
	LinkInfo link;

	if (link_get(wait->nl, wait->nic->tap, &link) == 0 && link.master > 0)
		late.master = if_indextoname((unsigned) link.master, master);
	late.bridge_is_there = bridge && link_get(wait->nl, bridge, &link) == 0;
	late.netdev_is_there = bridge && networkd_has_netdev(bridge, NULL);
	networkd_look(wait->nic->tap, wait->ifindex, &networkd);
	(void) fault_networkd_late(&late, &networkd, fault);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	_cleanup_(fault_done) Fault fault = { 0 };
	NetworkdWait *wait = userdata;

	if (wait_look(wait))
		return 0;
	late_fault(wait, &fault);
	wait_end(wait, &fault);
	return 0;
}

static int wait_subscribe(NetworkdWait *wait)
{
	int r = nl_connection_new(NETLINK_ROUTE, &wait->nl);

	if (r == 0)
		r = nl_connection_new(NETLINK_ROUTE, &wait->monitor);
	if (r == 0)
		r = nl_subscribe(wait->monitor, RTNLGRP_LINK);
	if (r < 0 || wait->nic->spec->networkd.expect != NETWORKD_ADDRESS)
		return r;
	r = nl_subscribe(wait->monitor, RTNLGRP_IPV4_IFADDR);
	return r < 0 ? r : nl_subscribe(wait->monitor, RTNLGRP_IPV6_IFADDR);
}

int networkd_wait_new(const Plan *plan, const PlanNic *nic, NetworkdWait **ret, Fault *fault)
{
	_cleanup_(networkd_wait_free_p) NetworkdWait *wait = calloc(1, sizeof(*wait));
	int r;

	if (!wait)
		return fault_oom(fault);
	wait->plan = plan;
	wait->nic = nic;
	r = wait_subscribe(wait);
	if (r < 0)
		return wait_fault(nic, r, fault);
	*ret = TAKE_PTR(wait);
	return 0;
}

/* What comes behind the look, or lies in the socket since networkd_wait_new(), the first turn of the loop has. */
int networkd_wait_start(NetworkdWait *wait, sd_event *event, int ifindex, uint64_t timeout_usec,
			NetworkdWaitHandler handler, void *userdata, Fault *fault)
{
	int r;

	wait->ifindex = ifindex;
	wait->timeout_usec = timeout_usec;
	wait->handler = handler;
	wait->userdata = userdata;
	r = sd_event_add_io(event, &wait->changes, nl_fd(wait->monitor), EPOLLIN, on_changes, wait);
	if (r >= 0)
		r = timer_after(event, &wait->deadline, timeout_usec, DEADLINE_ACCURACY_USEC,
				on_deadline, wait);
	if (r < 0)
		return wait_fault(wait->nic, r, fault);
	(void) wait_look(wait); /* one that stayed over a restart is as expected already */
	return 0;
}
