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
DEFINE_CLEANUP(struct nl_msg *, nlmsg_free)

/* A message that begins with that header of the protocol's. NULL: no memory. */
struct nl_msg *nl_message_new(int type, int flags, const void *header, size_t size);

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

/* Subscribes to a multicast group (RTNLGRP_LINK); such a socket is for nl_receive() alone. 0 or -errno. */
int nl_subscribe(Nl *nl, int group);

/* The descriptor, to be watched for EPOLLIN. It stays nl's. */
int nl_fd(const Nl *nl);

/*
 * Hands on every notification that is there, without waiting. 0; -ENOBUFS: some were lost, look again at
 * what they were about; or another -errno.
 */
int nl_receive(Nl *nl, NlAnswer on_message, void *userdata);
