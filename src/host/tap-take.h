/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/tap.h"

/*
 * Takes over a tap that an earlier run of the VM left open: fds, a queue each, in their order, as one that is just made,
 * but for where it stands: its index, its bridge and what that has learnt of it. Frames that wait in it are dropped.
 * 0: the fds are the tap's; -EINVAL: it does not fit the nic any more, or -ENOMEM, and the fds are the caller's still.
 */
int tap_take(Nl *nl, const PlanNic *nic, const int *fds, size_t n_fds, Tap *ret);

/* Removes the tap of that name where it has that alias of ours, whoever has it open. 0 or -errno. */
int tap_drop(Nl *nl, const char *name, const char *alias);
