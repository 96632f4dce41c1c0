/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "host/access.h"
#include "host/bridge.h"
#include "host/link-filter.h"
#include "host/networkd.h"
#include "mvmd/exit-codes.h"
#include "run/link-watch.h"

/* As often within that time it may go wrong; then somebody else wants it otherwise, and no more is done or told. */
#define TIMES_MAX	  5
#define TIMES_WITHIN_USEC (60 * USEC_PER_SEC)

/* The tap of a VMM that ends goes a moment before its process: only what lasts longer is told. */
#define GONE_LASTS_USEC USEC_PER_SEC

/* A look may change what is listened for, and then another is due; the last one's news come by themselves. */
#define LOOKS_MAX 3

typedef struct WatchedNic {
	LinkSight told; /* what is wrong and has been told; LINK_FINE: nothing */
	int bridge_ifindex; /* where it was seen last */
	bool is_dirty; /* something came of it */
	uint32_t port; /* who caused it, where the kernel says so; 0: it does not */
	uint64_t times_usec[TIMES_MAX]; /* when it went wrong; a ring */
	size_t n_times;
	uint64_t
		contested_usec; /* when it went wrong last, since that is too often; 0: it is not */
} WatchedNic;

struct LinkWatch {
	const Plan *plan;
	Tap *taps;
	Nl *monitor, *nl; /* hears; asks and sets */
	Nl *settings; /* hears of rates and fixed addresses; NULL: no tap has any */
	uint32_t nl_port; /* which nl's requests come from */
	bool settings_changed;
	sd_event *event;
	sd_event_source *changes, *setting_changes, *gone_timer;
	LinkWatchHandler handler;
	LinkFilter filter;
	WatchedNic *nics;
};

LinkWatch *link_watch_free(LinkWatch *watch)
{
	if (!watch)
		return NULL;
	(void) sd_event_source_disable_unref(watch->changes);
	(void) sd_event_source_disable_unref(watch->setting_changes);
	(void) sd_event_source_disable_unref(watch->gone_timer);
	(void) nl_connection_free(watch->settings);
	(void) nl_connection_free(watch->monitor);
	(void) nl_connection_free(watch->nl);
	(void) sd_event_unref(watch->event);
	free(watch->nics);
	free(watch);
	return NULL;
}

int link_watch_fd(const LinkWatch *watch)
{
	return nl_fd(watch->monitor);
}

static bool is_watched(const LinkWatch *watch, size_t i)
{
	return watch->taps[i].ifindex > 0;
}

static const char *master_of(const LinkWatch *watch, size_t i)
{
	const PlanNic *nic = &watch->plan->nics[i];

	return nic_is_port(nic) ? nic->spec->bridge : watch->taps[i].master;
}

/* Of a bridge that is as it should be only what ends that; of others all. */
static int listen_to_nics(LinkWatch *watch)
{
	LinkFilter *filter = &watch->filter;

	*filter = (LinkFilter){ .n_names = 0 };
	for (size_t i = 0; i < watch->plan->n_nics; i++) {
		if (!is_watched(watch, i))
			continue;
		link_filter_add_index(filter, watch->taps[i].ifindex);
		link_filter_add_name(filter, master_of(watch, i));
		if (watch->nics[i].told.wrong != LINK_FINE)
			link_filter_add_index(filter, watch->nics[i].bridge_ifindex);
	}
	for (size_t i = 0; i < watch->plan->n_nics; i++)
		if (is_watched(watch, i))
			link_filter_add_quiet(filter, watch->nics[i].bridge_ifindex,
					      master_of(watch, i));
	return link_filter_attach(filter, watch->monitor);
}

/*
 * Where a request asked for an echo the kernel says whose it was (net/core/rtnetlink.c: rtnl_delete_link()); else the
 * port is 0. systemd-networkd tells what it is to do with a link.
 */
