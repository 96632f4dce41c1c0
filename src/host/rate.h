/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "host/nl.h"
#include "model/plan.h"

/*
 * Limits a tap by the kernel's traffic control: what the guest gets by a token bucket on the way into the tap, what it
 * sends by policing on the way out. All of it goes with the tap. Nothing where the plan sets nothing, or leaves it to
 * the VMM. -EOPNOTSUPP: the kernel lacks what it takes; or another -errno. fault tells.
 */
int rate_set(Nl *nl, const PlanNic *nic, int ifindex, Fault *fault);

/* Adds to differences what is not as the plan says, each behind ", ". 0 or -errno: the kernel cannot be asked. */
int rate_compare(Nl *nl, const PlanNic *nic, int ifindex, StrBuf *differences);
