/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/link.h"
#include "model/spec.h"

/*
 * Bridges that mvmd makes itself, for the VMs that ask for it ("create_bridge"): one is there from the first of them to
 * the last, and is known by its alias. All is done under one lock, from looking for the bridge until the tap is its
 * port: so none goes that another VM has just found.
 */
#define BRIDGE_ALIAS "mvmd:bridge"

/* The lock of all such bridges, a flock on the runtime directory. -EBUSY: others have it too long; or -errno; fault tells. */
int bridges_lock(const char *runtime_directory, int *ret, Fault *fault);

/*
 * Under the lock: the bridge of that interface, as it is, or made, up and read back. -EINVAL: it is something else;
 * -EOPNOTSUPP: the kernel's bridges filter no VLANs; or another -errno; fault tells, and nothing is left of it.
 */
int bridge_make(Nl *nl, const SpecInterface *interface, LinkInfo *ret, Fault *fault);

/*
 * Of a bridge that was there, what is not as the interface's create_bridge has it: true, and the fault tells, with the
 * commands that make it so. What the kernel does not say is taken for right.
 */
bool bridge_is_otherwise(Nl *nl, const SpecInterface *interface, const LinkInfo *bridge,
			 Fault *fault);

/* Under the lock: removes a bridge that mvmd made and that has no port any more. 1: it did; 0: it stays; or -errno. */
int bridge_remove_unused(Nl *nl, const char *name);
