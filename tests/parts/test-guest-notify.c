/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who hears the guest, against guests that behave and others. cloud-hypervisor connects to the socket for each
 * connection of its guest to the host's port (docs/vsock.md): the test does so itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/sock.h"
#include "mvmd/exit-codes.h"
#include "run/guest-notify.h"

#define TURN_USEC  (100 * USEC_PER_MSEC)
#define LIMIT_USEC (30 * USEC_PER_SEC)

typedef struct Host {
	char directory[64], socket[96];
	Spec spec;
	Facts facts;
	Plan plan;
	sd_event *event;
	GuestNotify *notify;
	unsigned n_messages;
	char last[GUEST_MESSAGE_MAX_BYTES + 1];
	size_t last_length;
} Host;

static void on_message(const char *message, size_t length, void *userdata)
{
	Host *host = userdata;

	assert_true(length > 0 && length <= GUEST_MESSAGE_MAX_BYTES);
	host->n_messages++;
	host->last_length = length;
	memcpy(host->last, message, length);
	host->last[length] = '\0';
}

static char spec_file[] = "/etc/mvmd/test.json";

static int host_setup(void **state)
{
	Host *host = calloc(1, sizeof(*host));
	GuestNotifyHandler handler = { on_message, host };
	Fault fault = { 0 };

	assert_non_null(host);
	(void) snprintf(host->directory, sizeof(host->directory), "/tmp/mvmd-test-XXXXXX");
	assert_non_null(mkdtemp(host->directory));
	(void) snprintf(host->socket, sizeof(host->socket), "%s/v_8888", host->directory);
	host->spec = (Spec){ .file = spec_file };
	host->facts.vm.uid = geteuid();
	host->plan = (Plan){ .spec = &host->spec,
			     .facts = &host->facts,
			     .notify = { .port = NOTIFY_PORT, .socket = host->socket } };
	assert_true(sd_event_new(&host->event) >= 0);
	assert_int_equal(
		guest_notify_new(host->event, &host->plan, &handler, &host->notify, &fault), 0);
	*state = host;
	return 0;
}

static int host_teardown(void **state)
{
	Host *host = *state;

	(void) guest_notify_free(host->notify);
	(void) sd_event_unref(host->event);
	(void) unlink(host->socket);
	assert_int_equal(rmdir(host->directory), 0);
	free(host);
	return 0;
}

static int dial(const Host *host)
{
	int fd = -EBADF;

	assert_int_equal(sock_connect(host->socket, &fd), 0);
	return fd;
}

/* Lets the loop turn until it has nothing to do. */
static void turn(Host *host)
{
	while (sd_event_run(host->event, 0) > 0)
		;
}

/* Whether the other end is closed: at once, where nothing is left to be read. */
static bool is_closed(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}

static void await_closed(Host *host, int fd)
{
	uint64_t until = now_usec() + LIMIT_USEC;

	while (!is_closed(fd)) {
		assert_true(now_usec() < until);
		assert_true(sd_event_run(host->event, TURN_USEC) >= 0);
	}
}

static void say(int fd, const char *message, size_t length)
{
	assert_int_equal(send(fd, message, length, MSG_NOSIGNAL), (ssize_t) length);
}

/* The guest's systemd waits for the close: it comes although the guest has not closed its half. */
static void test_one_message(void **state)
{
	Host *host = *state;
	int fd = dial(host);

	say(fd, "READY=1", 7);
	turn(host);
	assert_int_equal(host->n_messages, 1);
	assert_string_equal(host->last, "READY=1");
	assert_true(is_closed(fd));
	(void) close_fd(fd);
}

/* The message was sent, and whoever sent it is gone, before the connection was even accepted. */
static void test_gone_already(void **state)
{
	Host *host = *state;
	int fd = dial(host);

	say(fd, "STATUS=bye\n", 11);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	(void) close_fd(fd);
	turn(host);
	assert_int_equal(host->n_messages, 1);
	assert_string_equal(host->last, "STATUS=bye\n");
}

/* cloud-hypervisor connects first, and brings the bytes when it has them. */
static void test_later(void **state)
{
	Host *host = *state;
	int fd = dial(host);

	turn(host);
	assert_false(is_closed(fd));
	say(fd, "READY=1\n", 8);
	turn(host);
	assert_int_equal(host->n_messages, 1);
	assert_true(is_closed(fd));
	(void) close_fd(fd);
}

