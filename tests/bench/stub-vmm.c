/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the place of cloud-hypervisor: writes down when it was started, answers as much of the
 * API as a start and a stop need, and holds the tap that it is given, as a VMM does. At vm.boot it
 * connects to every vhost-user socket of the configuration and has its features told. A guest whose command line has the word
 * "poweroff" powers off as soon as it is booted; any other waits for the power button, whoever supervises it meanwhile.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stamp.h"
#include "vhost-user.h"

#define REQUEST_MAX_BYTES (64 * 1024)
#define RESPONSE_MAX	  512
#define BACKENDS_MAX	  8
#define FDS_MAX		  16

typedef struct Stub {
	int listener, events, connection;
	char request[REQUEST_MAX_BYTES];
	size_t length; /* of what is in request */
	char config[REQUEST_MAX_BYTES]; /* the body of vm.create */
	bool booted;
} Stub;

static int option_fd(int argc, char **argv, const char *name)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], name) == 0 && strncmp(argv[i + 1], "fd=", 3) == 0)
			return (int) strtol(argv[i + 1] + 3, NULL, 10);
	return -1;
}

static void answer(const Stub *stub, const char *status, const char *body)
{
	char text[RESPONSE_MAX];
	int n = snprintf(text, sizeof(text),
			 "HTTP/1.1 %s\r\nServer: stub\r\nContent-Length: %zu\r\n\r\n%s", status,
			 strlen(body), body);

	(void) !write(stub->connection, text, (size_t) n);
}

static void tell(const Stub *stub, const char *event)
{
	char text[RESPONSE_MAX];
	int n = snprintf(
		text, sizeof(text),
		"{\"timestamp\":{\"secs\":0,\"nanos\":0},\"source\":\"vm\",\"event\":\"%s\","
		"\"properties\":null}\n\n",
		event);

	(void) !write(stub->events, text, (size_t) n);
}

/* Reads on; descriptors that come along stay open until the end. */
static ssize_t receive(Stub *stub)
{
	char control[CMSG_SPACE(FDS_MAX * sizeof(int))];
	struct iovec data = { stub->request + stub->length,
			      sizeof(stub->request) - 1 - stub->length };
	struct msghdr header = { .msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(stub->connection, &header, 0);

	if (n > 0) {
		stub->length += (size_t) n;
		stub->request[stub->length] = '\0';
	}
	return n;
}

/* The bytes of the first request, 0 where it is not complete. */
static size_t request_length(const Stub *stub)
{
	const char *end = strstr(stub->request, "\r\n\r\n");
	const char *length = strstr(stub->request, "Content-Length:");
	size_t total;

	if (!end)
		return 0;
	total = (size_t) (end + 4 - stub->request);
	if (length && length < end)
		total += strtoul(length + strlen("Content-Length:"), NULL, 10);
	return total <= stub->length ? total : 0;
}

/* The sockets of disks and shares, as mvmd writes them: compact, and nothing in them is escaped. */
static size_t find_sockets(char *config, char *ret[BACKENDS_MAX])
{
	static const char *const keys[] = { "\"vhost_socket\":\"", "\"socket\":\"" };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		for (char *at = config; n < BACKENDS_MAX && (at = strstr(at, keys[i]));) {
			at += strlen(keys[i]);
			ret[n++] = at;
		}
	for (size_t i = 0; i < n; i++)
		ret[i][strcspn(ret[i], "\"")] = '\0';
	return n;
}

/* All are asked before the first answer is awaited. */
static void meet_backends(Stub *stub)
{
	char *sockets[BACKENDS_MAX];
	int fds[BACKENDS_MAX];
	size_t n = find_sockets(stub->config, sockets);
	unsigned failed = 0;

	for (size_t i = 0; i < n; i++) {
		fds[i] = vhost_user_connect(sockets[i]);
		if (fds[i] < 0)
			failed++;
		else
			vhost_user_ask_features(fds[i]);
	}
	for (size_t i = 0; i < n; i++)
		if (fds[i] >= 0 && !vhost_user_read_features(fds[i]))
			failed++;
	stamp("served");
	stamp_number("failed-connects", failed);
}

static void boot(Stub *stub)
{
	bool off = strstr(stub->config, "poweroff") != NULL;

	meet_backends(stub);
	stub->booted = true;
	answer(stub, "204 No Content", "");
	tell(stub, "booted");
	if (off)
		tell(stub, "shutdown");
}

/* False: the VMM is to end. */
static bool act(Stub *stub)
{
	const char *body = strstr(stub->request, "\r\n\r\n") + 4;
	const char *target = strstr(stub->request, "/api/v1/") + strlen("/api/v1/");
	bool end = strncmp(target, "vmm.shutdown", 12) == 0;

	if (strncmp(target, "vmm.ping", 8) == 0) {
		answer(stub, "200 OK",
		       "{\"build_version\":\"v53.0\",\"version\":\"53.0.0\",\"pid\":1}");
		return true;
	}
	if (strncmp(target, "vm.info", 7) == 0) {
		answer(stub, "200 OK",
		       "{\"config\":{},\"state\":\"Running\",\"memory_actual_size\":0}");
		return true;
	}
	if (strncmp(target, "vm.boot", 7) == 0) {
		boot(stub);
		return true;
	}
	if (strncmp(target, "vm.create", 9) == 0)
		(void) snprintf(stub->config, sizeof(stub->config), "%s", body);
	if (strncmp(target, "vm.power-button", 15) == 0)
		tell(stub, "shutdown");
	answer(stub, "204 No Content", "");
	return !end;
}

/* One connection to its end. False: the VMM is to end. */
static bool serve(Stub *stub)
{
	bool on = true;

	stub->connection = accept(stub->listener, NULL, NULL);
	stub->length = 0;
	while (on && receive(stub) > 0) {
		size_t n;

		while (on && (n = request_length(stub)) > 0) {
			char after = stub->request[n];

			stub->request[n] = '\0';
			on = act(stub);
			stub->request[n] = after;
			stub->length -= n;
			memmove(stub->request, stub->request + n, stub->length + 1);
		}
	}
	(void) close(stub->connection);
	return on;
}

#ifdef __x86_64__
extern const struct timespec entry_monotonic, entry_realtime; /* vmm-entry.S */

static void stamp_entry(void)
{
	stamp_number("vmm", timespec_nsec(&entry_monotonic));
	stamp_number("vmm-realtime", timespec_nsec(&entry_realtime));
}
#else
static void stamp_entry(void)
{
	unsigned long long realtime = realtime_nsec();

	stamp("vmm");
	stamp_number("vmm-realtime", realtime);
}
#endif

int main(int argc, char **argv)
{
	static Stub stub;

	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		(void) printf("cloud-hypervisor v53.0\n");
		return 0;
	}
	stamp_open_beside(argv[0]);
	stamp_entry();
	stub.listener = option_fd(argc, argv, "--api-socket");
	stub.events = option_fd(argc, argv, "--event-monitor");
	while (stub.listener >= 0 && serve(&stub) && stub.booted)
		;
	return 0;
}
