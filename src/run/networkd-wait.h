/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "host/link.h"
#include "model/plan.h"

/*
 * Waits until systemd-networkd has done with a tap what the spec expects of it, by RTNLGRP_LINK and, where that is an
 * address, by the groups of addresses: no polling. It is made before the tap, so that nothing slips through.
 */
typedef struct NetworkdWait NetworkdWait;

/* Called once, from the event loop or within networkd_wait_start(). fault NULL: it is as expected. */
typedef void (*NetworkdWaitHandler)(const Fault *fault, void *userdata);

/* plan and nic must live longer. 0 or -errno with fault. */
int networkd_wait_new(const Plan *plan, const PlanNic *nic, NetworkdWait **ret, Fault *fault);

/*
 * The tap is there: waits for timeout_usec at most; then the fault says what networkd makes of the tap (networkd-absent,
 * networkd-no-file, networkd-wrong-file, networkd-late). 0 or -errno with fault.
 */
int networkd_wait_start(NetworkdWait *wait, sd_event *event, int ifindex, uint64_t timeout_usec,
			NetworkdWaitHandler handler, void *userdata, Fault *fault);
NetworkdWait *networkd_wait_free(NetworkdWait *wait);
DEFINE_CLEANUP(NetworkdWait *, networkd_wait_free)
