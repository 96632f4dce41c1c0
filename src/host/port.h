/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "host/link.h"
#include "model/plan.h"

/*
 * Sets a tap that is a port of its bridge, and is still down, as the plan says, and brings it up: first its VLANs and
 * the one address that a locked port has, then all flags together with IFF_UP, so that no frame passes before.
 * -EOPNOTSUPP: the bridge or the kernel filters no VLANs; or the kernel's -errno. fault tells.
 */
int port_set(Nl *nl, const PlanNic *nic, int ifindex, const LinkInfo *bridge, Fault *fault);

/*
 * -EOPNOTSUPP, with fault, where the kernel does not know a flag that the plan sets: it takes such a request and tells
 * nothing back. link: the tap, as link_get() reads it.
 */
int port_look(const PlanNic *nic, const LinkInfo *link, Fault *fault);

/* Adds to differences what is not as the plan says, each behind ", ". 0 or -errno: the kernel cannot be asked. */
int port_compare(Nl *nl, const PlanNic *nic, const LinkInfo *link, StrBuf *differences);
