/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/fault.h"

/*
 * UNIX stream sockets. The paths are at most SOCKET_PATH_MAX bytes (plan.h proves it); all fds are CLOEXEC.
 */

/*
 * Binds a listener under a temporary name and renames it to path, replacing what is there: so the socket
 * appears whole, and qemu-storage-daemon, which unlinks at its exit the name that a socket was bound to,
 * does not take the path away. Who may connect is set before the rename. 0 or -errno, *ret untouched.
 */
typedef struct SockAccess {
	mode_t mode;
	uid_t user; /* may what we may, host/acl.h; (uid_t) -1: nobody more */
} SockAccess;
/* access NULL: as the umask leaves it. */
int sock_listen(const char *path, const SockAccess *access, int *ret);

/* A listener on that port of the host's AF_VSOCK, for every guest: accept(2) tells who it is. 0 or -errno. */
int sock_listen_vsock(uint32_t port, int *ret);

/* A connected, non-blocking socket; the connect itself does not wait. 0 or -errno (-EAGAIN: backlog full). */
int sock_connect(const char *path, int *ret);

/*
 * Sends data with n_fds descriptors attached in one sendmsg() (MSG_NOSIGNAL). Returns bytes sent or -errno.
 */
ssize_t sock_send_fds(int fd, const void *data, size_t length, const int *fds, size_t n_fds);

/* The descriptor that comes with the next byte, CLOEXEC; where none is there yet it is not waited for. Or -errno. */
int sock_receive_fd(int fd);

/* What unix_diag and stat(2) say of a socket path, without connecting. */
typedef enum SockState {
	SOCK_ABSENT, /* no such file */
	SOCK_NOT_SOCKET, /* a file of another kind */
	SOCK_STALE, /* a socket file that nobody listens on */
	SOCK_LISTENING,
	SOCK_FORBIDDEN, /* the path cannot be looked at, or we may not connect to it */
	_SOCK_STATE_MAX,
} SockState;

/*
 * Looks. Returns 0 and *ret, or -errno where NETLINK_SOCK_DIAG cannot be asked (-ENOENT: the kernel has no
 * unix_diag) or stat(2) fails for any other reason than absence and permission.
 */
int sock_look(const char *path, SockState *ret);
const char *sock_state_to_string(SockState state); /* "no such file", … for messages */
