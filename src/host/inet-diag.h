/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/forwards.h"

/* Who has a port. */
typedef struct PortUser {
	uint32_t inode; /* of his socket */
	uid_t uid;
} PortUser;

/*
 * Is a port of this network namespace's open at such an address: a socket of TCP that listens, one of UDP that is
 * bound and not connected? Asked by NETLINK_SOCK_DIAG, so that nothing is opened. 1, and whose such a socket is; 0; or
 * -errno (-ENOENT: the kernel has no inet_diag or udp_diag).
 */
int inet_diag_find(IpProtocol protocol, uint16_t port, const PortAddress *address, PortUser *ret);
