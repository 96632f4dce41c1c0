/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taps-gone COUNT PREFIX signal PID...   stops supervisors: SIGTERM to each, then SIGINT to each
 * taps-gone COUNT PREFIX group NUMBER    deletes a group of links by one request
 *
 * Prints how many nanoseconds pass until the kernel has told that COUNT links whose names begin with
 * PREFIX are gone.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stamp.h"

#define RECEIVE_BYTES (64 * 1024 * 1024) /* 1000 taps that go are 6 MB of news */
#define MESSAGE_BYTES (64 * 1024)
#define TIMEOUT_MSEC  30000

typedef struct GroupDelete {
	struct nlmsghdr header;
	struct ifinfomsg link;
	struct rtattr attribute;
	unsigned group;
} GroupDelete;

static int fail(const char *what)
{
	perror(what);
	return -1;
}

static int netlink_open(unsigned groups)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = groups };
	const int bytes = RECEIVE_BYTES;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0 ||
	    bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
		return fail("netlink");
	return fd;
}

/* A bridge tells of its ports under a family of its own: those messages are not the link's end. */
static bool is_end_of(struct nlmsghdr *message, const char *prefix)
{
	const struct ifinfomsg *link = nlmsg_data(message);
	struct nlattr *name;

	if (message->nlmsg_type != RTM_DELLINK || link->ifi_family != AF_UNSPEC)
		return false;
	name = nlmsg_find_attr(message, sizeof(*link), IFLA_IFNAME);
	return name && strncmp(nla_get_string(name), prefix, strlen(prefix)) == 0;
}

static int count_ends(int fd, const char *prefix)
{
	static _Alignas(struct nlmsghdr) char buffer[MESSAGE_BYTES];
	struct nlmsghdr *message = (void *) buffer;
	struct pollfd waiting = { .fd = fd, .events = POLLIN };
	ssize_t n;
	int ends = 0;

	if (poll(&waiting, 1, TIMEOUT_MSEC) == 0) {
		errno = ETIMEDOUT;
		return fail("the links do not go");
	}
	n = recv(fd, buffer, sizeof(buffer), 0);
	if (n < 0)
		return fail("recv");
	for (int left = (int) n; nlmsg_ok(message, left); message = nlmsg_next(message, &left))
		ends += is_end_of(message, prefix);
	return ends;
}

/* Does not wait for the acknowledgement: the notifications are awaited on the other socket. */
static int delete_group(int fd, const char *number)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const GroupDelete request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = RTM_DELLINK,
			    .nlmsg_flags = NLM_F_REQUEST },
		.attribute = { .rta_len = RTA_LENGTH(sizeof(unsigned)), .rta_type = IFLA_GROUP },
		.group = (unsigned) strtoul(number, NULL, 10),
	};

	if (sendto(fd, &request, sizeof(request), 0, (const struct sockaddr *) &kernel,
		   sizeof(kernel)) < 0)
		return fail("group delete");
	return 0;
}

static int signal_all(int n, char **pids)
{
	static const int signals[] = { SIGTERM, SIGINT };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		for (int j = 0; j < n; j++)
			if (kill((pid_t) strtol(pids[j], NULL, 10), signals[i]) < 0)
				return fail("kill");
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long long began;
	int monitor, requests;
	long left;

	if (argc < 5) {
		(void) fprintf(stderr, "usage: taps-gone COUNT PREFIX signal PID...\n"
				       "       taps-gone COUNT PREFIX group NUMBER\n");
		return EXIT_FAILURE;
	}
	monitor = netlink_open(RTMGRP_LINK);
	requests = netlink_open(0);
	if (monitor < 0 || requests < 0)
		return EXIT_FAILURE;

	began = monotonic_nsec();
	if ((strcmp(argv[3], "group") == 0 ? delete_group(requests, argv[4]) :
					     signal_all(argc - 4, argv + 4)) < 0)
		return EXIT_FAILURE;
	left = strtol(argv[1], NULL, 10);
	while (left > 0) {
		int ends = count_ends(monitor, argv[2]);

		if (ends < 0)
			return EXIT_FAILURE;
		left -= ends;
	}
	(void) printf("%llu\n", monotonic_nsec() - began);
	return EXIT_SUCCESS;
}
