/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/facts.h"

/* Looks at the host's kernel. 0 or -ENOMEM. */
int host_facts_probe(HostFacts *ret);

/* Adds what known-issues.json asks beside ("probe"). */
void host_switches_probe(HostFacts *host);
