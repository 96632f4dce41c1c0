/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay-says COUNT SOCKET [bare]
 *
 * Says COUNT times what a guest's systemd says, each time on a connection of its own, and prints for each how many
 * nanoseconds pass from the connect until the host has closed, which is how long that systemd stands still. bare: to
 * a process of its own that does nothing but accept, read and close.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stamp.h"

#define MESSAGE                                                                                    \
	"READY=1\nSTATUS=Startup finished in 1.203s (kernel) + 4.310s (userspace) = 5.513s.\n"
#define BACKLOG	  128
#define LIMIT_SEC 60

_Noreturn static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path)) {
		(void) fprintf(stderr, "%s is too long\n", path);
		exit(EXIT_FAILURE);
	}
	(void) memcpy(address.sun_path, path, strlen(path) + 1);
	return address;
}

_Noreturn static void serve(int listener)
{
	char buffer[4096];

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			fail("accept");
		(void) !read(fd, buffer, sizeof(buffer));
		(void) close(fd);
	}
}

static pid_t start_bare(const char *path)
{
	const struct sockaddr_un address = address_of(path);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	if (listener < 0 ||
	    bind(listener, (const struct sockaddr *) &address, sizeof(address)) < 0 ||
	    listen(listener, BACKLOG) < 0)
		fail(path);
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0)
		serve(listener);
	(void) close(listener);
	return pid;
}

static unsigned long long say(const struct sockaddr_un *address)
{
	unsigned long long began = monotonic_nsec();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;

	if (fd < 0 || connect(fd, (const struct sockaddr *) address, sizeof(*address)) < 0)
		fail(address->sun_path);
	if (send(fd, MESSAGE, strlen(MESSAGE), MSG_NOSIGNAL) < 0)
		fail("send");
	(void) shutdown(fd, SHUT_WR);
	while (read(fd, &byte, 1) > 0)
		;
	(void) close(fd);
	return monotonic_nsec() - began;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address;
	pid_t pid = 0;

	if (argc < 3)
		return EXIT_FAILURE;
	(void) alarm(LIMIT_SEC);
	if (argc > 3)
		pid = start_bare(argv[2]);
	address = address_of(argv[2]);
	for (long i = strtol(argv[1], NULL, 10); i > 0; i--)
		(void) printf("%llu\n", say(&address));
	if (pid > 0) {
		(void) kill(pid, SIGKILL);
		(void) waitpid(pid, NULL, 0);
		(void) unlink(argv[2]);
	}
	return EXIT_SUCCESS;
}
