/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#define VHOST_NET_DEVICE "/dev/vhost-net"

/* Opens the device n times, once for each pair of queues (drivers/vhost/net.c), CLOEXEC. 0, or -errno and none. */
int vhost_net_open(size_t n, int *ret);
