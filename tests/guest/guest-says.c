/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest-says SOCKET MESSAGE
 *
 * Says it as cloud-hypervisor does for a guest's systemd that connects to the host's port of that socket: a connection,
 * the message, the end of its half, and then a wait until the host has closed. Each "\n" in MESSAGE is a newline.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void make_newlines(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++, to++) {
		*to = *from;
		if (from[0] == '\\' && from[1] == 'n') {
			*to = '\n';
			from++;
		}
	}
	*to = '\0';
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;

	if (argc != 3 || strlen(argv[1]) >= sizeof(address.sun_path))
		errx(64, "usage: guest-says SOCKET MESSAGE");
	(void) memcpy(address.sun_path, argv[1], strlen(argv[1]) + 1);
	make_newlines(argv[2]);
	if (fd < 0 || connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
		err(1, "connect to %s", argv[1]);
	if (send(fd, argv[2], strlen(argv[2]), MSG_NOSIGNAL) < 0)
		err(1, "send");
	(void) shutdown(fd, SHUT_WR);
	while (read(fd, &byte, 1) > 0)
		;
	return 0;
}
