/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/tap.h"

/*
 * Lets qemu-bridge-helper make the tap of nic and put it on its bridge, takes it over, and reads back where it is. Its
 * name is the helper's choice; it ends with its descriptor, as those that we make. With fault: -EPERM (what the helper
 * says, in words that lead on), -EIO (it is not where it should be), -ETIMEDOUT, or as spawn().
 */
int helper_tap_create(Nl *nl, const PlanNic *nic, const Program *helper, const LinkInfo *bridge,
		      Tap *ret, Fault *fault);