static void tell_who(const LinkWatch *watch, size_t i, const LinkSight *sight, Fault *fault)
{
	pid_t pid = (pid_t) watch->nics[i].port;
	_cleanup_free_ char *process = NULL;

	if (pid > 0) {
		process = process_name(pid);
		link_fault_by(pid, process, fault);
	} else if (sight->wrong == LINK_OFF_BRIDGE) {
		networkd_explain(watch->plan, &watch->plan->nics[i], &watch->taps[i], sight->bridge,
				 fault);
	}
}

static void tell_wrong(LinkWatch *watch, size_t i, const LinkSight *sight, Fault *fault, bool stop)
{
	watch->nics[i].told = *sight;
	watch->handler.on_wrong(i, fault, stop, watch->handler.userdata);
}

static void tell_mended(LinkWatch *watch, size_t i)
{
	LinkSight was = watch->nics[i].told;
	_cleanup_free_ char *words = link_mended_words(&was);

	watch->nics[i].told = (LinkSight){ .wrong = LINK_FINE };
	if (words && watch->nics[i].contested_usec == 0)
		watch->handler.on_mended(i, link_wrong_id(was.wrong), words,
					 watch->handler.userdata);
}

/* Counts one more; true where there were too many just before. */
static bool is_too_often(WatchedNic *nic)
{
	uint64_t now = now_usec(), *slot = &nic->times_usec[nic->n_times % TIMES_MAX];
	bool too_often = nic->n_times >= TIMES_MAX && now - *slot < TIMES_WITHIN_USEC;

	*slot = now;
	nic->n_times++;
	return too_often;
}

/* It begins anew when it has been left alone for as long. */
static bool is_contested(WatchedNic *nic)
{
	uint64_t now = now_usec();

	if (nic->contested_usec == 0)
		return false;
	if (now - nic->contested_usec < TIMES_WITHIN_USEC) {
		nic->contested_usec = now;
		return true;
	}
	nic->contested_usec = nic->n_times = 0;
	return false;
}

static bool is_made_by_us(const LinkWatch *watch, size_t i)
{
	return watch->plan->nics[i].spec->has_create_bridge;
}

/* As at the start. The MTU is the one that it had then, whatever that of the bridge is by now. */
static int set_again(LinkWatch *watch, size_t i, const LinkSight *sight, Fault *fault)
{
	PlanNic nic = watch->plan->nics[i];
	_cleanup_close_ int lock = -EBADF;
	LinkInfo bridge;
	int r = 0;

	nic.mtu = watch->taps[i].mtu;
	if (!sight->bridge[0])
		return tap_set(watch->nl, &nic, &watch->taps[i], true, fault);
	if (is_made_by_us(watch, i))
		r = bridges_lock(watch->plan->places.runtime_directory, &lock, fault);
	if (r == 0 && is_made_by_us(watch, i))
		r = bridge_make(watch->nl, nic.spec, &bridge, fault);
	if (r < 0)
		return r;
	r = link_get(watch->nl, sight->bridge, &bridge);
	if (r < 0)
		return fault_set(fault, r, MVMD_EXIT_SYSTEM, "tap-attach", "bridge %s: %s",
				 sight->bridge, nl_error_text(watch->nl));
	/* No frame passes before the port is isolated, or has its VLANs. */
	if (port_has_flags(&nic.port) || nic.port.vlan)
		(void) link_down(watch->nl, watch->taps[i].ifindex);
	return tap_attach(watch->nl, &nic, &watch->taps[i], &bridge, fault);
}

static int repair(LinkWatch *watch, size_t i, const LinkSight *sight, Fault *fault)
{
	int r = 0;

	if (sight->wrong == LINK_TAP_RENAMED)
		r = link_rename(watch->nl, watch->taps[i].ifindex, sight->tap);
	if (r < 0)
		return fault_set(fault, r, MVMD_EXIT_SYSTEM, "tap-attach", "%s",
				 nl_error_text(watch->nl));
	return set_again(watch, i, sight, fault);
}

