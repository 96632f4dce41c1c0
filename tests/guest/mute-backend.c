/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mute-backend MODE SOCKET: somebody else's vhost-user backend with a fault that real ones show by chance only. It
 * serves any number of clients, and none of them ever gets an answer.
 *
 *   bind     has the socket's name and does not listen
 *   listen   listens and never accepts
 *   full     the same, and its queue is full
 *   accept   accepts and never reads
 *   read     reads what comes and never answers
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_MAX 16

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int address_of(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret->sun_path))
		return -1;
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

/* Whoever may enter the folder may connect. */
static int bind_for_all(const char *path)
{
	struct sockaddr_un address;
	int fd = address_of(path, &address);

	if (fd < 0 || bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0 ||
	    chmod(path, 0666) < 0)
		return -1;
	return fd;
}

/* Its connection stays open until the end. */
static int connect_to(const char *path)
{
	struct sockaddr_un address;
	int fd = address_of(path, &address);

	return fd < 0 ? -1 : connect(fd, (const struct sockaddr *) &address, sizeof(address));
}

/* A client that left is not forgotten, only no longer listened to. */
static void read_all(struct pollfd *fds, nfds_t n)
{
	char bytes[4096];

	for (nfds_t i = 1; i < n; i++)
		if (fds[i].revents && read(fds[i].fd, bytes, sizeof(bytes)) <= 0)
			fds[i].fd = -1;
}

static int serve(int listener, int reads)
{
	struct pollfd fds[1 + CLIENTS_MAX] = { { .fd = listener, .events = POLLIN } };
	nfds_t n = 1;

	while (n <= CLIENTS_MAX) {
		if (poll(fds, reads ? n : 1, -1) < 0)
			return fail("poll");
		if (fds[0].revents) {
			fds[n].fd = accept(listener, NULL, NULL);
			fds[n++].events = POLLIN;
		}
		if (reads)
			read_all(fds, n);
	}
	return fail("too many clients");
}

int main(int argc, char **argv)
{
	const char *mode = argc == 3 ? argv[1] : "";
	int fd = argc == 3 ? bind_for_all(argv[2]) : -1;

	if (fd < 0)
		return fail("mute-backend MODE SOCKET");
	if (strcmp(mode, "bind") != 0 &&
	    listen(fd, strcmp(mode, "full") == 0 ? 0 : CLIENTS_MAX) < 0)
		return fail("listen");
	if (strcmp(mode, "full") == 0 && connect_to(argv[2]) < 0)
		return fail("connect");
	(void) puts("ready");
	(void) fflush(stdout);
	if (strcmp(mode, "accept") == 0 || strcmp(mode, "read") == 0)
		return serve(fd, strcmp(mode, "read") == 0);
	for (;;)
		(void) pause();
}
