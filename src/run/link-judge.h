/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/tap.h"
#include "model/link-wrong.h"

/*
 * The one judge of an interface's link: for the status, for a VM that is taken over, and for run/link-watch.h. Two
 * requests to the kernel at most. The sight says LINK_FINE also where the kernel's answer was an error: then nothing is
 * known to be wrong.
 */
void link_judge(Nl *nl, const PlanNic *nic, const Tap *tap, LinkSight *ret);

/*
 * Keeps what the tap's link is now, as what it is to stay, tap->mtu and tap->master, where they are not known yet; and
 * judges it as link_judge() does, at the same price.
 */
void link_keep(Nl *nl, const PlanNic *nic, Tap *tap, LinkSight *ret);
