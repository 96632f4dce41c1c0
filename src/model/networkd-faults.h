/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/networkd.h"
#include "model/plan.h"

/* What systemd-networkd has not done with a tap by the deadline, and why. */
typedef struct NetworkdLate {
	const Plan *plan;
	const PlanNic *nic;
	uint64_t waited_usec;
	const char *master; /* what the tap is a port of; NULL: nothing */
	bool bridge_is_there; /* the one that the spec names */
	bool netdev_is_there; /* a .netdev file for it */
} NetworkdLate;

/*
 * networkd-absent, networkd-no-file, networkd-wrong-file, or networkd-late: it runs, has a file, and that would do. Each
 * with the file that would be right. Return fault->error.
 */
int fault_networkd_late(const NetworkdLate *late, const NetworkdLink *link, Fault *fault);

/* What a start would wait for in vain as long as networkd does not run. 0 or -ENOMEM. */
int networkd_awaited(const Spec *spec, const Facts *facts, FaultList *faults);

/* tap-changed: networkd gave the tap another MTU than the spec says. */
int fault_networkd_mtu(const PlanNic *nic, uint32_t mtu, Fault *fault);

/* A tap that networkd had put on a bridge is not there any more: adds to fault why, and how networkd brings it back. */
int fault_networkd_undone(const Plan *plan, const PlanNic *nic, const NetworkdLink *link,
			  Fault *fault);
