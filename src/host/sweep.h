/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/places.h"

/*
 * Removes all that is left of a VM nobody is to adopt: the processes of its record and of its unit's control group
 * (SIGTERM, then SIGKILL), its taps, its directory. The caller has the VM's lock. *ret_found tells in words what was
 * there, NULL where nothing was; the caller frees it. 0, or -errno with fault; all the rest is tried all the same. Where a
 * newer mvmd has the VM on record nothing is touched.
 */
int vm_sweep(const VmPlaces *places, char **ret_found, Fault *fault);
