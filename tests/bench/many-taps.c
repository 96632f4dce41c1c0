/* SPDX-License-Identifier: Apache-2.0 */
/*
 * many-taps ours|bare COUNT BRIDGE...    makes COUNT taps on the bridges in turn, and lets them go
 * many-taps holders COUNT BRIDGE...      the same, each in a process of its own, until these are killed
 *
 * "ours" is what mvmd does for each interface, "bare" what the kernel needs: a tap, and one message that puts it on
 * its bridge, both with a netlink socket for each, as each VM has one. These print three lines: how many nanoseconds
 * one took in the mean, of the first ten ("early"), of the last ten ("late") and of all ("each"). "holders" prints
 * the processes' pids in one line when all taps are there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/tap.h"
#include "stamp.h"

#define COUNT_MAX     1023
#define ENDS	      10
#define GROUP	      77
#define MESSAGE_BYTES 512
#define TUN_DEVICE    "/dev/net/tun"

typedef struct Making {
	unsigned short number; /* short: what a name has room for */
	const char *bridge;
	LinkInfo bridge_link;
} Making;

static int fail(const char *what)
{
	perror(what);
	return -1;
}

static int make_ours(const Making *making)
{
	char alias[64], id[] = "net0", bridge[IFNAMSIZ];
	const SpecInterface spec = { .id = id, .bridge = bridge };
	PlanNic nic = { .spec = &spec,
			.attach = ATTACH_BRIDGE,
			.alias = alias,
			.mac = mac_derive("many", "net0"),
			.queues = 1 };
	_cleanup_(fault_done) Fault fault = { 0 };
	_cleanup_(nl_connection_free_p) Nl *nl = NULL;
	Tap tap = { 0 };

	(void) snprintf(nic.tap, sizeof(nic.tap), "vm-many%hu", making->number);
	(void) snprintf(alias, sizeof(alias), "mvmd:many%hu/net0", making->number);
	(void) snprintf(bridge, sizeof(bridge), "%s", making->bridge);
	nic.tap_mac = mac_of_tap(nic.mac);
	if (nl_connection_new(NETLINK_ROUTE, &nl) < 0 || tap_create(nl, &nic, &tap, &fault) < 0 ||
	    tap_attach(nl, &nic, &tap, &making->bridge_link, &fault) < 0) {
		(void) fprintf(stderr, "%s\n", fault.what ?: "no netlink socket");
		return -1;
	}
	return tap.fds[0]; /* it ends with this process */
}

typedef struct Request {
	struct nlmsghdr header;
	struct ifinfomsg link;
	char attributes[MESSAGE_BYTES];
} Request;

static Request new_request(unsigned short type)
{
	return (Request){ .header = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
				      .nlmsg_type = type,
				      .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK } };
}

static void add_number(Request *request, unsigned short type, unsigned value)
{
	struct rtattr *attribute = (void *) ((char *) request + request->header.nlmsg_len);

	attribute->rta_type = type;
	attribute->rta_len = RTA_LENGTH(sizeof(value));
	memcpy(RTA_DATA(attribute), &value, sizeof(value));
	request->header.nlmsg_len += RTA_ALIGN(attribute->rta_len);
}

static int send_request(const Request *request)
{
	char buffer[MESSAGE_BYTES];
	const struct nlmsgerr *answer = NLMSG_DATA((struct nlmsghdr *) (void *) buffer);
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || send(fd, request, request->header.nlmsg_len, 0) < 0 ||
	    recv(fd, buffer, sizeof(buffer), 0) < (ssize_t) NLMSG_LENGTH(sizeof(*answer)))
		return fail("netlink");
	errno = -answer->error;
	return errno ? fail("rtnetlink") : 0;
}

static int join_bare(const char *tap, const Making *making)
{
	Request request = new_request(RTM_NEWLINK);

	request.link.ifi_index = (int) if_nametoindex(tap);
	request.link.ifi_flags = request.link.ifi_change = IFF_UP;
	add_number(&request, IFLA_MASTER, (unsigned) making->bridge_link.ifindex);
	return send_request(&request);
}

/* One after the other, as an exit closes their descriptors, they would go in 20 ms each. */
static int let_all_go(unsigned count)
{
	Request gone = new_request(RTM_DELLINK);

	for (unsigned i = 0; i < count; i++) {
		Request grouped = new_request(RTM_NEWLINK);
		char name[IFNAMSIZ];

		(void) snprintf(name, sizeof(name), "vm-many%hu", (unsigned short) (i + 1));
		grouped.link.ifi_index = (int) if_nametoindex(name);
		add_number(&grouped, IFLA_GROUP, GROUP);
		if (send_request(&grouped) < 0)
			return -1;
	}
	add_number(&gone, IFLA_GROUP, GROUP);
	return send_request(&gone);
}