/* What had been told, as a bridge that was gone, is what was wrong; else what is seen now. */
static void tell_repaired(LinkWatch *watch, size_t i, const LinkSight *sight)
{
	WatchedNic *nic = &watch->nics[i];
	LinkSight was = nic->told.wrong == LINK_BRIDGE_GONE ? nic->told : *sight;
	_cleanup_(fault_done) Fault fault = { 0 };

	(void) fault_link_repaired(&was, &fault);
	tell_who(watch, i, &was, &fault);
	tell_wrong(watch, i, &(const LinkSight){ .wrong = LINK_FINE }, &fault, false);
}

static void mend(LinkWatch *watch, size_t i, const LinkSight *sight)
{
	_cleanup_(fault_done) Fault fault = { 0 }, refusal = { 0 };

	if (repair(watch, i, sight, &refusal) == 0) {
		tell_repaired(watch, i, sight);
		return;
	}
	/* Who changed it while it was put right has sent news of it: the next look tries again, and counts. */
	if (streq(refusal.id, "tap-changed"))
		return;
	(void) fault_link_wrong(sight, &fault);
	tell_who(watch, i, sight, &fault);
	link_fault_is_left(refusal.what, &fault);
	tell_wrong(watch, i, sight, &fault, false);
}

/* What mvmd is not to put right, or cannot. */
static void tell_policy(LinkWatch *watch, size_t i, const LinkSight *sight)
{
	OnDetach policy = watch->plan->nics[i].on_detach;
	bool stop = policy == ON_DETACH_STOP_VM && link_wrong_is_detached(sight->wrong);
	_cleanup_(fault_done) Fault fault = { 0 };

	(void) fault_link_wrong(sight, &fault);
	tell_who(watch, i, sight, &fault);
	if (stop)
		link_fault_stops_vm(&fault);
	else if (policy == ON_DETACH_REPAIR && sight->wrong == LINK_BRIDGE_GONE)
		link_fault_is_awaited(sight, &fault);
	else
		link_fault_is_left(NULL, &fault);
	tell_wrong(watch, i, sight, &fault, stop);
}

static void tell_contested(LinkWatch *watch, size_t i, const LinkSight *sight)
{
	bool repairs = watch->plan->nics[i].on_detach == ON_DETACH_REPAIR;
	_cleanup_(fault_done) Fault fault = { 0 };

	watch->nics[i].contested_usec = now_usec();
	(void) fault_link_contested(sight, repairs, TIMES_MAX, TIMES_WITHIN_USEC, &fault);
	tell_who(watch, i, sight, &fault);
	tell_wrong(watch, i, sight, &fault, false);
}

/* A bridge that goes and comes by itself is nobody's fight over the tap. */
static bool counts(const LinkWatch *watch, size_t i, const LinkSight *sight)
{
	const WatchedNic *nic = &watch->nics[i];

	if (is_made_by_us(watch, i))
		return true;
	return sight->wrong != LINK_BRIDGE_GONE && nic->told.wrong != LINK_BRIDGE_GONE &&
	       sight->bridge_ifindex == nic->bridge_ifindex;
}

static bool can_mend(const LinkWatch *watch, size_t i, LinkWrong wrong)
{
	return watch->plan->nics[i].on_detach == ON_DETACH_REPAIR &&
	       (link_wrong_is_mendable(wrong) ||
		(wrong == LINK_BRIDGE_GONE && is_made_by_us(watch, i)));
}

static void act(LinkWatch *watch, size_t i, const LinkSight *sight)
{
	WatchedNic *nic = &watch->nics[i];
	bool stops = watch->plan->nics[i].on_detach == ON_DETACH_STOP_VM;

	if (is_contested(nic))
		nic->told = *sight;
	else if (!stops && counts(watch, i, sight) && is_too_often(nic))
		tell_contested(watch, i, sight);
	else if (can_mend(watch, i, sight->wrong))
		mend(watch, i, sight);
	else
		tell_policy(watch, i, sight);
}

static void look_at_all(LinkWatch *watch, bool is_gone_told);

static int on_gone_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	LinkWatch *watch = userdata;

	watch->gone_timer = sd_event_source_disable_unref(watch->gone_timer);
	look_at_all(watch, true);
	return 0;
}

