/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * Does anybody listen on the socket file that path names and status (of stat(2)) describes? Asked by
 * NETLINK_SOCK_DIAG, so that no connection is made. The kernel shows the sockets of this network
 * namespace only. 1, 0 or -errno (-ENOENT: the kernel has no unix_diag).
 */
int unix_diag_is_listening(const char *path, const struct stat *status);

/* A connection to a listener, seen from its client. */
typedef struct UnixClient {
	uint32_t inode; /* of the client's socket: "socket:[INODE]" in /proc/PID/fd */
	bool accepted; /* else it waits in the backlog */
	bool unread; /* it sent what the other side has not read */
} UnixClient;

typedef struct UnixListener {
	uint32_t inode; /* 0: nobody listens */
	bool full; /* its backlog: a further connect(2) waits, or fails with EAGAIN */
	UnixClient *clients;
	size_t n_clients;
} UnixListener;

/* Who listens on that socket file and who is connected to it. *ret is to be zero. 0 or -errno, as above. */
int unix_diag_listener(const char *path, const struct stat *status, UnixListener *ret);
void unix_listener_done(UnixListener *listener);
