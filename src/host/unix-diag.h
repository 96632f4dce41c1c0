/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/stat.h>

/*
 * Does anybody listen on the socket file that path names and status (of stat(2)) describes? Asked by
 * NETLINK_SOCK_DIAG, so that no connection is made. The kernel shows the sockets of this network
 * namespace only. 1, 0 or -errno (-ENOENT: the kernel has no unix_diag).
 */
int unix_diag_is_listening(const char *path, const struct stat *status);
