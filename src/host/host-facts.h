/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/facts.h"

/* Looks at the host itself: its kernel, and what known-issues.json asks beside. 0 or -ENOMEM. */
int host_facts_probe(HostFacts *ret);
