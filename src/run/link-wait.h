/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "host/link.h"

/*
 * Waits until a bridge exists, by RTNLGRP_LINK: no polling, no dump. Where the first look finds nothing, the
 * subscription is made before a second one, so that no bridge slips through between them.
 */
typedef struct LinkWait LinkWait;

/* Called once, from the event loop or within link_wait_start() (then its *ret stays NULL). */
typedef void (*LinkWaitHandler)(const LinkInfo *bridge, const Fault *fault, void *userdata);

/* What is waited for. */
typedef struct LinkWanted {
	const char *name;
	bool any_kind; /* a link of whatever kind will do; else a bridge */
	uint64_t timeout_usec;
} LinkWanted;

/*
 * The first of these happens: the bridge is there (bridge set), a link of that name is no bridge, or
 * timeout_usec passed (fault: the bridges that exist and the nearest name). 0 or -errno with fault.
 */
int link_wait_start(sd_event *event, const LinkWanted *wanted, LinkWaitHandler handler,
		    void *userdata, LinkWait **ret, Fault *fault);
LinkWait *link_wait_free(LinkWait *wait);
DEFINE_CLEANUP(LinkWait *, link_wait_free)
