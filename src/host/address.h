/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/nl.h"
#include "model/address.h"

/*
 * Whether the link has an address that others can reach: IPv4 or IPv6, no link-local one, and none that is still tested
 * for a double. A dump, which the kernel filters for that link. 0 or -errno.
 */
int address_look(Nl *nl, int ifindex, bool *ret);

/* Whether the link has just this address, with that length of its prefix: again such a dump. 0 or -errno. */
int address_has(Nl *nl, int ifindex, const IpAddress *address, bool *ret);

/* True where the notification (RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR) is of a new address of that link. */
bool address_is_new(struct nlmsghdr *message, int ifindex);
