/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that nobody reads never hold us up, and what is typed to a slow guest is not lost. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "run/console.h"
#include "run/output.h"

/* A write that blocks ends the program by SIGALRM: a failure. */
#define TEST_TIMEOUT_SEC 120
#define CHUNK_BYTES	 1000
#define CHUNKS		 600 /* more than a terminal and our buffer hold together */
#define PASTE_BYTES	 (1024 * 1024)

static sd_event *event;

static int setup(void **context)
{
	(void) alarm(TEST_TIMEOUT_SEC);
	return sd_event_new(&event) < 0 ? -1 : 0;
}

static int teardown(void **context)
{
	event = sd_event_unref(event);
	return 0;
}

static void write_much(int fd)
{
	Output *output = NULL;
	char chunk[CHUNK_BYTES];

	memset(chunk, 'x', sizeof(chunk));
	assert_int_equal(output_new(event, fd, NULL, NULL, &output), 0);
	for (int i = 0; i < CHUNKS; i++)
		output_write(output, chunk, sizeof(chunk));
	assert_false(output_is_empty(output));
	assert_null(output_free(output));
	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK); /* it is a shell's too */
}

static void test_terminal_that_nobody_reads(void **context)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;

	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	write_much(slave);
	(void) close(slave);
	(void) close(master);
}

static void test_pipe_that_nobody_reads(void **context)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	write_much(fds[1]);
	(void) close(fds[0]);
	(void) close(fds[1]);
}

/* Sends as much of a paste as the socket takes. */
static size_t paste(int fd, size_t from)
{
	static char bytes[PASTE_BYTES];
	ssize_t n;

	memset(bytes, 'p', sizeof(bytes));
	n = send(fd, bytes, sizeof(bytes) - from, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		assert_int_equal(errno, EAGAIN);
	return n > 0 ? (size_t) n : 0;
}

/* Reads what the guest got; all of it must be the paste's. */
static size_t take_paste(int guest)
{
	char bytes[CHUNK_BYTES];
	ssize_t n = read(guest, bytes, sizeof(bytes));

	for (ssize_t i = 0; i < n; i++)
		assert_int_equal(bytes[i], 'p');
	return n > 0 ? (size_t) n : 0;
}

static void test_paste_to_a_slow_guest(void **context)
{
	size_t sent = 0, got = 0;
	Console *console = NULL;
	int guest, ends[2];

	assert_int_equal(console_new_pty(event, &console, NULL), 0);
	guest = fcntl(console_child_fd(console), F_DUPFD_CLOEXEC, 3);
	assert_int_equal(fcntl(guest, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(console_attach(console, ends[0]), 0);

	/* The terminal sends all that it can before the guest reads at all. */
	for (size_t n = 1; n > 0 || sd_event_run(event, 0) > 0;)
		sent += n = paste(ends[1], sent);
	assert_true(sent < PASTE_BYTES);
	while (got < PASTE_BYTES) {
		got += take_paste(guest);
		sent += sent < PASTE_BYTES ? paste(ends[1], sent) : 0;
		(void) sd_event_run(event, 0);
	}
	assert_int_equal(got, PASTE_BYTES);
	assert_int_equal(take_paste(guest), 0);

	assert_null(console_free(console));
	(void) close(ends[1]);
	(void) close(guest);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_terminal_that_nobody_reads),
		TEST(test_pipe_that_nobody_reads),
		TEST(test_paste_to_a_slow_guest),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