static void look_later(LinkWatch *watch)
{
	if (!watch->gone_timer)
		(void) sd_event_add_time_relative(watch->event, &watch->gone_timer, CLOCK_MONOTONIC,
						  GONE_LASTS_USEC, 0, on_gone_time, watch);
}

static void look_at_nic(LinkWatch *watch, size_t i, bool is_gone_told)
{
	WatchedNic *nic = &watch->nics[i];
	LinkSight sight;

	link_judge(watch->nl, &watch->plan->nics[i], &watch->taps[i], &sight);
	if (sight.wrong == LINK_FINE && nic->told.wrong != LINK_FINE)
		tell_mended(watch, i);
	else if (sight.wrong == LINK_TAP_GONE && !is_gone_told)
		look_later(watch);
	else if (sight.wrong != nic->told.wrong)
		act(watch, i, &sight);
	if (sight.bridge_ifindex > 0)
		nic->bridge_ifindex = sight.bridge_ifindex;
}

/* True where other things are to be listened for than before. */
static bool look_at_nics(LinkWatch *watch, bool is_gone_told)
{
	bool is_new = false;

	for (size_t i = 0; i < watch->plan->n_nics; i++) {
		WatchedNic *nic = &watch->nics[i];
		int before = nic->bridge_ifindex;
		bool was_fine = nic->told.wrong == LINK_FINE;

		if (!is_watched(watch, i) || !nic->is_dirty)
			continue;
		look_at_nic(watch, i, is_gone_told);
		nic->is_dirty =
			nic->bridge_ifindex != before || was_fine != (nic->told.wrong == LINK_FINE);
		is_new = is_new || nic->is_dirty;
	}
	return is_new;
}

static void look(LinkWatch *watch, bool is_gone_told)
{
	for (unsigned n = 0; n < LOOKS_MAX && look_at_nics(watch, is_gone_told); n++)
		(void) listen_to_nics(watch);
	for (size_t i = 0; i < watch->plan->n_nics; i++)
		watch->nics[i].port = 0;
}

/* Of which nic it is, or of a bridge that came: that may be anybody's. */
static void on_message(struct nlmsghdr *message, void *userdata)
{
	const struct ifinfomsg *link = nlmsg_data(message);
	LinkWatch *watch = userdata;

	if (!nlmsg_valid_hdr(message, sizeof(*link)))
		return;
	for (size_t i = 0; i < watch->plan->n_nics; i++) {
		WatchedNic *nic = &watch->nics[i];

		nic->is_dirty = true;
		if (message->nlmsg_pid > 0 && (link->ifi_index == watch->taps[i].ifindex ||
					       link->ifi_index == nic->bridge_ifindex))
			nic->port = message->nlmsg_pid;
	}
}

static void look_at_all(LinkWatch *watch, bool is_gone_told)
{
	for (size_t i = 0; i < watch->plan->n_nics; i++)
		watch->nics[i].is_dirty = true;
	look(watch, is_gone_told);
}

