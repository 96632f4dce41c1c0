/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vhost-user.h"

/* QEMU's docs/interop/vhost-user.rst: a header of request, flags (its version is 1), size. */
#define VHOST_USER_GET_FEATURES 1
#define VHOST_USER_VERSION	1

typedef struct Header {
	uint32_t request, flags, size;
} Header;

int vhost_user_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path));
	if (connect(fd, (const struct sockaddr *) &address, sizeof(address)) == 0)
		return fd;
	(void) close(fd);
	return -1;
}

void vhost_user_ask_features(int fd)
{
	const Header question = { VHOST_USER_GET_FEATURES, VHOST_USER_VERSION, 0 };

	(void) !write(fd, &question, sizeof(question));
}

bool vhost_user_read_features(int fd)
{
	struct {
		Header header;
		uint32_t features[2];
	} answer;

	return recv(fd, &answer, sizeof(answer), MSG_WAITALL) == (ssize_t) sizeof(answer) &&
	       answer.header.request == VHOST_USER_GET_FEATURES;
}
