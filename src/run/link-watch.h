/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "run/link-judge.h"

/*
 * Watches the taps of a VM that runs, and their bridges, by the kernel's notifications (RTNLGRP_LINK): no polling, no
 * dump, and a filter in the kernel, so that nobody else's links wake us. What goes wrong is told once, and put right
 * where the interface's on_detach says so; a bridge that is gone is awaited as long as the watch lasts. Where the socket
 * lost something (ENOBUFS) all is looked at again.
 */
typedef struct LinkWatch LinkWatch;

/* Of an interface, by its index in the plan. From the event loop or within link_watch_start(). */
typedef struct LinkWatchHandler {
	/* stop: the VM is to stop, as on_detach says. */
	void (*on_wrong)(size_t nic, const Fault *fault, bool stop, void *userdata);
	/* What was wrong, by the id of its finding, is so no more; words tell it. */
	void (*on_mended)(size_t nic, const char *id, const char *words, void *userdata);
	void *userdata;
} LinkWatchHandler;

/*
 * Of taps[i] with an ifindex, for the plan's nic i; both must live longer. What is wrong by now is told (told: but not
 * what a start has told itself, a bridge that is down or does not forward yet). 0 or -errno.
 */
int link_watch_start(sd_event *event, const Plan *plan, Tap *taps, bool told,
		     const LinkWatchHandler *handler, LinkWatch **ret);
LinkWatch *link_watch_free(LinkWatch *watch);
DEFINE_CLEANUP(LinkWatch *, link_watch_free)

/* The descriptor that wakes it, for tests. */
int link_watch_fd(const LinkWatch *watch);
