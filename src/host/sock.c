/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/acl.h"
#include "host/sock.h"
#include "host/unix-diag.h"

/* How many may wait for an accept(2): a full backlog turns a VMM's connect away. */
#define SOCK_BACKLOG 128

/* A temporary name is taken at random; so many are tried before the directory counts as full. */
#define SOCK_NAME_TRIES 16

/* include/net/scm.h: SCM_MAX_FD. */
#define SOCK_FDS_MAX 253

static int sock_address(const char *path, struct sockaddr_un *ret)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(path);

	if (length == 0)
		return -EINVAL;
	if (length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, length + 1);
	*ret = address;
	return 0;
}

/* "DIRECTORY/.1b3f9": in path's directory and no longer than the names that mvmd gives its sockets. */
static int sock_temporary_address(const char *path, struct sockaddr_un *ret)
{
	const char *slash = strrchr(path, '/');
	int directory_length = slash ? (int) (slash + 1 - path) : 0;
	_cleanup_free_ char *temporary = NULL;
	uint32_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	temporary = str_printf("%.*s.%05x", directory_length, path, random & 0xfffff);
	if (!temporary)
		return -ENOMEM;
	return sock_address(temporary, ret);
}

/* Binds fd to a name that nobody has; bind(2) itself sees to that. */
static int sock_bind_temporary(int fd, const char *path, struct sockaddr_un *ret)
{
	for (unsigned i = 0; i < SOCK_NAME_TRIES; i++) {
		struct sockaddr_un address;
		int r = sock_temporary_address(path, &address);

		if (r < 0)
			return r;
		if (bind(fd, (const struct sockaddr *) &address, sizeof(address)) == 0) {
			*ret = address;
			return 0;
		}
		if (errno != EADDRINUSE)
			return -errno;
	}
	return -EADDRINUSE;
}

/* All that must be true of the socket before it appears under its own name, and then that. */
static int sock_publish(int fd, const char *temporary, const SockAccess *access, const char *path)
{
	int r = access ? file_let_in(temporary, access->mode, access->user) : 0;

	if (r < 0)
		return r;
	if (listen(fd, SOCK_BACKLOG) < 0)
		return -errno;
	if (rename(temporary, path) < 0)
		return -errno;
	return 0;
}

int sock_listen(const char *path, const SockAccess *access, int *ret)
{
	_cleanup_close_ int fd = -EBADF;
	struct sockaddr_un address;
	int r;

	r = sock_address(path, &address);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* The file gets this mode less the umask (net/unix/af_unix.c: unix_bind_bsd()): mostly right from the start. */
	if (access && fchmod(fd, access->mode) < 0)
		return -errno;
	r = sock_bind_temporary(fd, path, &address);
	if (r < 0)
		return r;
	r = sock_publish(fd, address.sun_path, access, path);
	if (r < 0) {
		(void) unlink(address.sun_path);
		return r;
	}

	*ret = TAKE_FD(fd);
	return 0;
}

int sock_listen_vsock(uint32_t port, int *ret)
{
	const struct sockaddr_vm address = { .svm_family = AF_VSOCK,
					     .svm_cid = VMADDR_CID_ANY,
					     .svm_port = port };
	_cleanup_close_ int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0 ||
	    listen(fd, SOCK_BACKLOG) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

int sock_connect(const char *path, int *ret)
{
	_cleanup_close_ int fd = -EBADF;
	struct sockaddr_un address;
	int r;

	r = sock_address(path, &address);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
		return -errno;

	*ret = TAKE_FD(fd);
	return 0;
}

ssize_t sock_send_fds(int fd, const void *data, size_t length, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr header; /* for its alignment */
		uint8_t bytes[CMSG_SPACE(SOCK_FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_len = length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n;

	if (n_fds > SOCK_FDS_MAX || (n_fds > 0 && length == 0))
		return -EINVAL;
	memcpy(&part.iov_base, &data, sizeof(data)); /* iovec has no const */

	if (n_fds > 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
	}

	do
		n = sendmsg(fd, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int sock_receive_fd(int fd)
{
	union {
		struct cmsghdr header; /* for its alignment */
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte;
	struct iovec part = { &byte, sizeof(byte) };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	const struct cmsghdr *header;
	int received;

	if (recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS ||
	    header->cmsg_len != CMSG_LEN(sizeof(int)))
		return -EBADMSG;
	memcpy(&received, CMSG_DATA(header), sizeof(received));
	return received;
}

int sock_look(const char *path, SockState *ret)
{
	struct stat status;
	int r;

	if (stat(path, &status) < 0) {
		if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
			return -errno;
		*ret = errno == EACCES ? SOCK_FORBIDDEN : SOCK_ABSENT;
		return 0;
	}
	if (!S_ISSOCK(status.st_mode)) {
		*ret = SOCK_NOT_SOCKET;
		return 0;
	}
	/* unix(7): to connect takes write permission on the socket. */
	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0 && errno == EACCES) {
		*ret = SOCK_FORBIDDEN;
		return 0;
	}

	r = unix_diag_is_listening(path, &status);
	if (r < 0)
		return r;
	*ret = r > 0 ? SOCK_LISTENING : SOCK_STALE;
	return 0;
}

const char *sock_state_to_string(SockState state)
{
	static const char *const names[_SOCK_STATE_MAX] = {
		[SOCK_ABSENT] = "no such file",
		[SOCK_NOT_SOCKET] = "a file, but not a socket",
		[SOCK_STALE] = "a socket file, but nobody listens on it",
		[SOCK_LISTENING] = "somebody listens on it",
		[SOCK_FORBIDDEN] = "permission denied",
	};

	return (unsigned) state < _SOCK_STATE_MAX ? names[state] : "unknown";
}
