/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/tap.h"

/*
 * Makes the macvtap of nic on the link 'lower', with the guest's MAC, alias and MTU, up, and opens it once per queue
 * pair; then reads all back. Unlike a tap it does not end with its last fd: macvtap_remove(). What of an earlier run
 * has its name goes first, as with tap_create(), and since when it is there. Its device is /dev/tapIFINDEX, which devtmpfs has by the
 * time that the kernel has answered (drivers/base/core.c: device_add()): nothing is waited for, and udev not needed.
 * Errors with fault: -EBUSY, -EEXIST, -EINVAL, -ENODEV, -ENOENT, -EOPNOTSUPP, -EPERM or another -errno.
 */
int macvtap_create(Nl *nl, const PlanNic *nic, const LinkInfo *lower, Tap *ret, Fault *fault);

/*
 * Takes over a macvtap that an earlier run of the VM left, as tap_take() does, where it is on that link, in that mode and
 * with the guest's address. Returns as that; MTU and the rest are set again.
 */
int macvtap_take(Nl *nl, const PlanNic *nic, const LinkInfo *lower, const int *fds, size_t n_fds,
		 Tap *ret);

/* Removes the link of nic's name where it is a macvtap with our alias, whoever has it open. 0 or -errno. */
int macvtap_remove(Nl *nl, const PlanNic *nic);