static void test_silent_ones(void **state)
{
	Host *host = *state;
	int leaves = dial(host), halves = dial(host), stays = dial(host);

	turn(host);
	(void) close_fd(leaves);
	assert_int_equal(shutdown(halves, SHUT_WR), 0);
	turn(host);
	assert_true(is_closed(halves));
	await_closed(host, stays);
	assert_int_equal(host->n_messages, 0);
	(void) close_fd(halves);
	(void) close_fd(stays);
}

/* Many that say nothing keep nobody from being heard; the oldest of them make room. */
static void test_many_silent_ones(void **state)
{
	Host *host = *state;
	int fds[100], fd;

	for (size_t i = 0; i < ELEMENTSOF(fds); i++) {
		fds[i] = dial(host);
		turn(host);
	}
	assert_true(is_closed(fds[0]));
	assert_false(is_closed(fds[ELEMENTSOF(fds) - 1]));
	fd = dial(host);
	say(fd, "READY=1", 7);
	turn(host);
	assert_int_equal(host->n_messages, 1);
	(void) close_fd(fd);
	for (size_t i = 0; i < ELEMENTSOF(fds); i++)
		(void) close_fd(fds[i]);
}

static void test_too_long(void **state)
{
	Host *host = *state;
	char text[3 * GUEST_MESSAGE_MAX_BYTES];
	int fd = dial(host);

	memset(text, 'x', sizeof(text));
	say(fd, text, sizeof(text));
	turn(host);
	assert_int_equal(host->n_messages, 1);
	assert_int_equal(host->last_length, GUEST_MESSAGE_MAX_BYTES);
	assert_true(send(fd, "y", 1, MSG_NOSIGNAL) < 0);
	(void) close_fd(fd);
}

/* A flood is heard at its pace and to its end, and another source of the loop has its turn meanwhile. */
static void test_flood(void **state)
{
	Host *host = *state;
	uint64_t until = now_usec() + 2 * LIMIT_USEC;
	unsigned sent = 0;

	while (host->n_messages < 3000) {
		int fd = -EBADF;

		assert_true(now_usec() < until);
		while (sent < 3000 && sock_connect(host->socket, &fd) == 0) {
			say(fd, "STATUS=x", 8);
			(void) close_fd(fd);
			sent++;
		}
		assert_true(sd_event_run(host->event, TURN_USEC) >= 0);
	}
	assert_int_equal(sent, 3000);
}

/* A host without vsock says so; on one with it the port is somebody else's. */
static void test_vsock_refused(void **state)
{
	Host *host = *state;
	GuestNotifyHandler handler = { on_message, host };
	struct sockaddr_vm address = { .svm_family = AF_VSOCK,
				       .svm_cid = VMADDR_CID_ANY,
				       .svm_port = notify_port_of_cid(1001) };
	int taken = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	GuestNotify *notify = NULL;
	Fault fault = { 0 };

	if (taken >= 0) {
		assert_int_equal(bind(taken, (const struct sockaddr *) &address, sizeof(address)),
				 0);
		assert_int_equal(listen(taken, 1), 0);
	}
	host->plan.cid = 1001;
	host->plan.notify = (PlanNotify){ .port = notify_port_of_cid(1001) };
	assert_true(guest_notify_new(host->event, &host->plan, &handler, &notify, &fault) < 0);
	assert_string_equal(fault.id, "vsock-listener");
	assert_int_equal(fault.exit_code, taken >= 0 ? MVMD_EXIT_BUSY : MVMD_EXIT_UNAVAILABLE);
	assert_null(notify);
	fault_done(&fault);
	(void) close_fd(taken);
}

#define HOST_TEST(function) cmocka_unit_test_setup_teardown(function, host_setup, host_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOST_TEST(test_one_message),
		HOST_TEST(test_gone_already),
		HOST_TEST(test_later),
		HOST_TEST(test_silent_ones),
		HOST_TEST(test_many_silent_ones),
		HOST_TEST(test_too_long),
		HOST_TEST(test_flood),
		HOST_TEST(test_vsock_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
