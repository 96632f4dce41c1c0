/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/tap.h"
#include "model/networkd.h"

/*
 * Asks systemd-networkd what it makes of a link, over D-Bus (org.freedesktop.network1(5)), and reads the .network file
 * that it matched. Where the bus has no answer its state file of the link tells, if there is one. networkd is not started
 * for it, and an answer is waited for briefly: for the words of a fault, not for a start that goes well.
 * The link is meant by name and index together, for networkd may be in another network namespace. What is not known is
 * left out; *ret is to be freed.
 */
void networkd_look(const char *name, int ifindex, NetworkdLink *ret);

/* By a look at its state files, without a question to anybody: networkd has one for each link, while it runs. */
bool networkd_is_running(void);

/* Whether a .netdev file is there for a device of that name; one of the name 'but_for' does not count (NULL: all do). */
bool networkd_has_netdev(const char *device, const char *but_for);

/* Looks, and lets fault_blame_networkd() add what it finds. True: networkd it was. */
bool networkd_blame(const char *tap, int ifindex, const char *bridge, Fault *fault);

/* The same for a tap of a VM that runs, whichever way it was put on that bridge. */
void networkd_explain(const Plan *plan, const PlanNic *nic, const Tap *tap, const char *bridge,
		      Fault *fault);
