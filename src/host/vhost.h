/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define VHOST_NET_DEVICE   "/dev/vhost-net"
#define VHOST_VSOCK_DEVICE "/dev/vhost-vsock"

/* Opens the device n times, once for each pair of queues (drivers/vhost/net.c), CLOEXEC. 0, or -errno and none. */
int vhost_net_open(size_t n, int *ret);

/*
 * Whether a guest of this host's vsock could have that CID now: it is taken and given back at once. 0; -EADDRINUSE:
 * another guest has it, or this host itself, as a guest; or another -errno, which says nothing of the CID.
 */
int vhost_vsock_try_cid(uint32_t cid);
