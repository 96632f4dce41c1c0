/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "base/fault.h"

/*
 * A netlink socket whose errors speak: requests come back as -errno, with the kernel's extended
 * acknowledgement (NETLINK_EXT_ACK) as text. libnl alone turns errno into its own coarser codes.
 */
typedef struct Nl Nl;

/* Opens a socket of the protocol (NETLINK_ROUTE, NETLINK_SOCK_DIAG). 0 or -errno. */
int nl_connection_new(int protocol, Nl **ret);
Nl *nl_connection_free(Nl *nl);
DEFINE_CLEANUP(Nl *, nl_connection_free)

/*
 * Sends message (of which it takes no ownership) and waits for the kernel's acknowledgement.
 * Returns 0 or the kernel's -errno; then nl_error_text() has its own words.
 */
int nl_request(Nl *nl, struct nl_msg *message);

/*
 * Sends message and hands each answer (until the acknowledgement or the end of a dump) to on_answer.
 * Returns as nl_request().
 */
typedef void (*NlAnswer)(struct nlmsghdr *answer, void *userdata);
int nl_query(Nl *nl, struct nl_msg *message, NlAnswer on_answer, void *userdata);

/* The extack text of the last failed request, or strerror() where the kernel sent none. Never NULL. */
const char *nl_error_text(const Nl *nl);