/* One look for a whole burst. What was lost (ENOBUFS) may have been of any of them. */
static int on_changes(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	LinkWatch *watch = userdata;
	int r = nl_receive(watch->monitor, on_message, watch);

	if (r == 0)
		look(watch, false);
	else if (r == -ENOBUFS)
		look_at_all(watch, false);
	else
		(void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

/*
 * Whoever asks for a qdisc makes the kernel tell everybody of it (net/sched/sch_api.c: tc_get_qdisc()): our own looks
 * are not to be the reason for the next.
 */
static void on_setting(struct nlmsghdr *message, void *userdata)
{
	LinkWatch *watch = userdata;

	if (message->nlmsg_pid != watch->nl_port)
		watch->settings_changed = true;
}

static int on_settings(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	LinkWatch *watch = userdata;
	int r;

	watch->settings_changed = false;
	r = nl_receive(watch->settings, on_setting, watch);
	if (r < 0 && r != -ENOBUFS)
		(void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
	else if (r == -ENOBUFS || watch->settings_changed)
		look_at_all(watch, false);
	return 0;
}

static int netlink_port(const Nl *nl, uint32_t *ret)
{
	struct sockaddr_nl address = { 0 };
	socklen_t length = sizeof(address);

	if (getsockname(nl_fd(nl), (struct sockaddr *) &address, &length) < 0)
		return -errno;
	*ret = address.nl_pid;
	return 0;
}

/*
 * A socket of its own: what else is told of a bridge there, as whom the host has met on it, is no matter of ours.
 * struct tcmsg and struct ndmsg have the index where struct ifinfomsg has it, and so the filter does for them.
 */
static int subscribe_to_settings(LinkWatch *watch)
{
	LinkFilter filter = { .n_names = 0 };
	bool rates = false, addresses = false;
	int r;

	for (size_t i = 0; i < watch->plan->n_nics; i++) {
		const PlanNic *nic = &watch->plan->nics[i];
		bool has_rate = rate_is_set(&nic->rate) && !nic->rate.by_vmm;

		if (!is_watched(watch, i) || (!has_rate && !port_is_locked(&nic->port)))
			continue;
		link_filter_add_index(&filter, watch->taps[i].ifindex);
		rates = rates || has_rate;
		addresses = addresses || port_is_locked(&nic->port);
	}
	if (filter.n_ifindexes == 0)
		return 0;
	r = netlink_port(watch->nl, &watch->nl_port);
	if (r == 0)
		r = nl_connection_new(NETLINK_ROUTE, &watch->settings);
	if (r == 0)
		r = link_filter_attach(&filter, watch->settings);
	if (r == 0 && rates)
		r = nl_subscribe(watch->settings, RTNLGRP_TC);
	if (r == 0 && addresses)
		r = nl_subscribe(watch->settings, RTNLGRP_NEIGH);
	if (r == 0)
		r = sd_event_add_io(watch->event, &watch->setting_changes, nl_fd(watch->settings),
				    EPOLLIN, on_settings, watch);
	return r;
}

static int subscribe(LinkWatch *watch)
{
	int r = nl_connection_new(NETLINK_ROUTE, &watch->nl);

	if (r == 0)
		r = nl_connection_new(NETLINK_ROUTE, &watch->monitor);
	if (r == 0) /* before the subscription: nothing of others' ever gets in */
		r = listen_to_nics(watch);
	if (r == 0)
		r = nl_subscribe(watch->monitor, RTNLGRP_LINK);
	if (r == 0)
		r = sd_event_add_io(watch->event, &watch->changes, nl_fd(watch->monitor), EPOLLIN,
				    on_changes, watch);
	if (r >= 0)
		r = subscribe_to_settings(watch);
	return r < 0 ? r : 0;
}

/* What the taps are now they are to stay; of what is wrong already a start has told two things itself. */
static void begin(LinkWatch *watch, bool told)
{
	for (size_t i = 0; i < watch->plan->n_nics; i++) {
		WatchedNic *nic = &watch->nics[i];
		LinkSight sight;

		if (!is_watched(watch, i))
			continue;
		link_keep(watch->nl, &watch->plan->nics[i], &watch->taps[i], &sight);
		nic->bridge_ifindex = sight.bridge_ifindex;
		if (told && (sight.wrong == LINK_BRIDGE_DOWN || sight.wrong == LINK_NOT_FORWARDING))
			nic->told = sight;
		nic->is_dirty = sight.wrong != nic->told.wrong;
	}
	(void) listen_to_nics(watch);
	look(watch, false);
}

int link_watch_start(sd_event *event, const Plan *plan, Tap *taps, bool told,
		     const LinkWatchHandler *handler, LinkWatch **ret)
{
	_cleanup_(link_watch_free_p) LinkWatch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch)
		return -ENOMEM;
	watch->event = sd_event_ref(event);
	watch->plan = plan;
	watch->taps = taps;
	watch->handler = *handler;
	watch->nics = calloc(plan->n_nics ?: 1, sizeof(*watch->nics));
	if (!watch->nics)
		return -ENOMEM;
	r = subscribe(watch);
	if (r < 0)
		return r;
	begin(watch, told);
	*ret = TAKE_PTR(watch);
	return 0;
}
