/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/facts.h"
#include "model/spec.h"

/*
 * Why a link of the host's can have no such macvtap. `mvmd check` tells it before the kernel is asked, and the start when
 * that has refused: in the same words.
 */
typedef struct MacvtapWanted {
	const char *tap; /* its name */
	const char *link;
	MacvtapMode mode;
} MacvtapWanted;

int fault_macvtap_mtu(const MacvtapWanted *wanted, uint32_t mtu, uint32_t mtu_of_link,
		      Fault *fault);

/* As lo, a tunnel or a modem. */
int fault_macvtap_not_ethernet(const MacvtapWanted *wanted, Fault *fault);

/* The link is part of a bridge or a bond. */
int fault_macvtap_port(const MacvtapWanted *wanted, Fault *fault);

/* One of both is to have the link to itself. rival without a name: it is not known who is there. */
int fault_macvtap_rival(const MacvtapWanted *wanted, const MacvtapRival *rival, Fault *fault);
