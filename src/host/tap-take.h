/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/tap.h"

/*
 * Takes over a tap that an earlier run of the VM left open: fds, a queue each, in their order, as one that is just made,
 * but for where it stands: its index, its bridge and what that has learnt of it. Frames that wait in it are dropped.
 * 0: the fds are the tap's; -EINVAL: it does not fit the nic any more, or -ENOMEM, and the fds are the caller's still.
 */
int tap_take(Nl *nl, const PlanNic *nic, const int *fds, size_t n_fds, Tap *ret);

/* The same of a tap that qemu-bridge-helper made and put on that bridge; its name is the one that it has. */
int helper_tap_take(Nl *nl, const PlanNic *nic, const LinkInfo *bridge, const int *fds,
		    size_t n_fds, Tap *ret);

/* The same of a link of ours that is known already; its fds are to be of its device. */
int tap_take_queues(const LinkInfo *link, const PlanNic *nic, const int *fds, size_t n_fds,
		    Tap *ret);

/*
 * Removes the tap or macvtap of that name where it has that mark of ours, whoever has it open: its alias; or, of the
 * helper's, which has none, TAP_MARK_MAC and its address. 0 or -errno.
 */
#define TAP_MARK_MAC "mac="
int tap_drop(Nl *nl, const char *name, const char *mark);

/* The same of the one that the descriptor is of, whatever it is called now: a macvtap does not end with its descriptors. */
int tap_drop_of(Nl *nl, int fd, const char *mark);
