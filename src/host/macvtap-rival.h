/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/nl.h"
#include "model/facts.h"
#include "model/spec.h"

/*
 * Finds a macvlan or macvtap that keeps one of that mode off its link: either is passthru. Not among them: the own one,
 * of that name and alias, which a start removes first. A dump of these two kinds, so for a look or a failure alone.
 * 0, and ret without a name: none that this network namespace shows; or -errno.
 */
int macvtap_rival_find(Nl *nl, int ifindex, MacvtapMode mode, const char *own_name,
		       const char *own_alias, MacvtapRival *ret);
