/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/child-end.h"

/*
 * How many processes the kernel has killed for want of memory: in our own control group (and so among our
 * children) where it counts that, else on the whole host, else not known.
 */
void oom_kills_read(OomKills *ret);