static int make_bare(const Making *making)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open(TUN_DEVICE, O_RDWR | O_CLOEXEC);

	(void) snprintf(request.ifr_name, sizeof(request.ifr_name), "vm-many%hu", making->number);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		return fail(TUN_DEVICE);
	return join_bare(request.ifr_name, making) < 0 ? -1 : fd;
}

/* The bridges are looked at beforehand: mvmd's probe has done that, too. */
static int find_bridges(int n, char **names, LinkInfo *ret)
{
	_cleanup_(nl_connection_free_p) Nl *nl = NULL;

	if (nl_connection_new(NETLINK_ROUTE, &nl) < 0)
		return fail("netlink");
	for (int i = 0; i < n; i++)
		if (link_get(nl, names[i], &ret[i]) < 0) {
			(void) fprintf(stderr, "%s: %s\n", names[i], nl_error_text(nl));
			return -1;
		}
	return 0;
}

static void print_means(const unsigned long long *nsec, unsigned count)
{
	unsigned ends = count < ENDS ? count : ENDS;
	unsigned long long early = 0, late = 0, all = 0;

	for (unsigned i = 0; i < count; i++) {
		early += i < ends ? nsec[i] : 0;
		late += i >= count - ends ? nsec[i] : 0;
		all += nsec[i];
	}
	(void) printf("early %llu\nlate %llu\neach %llu\n", early / ends, late / ends, all / count);
}

static int make_all(int (*make)(const Making *), unsigned count, Making *makings)
{
	static unsigned long long nsec[COUNT_MAX];

	for (unsigned i = 0; i < count; i++) {
		unsigned long long began = monotonic_nsec();

		if (make(&makings[i]) < 0)
			return -1;
		nsec[i] = monotonic_nsec() - began;
	}
	print_means(nsec, count);
	return let_all_go(count);
}

/* The child tells by one byte that its tap is there, and ends by a signal only. */
static pid_t hold(const Making *making, int done)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (make_ours(making) < 0 || write(done, "", 1) != 1)
		_exit(EXIT_FAILURE);
	(void) close(done);
	for (;;)
		(void) pause();
}

static int hold_all(unsigned count, const Making *makings)
{
	static pid_t pids[COUNT_MAX];
	int done[2];
	char byte;

	if (pipe2(done, O_CLOEXEC) < 0)
		return fail("pipe");
	for (unsigned i = 0; i < count; i++) {
		pids[i] = hold(&makings[i], done[1]);
		if (pids[i] < 0)
			return fail("fork");
	}
	(void) close(done[1]);
	for (unsigned i = 0; i < count; i++)
		if (read(done[0], &byte, 1) != 1)
			return fail("a process could not make its tap");
	for (unsigned i = 0; i < count; i++)
		(void) printf("%d%c", (int) pids[i], i + 1 < count ? ' ' : '\n');
	(void) fflush(stdout);
	while (wait(NULL) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	static Making makings[COUNT_MAX];
	static LinkInfo bridges[COUNT_MAX];
	const struct rlimit files = { COUNT_MAX * 4, COUNT_MAX * 4 };
	unsigned count = argc > 3 ? (unsigned) strtoul(argv[2], NULL, 10) : 0;
	int n_bridges = argc - 3, r;

	if (count < 1 || count > COUNT_MAX || n_bridges > COUNT_MAX) {
		(void) fprintf(stderr, "usage: many-taps ours|bare|holders COUNT BRIDGE...\n");
		return EXIT_FAILURE;
	}
	if (setrlimit(RLIMIT_NOFILE, &files) < 0 || find_bridges(n_bridges, argv + 3, bridges) < 0)
		return EXIT_FAILURE;
	for (unsigned i = 0; i < count; i++) {
		makings[i].number = (unsigned short) (i + 1);
		makings[i].bridge = argv[3 + i % (unsigned) n_bridges];
		makings[i].bridge_link = bridges[i % (unsigned) n_bridges];
	}
	if (strcmp(argv[1], "holders") == 0)
		r = hold_all(count, makings);
	else
		r = make_all(strcmp(argv[1], "ours") == 0 ? make_ours : make_bare, count, makings);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
