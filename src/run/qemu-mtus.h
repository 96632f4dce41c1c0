/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/tap.h"
#include "model/plan.h"

/*
 * The MTU of each tap, which its guest is told: as cloud-hypervisor does by itself. A tap whose MTU
 * cannot be asked for is none of our worry here; the guest then has its default. Any socket will do
 * (net/socket.c: sock_do_ioctl), and under systemd a UNIX one is all that there is.
 * 0 and a new array in *ret, one per nic, 0: not known; or -ENOMEM.
 */
int qemu_mtus(const Plan *plan, const Tap *taps, uint32_t **ret);
