/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream sink PORT                  takes what the first peer sends until it ends
 * stream source PORT MEGABYTES      sends the first peer so much, and waits until it has gone
 *
 * Both are TCP. Prints how many nanoseconds a megabyte took, from the first byte to the last. A peer that does not
 * come within two minutes is an error.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stamp.h"

#define MEGABYTE    (1024 * 1024)
#define TIMEOUT_SEC 120

static char buffer[MEGABYTE];

static int fail(const char *what)
{
	perror(what);
	return -1;
}

static int accept_one(unsigned short port)
{
	const struct timeval timeout = { .tv_sec = TIMEOUT_SEC };
	const struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, fd;

	if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    bind(listener, (const struct sockaddr *) &address, sizeof(address)) < 0 ||
	    listen(listener, 1) < 0)
		return fail("listen");
	fd = accept(listener, NULL, NULL);
	(void) close(listener);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
		return fail("accept");
	return fd;
}

/* Reads to the end. How many bytes came, or -1. */
static long long drain(int fd, unsigned long long *first_nsec)
{
	long long bytes = 0;
	ssize_t n;

	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		if (bytes == 0)
			*first_nsec = monotonic_nsec();
		bytes += n;
	}
	return n < 0 ? fail("read") : bytes;
}

static int sink(int fd)
{
	unsigned long long began = 0;
	long long bytes = drain(fd, &began);

	if (bytes < MEGABYTE) {
		(void) fprintf(stderr, "only %lld bytes came\n", bytes);
		return -1;
	}
	(void) printf("%llu\n",
		      (monotonic_nsec() - began) / (unsigned long long) (bytes / MEGABYTE));
	return 0;
}

static int source(int fd, unsigned long megabytes)
{
	unsigned long long began = monotonic_nsec(), ignored;

	for (unsigned long i = 0; i < megabytes; i++)
		for (size_t sent = 0; sent < sizeof(buffer);) {
			ssize_t n = send(fd, buffer + sent, sizeof(buffer) - sent, MSG_NOSIGNAL);

			if (n < 0)
				return fail("send");
			sent += (size_t) n;
		}
	if (shutdown(fd, SHUT_WR) < 0 || drain(fd, &ignored) < 0)
		return fail("the peer does not end");
	(void) printf("%llu\n", (monotonic_nsec() - began) / megabytes);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long megabytes = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	bool is_sink = argc == 3 && strcmp(argv[1], "sink") == 0;
	int fd, r;

	if (!is_sink && (argc != 4 || strcmp(argv[1], "source") != 0 || megabytes == 0)) {
		(void) fprintf(stderr,
			       "usage: stream sink PORT\n       stream source PORT MEGABYTES\n");
		return EXIT_FAILURE;
	}
	fd = accept_one((unsigned short) strtoul(argv[2], NULL, 10));
	if (fd < 0)
		return EXIT_FAILURE;
	r = is_sink ? sink(fd) : source(fd, megabytes);
	(void) close(fd);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
