/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/plan.h"

/*
 * QEMU's descriptors are numbered from QEMU_FIRST_FD on, in this order: the listener of its monitor, the
 * listener of the console, the taps and macvtaps (all queues of the first interface, then of the next),
 * one connected socket per share, one file per string for the guest's SMBIOS tables, /dev/vhost-net once per queue pair of each
 * interface that has it.
 */
#define QEMU_FIRST_FD	3
#define QEMU_MONITOR_FD QEMU_FIRST_FD
#define QEMU_CONSOLE_FD (QEMU_FIRST_FD + 1)
#define QEMU_TAP_FD	(QEMU_FIRST_FD + 2)

/* How often it gets /dev/vhost-net. */
size_t qemu_n_vhosts(const Plan *plan);

/* How many descriptors it gets. */
size_t qemu_n_fds(const Plan *plan);

/*
 * The argument vector of a q35 machine that waits for "cont". mtus: per interface the MTU that the guest is
 * told (0: none). Returns 0 or -ENOMEM.
 */
int qemu_args(const Plan *plan, const uint32_t *mtus, StrList *ret);
