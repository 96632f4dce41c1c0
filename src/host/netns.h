/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/*
 * The network namespace of that name (ip-netns(8)), for this process from now on: netlink sockets that are opened then
 * are in it. *ret_back, for netns_leave(): where it was; -EBADF: it was there already, as in a unit with
 * NetworkNamespacePath=. 0; -ENOENT: there is none; -EPERM; or another -errno.
 */
int netns_enter(const char *name, int *ret_back);

/* Goes back, and closes the descriptor. */
void netns_leave(int back);
