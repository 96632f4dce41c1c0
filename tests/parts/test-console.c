/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/sock.h"
#include "run/console.h"
#include "run/output.h"

/* Nothing here takes longer on any machine; reaching it is a failure, not a measurement. */
#define TEST_TIMEOUT_MSEC 60000

static sd_event *event;

static int setup(void **context)
{
	return sd_event_new(&event) < 0 ? -1 : 0;
}

static int teardown(void **context)
{
	event = sd_event_unref(event);
	return 0;
}

/* Turns the loop while there is something to do at once. */
static void turn(void)
{
	while (sd_event_run(event, 0) > 0)
		;
}

/* A pty hands bytes over by a work queue of the kernel's: turns the loop until the console has them. */
static void wait_for_bytes(const Console *console, uint64_t n)
{
	for (int i = 0; i < TEST_TIMEOUT_MSEC && console_bytes(console) < n; i++)
		(void) sd_event_run(event, USEC_PER_MSEC);
	assert_true(console_bytes(console) >= n);
}

/* Turns the loop until fd has something to read, and reads it as text. */
static ssize_t read_text(int fd, char *text, size_t size)
{
	ssize_t n;

	for (int i = 0; i < TEST_TIMEOUT_MSEC; i++) {
		struct pollfd in = { .fd = fd, .events = POLLIN };

		turn();
		if (poll(&in, 1, 1) <= 0)
			continue;
		n = read(fd, text, size - 1);
		text[n < 0 ? 0 : n] = '\0';
		return n;
	}
	fail_msg("nothing came");
	return -1;
}

static Console *new_pty(int *ret_guest)
{
	Console *console = NULL;

	assert_int_equal(console_new_pty(event, &console, NULL), 0);
	*ret_guest = fcntl(console_child_fd(console), F_DUPFD_CLOEXEC, 3);
	/* cloud-hypervisor does the same to its stdin, and so to the one open description. */
	assert_int_equal(fcntl(*ret_guest, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	console_release_child_fd(console);
	assert_int_equal(console_child_fd(console), -EBADF);
	return console;
}

/* A reader, as the control socket brings it: one end is the console's, the other is returned. */
static int attach(Console *console)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends),
			 0);
	assert_int_equal(console_attach(console, ends[0]), 0);
	return ends[1];
}

static void say(int guest, const char *text)
{
	assert_int_equal(write(guest, text, strlen(text)), strlen(text));
}

static void test_readers_see_and_the_guest_hears(void **context)
{
	int guest, first, second;
	Console *console = new_pty(&guest);
	char text[64];

	first = attach(console);
	second = attach(console);
	say(guest, "login: ");
	assert_true(read_text(first, text, sizeof(text)) > 0);
	assert_string_equal(text, "login: ");
	assert_true(read_text(second, text, sizeof(text)) > 0);
	assert_string_equal(text, "login: ");

	assert_int_equal(write(second, "root\r", 5), 5);
	assert_true(read_text(guest, text, sizeof(text)) > 0);
	assert_string_equal(text, "root\r"); /* raw: neither echo nor newline translation */
	assert_int_equal(console_bytes(console), strlen("login: "));

	(void) close(first);
	(void) close(second);
	(void) close(guest);
	(void) console_free(console);
}

static void test_a_late_reader_sees_the_last_screen(void **context)
{
	char line[32], text[4096], *at = text;
	int guest, reader;
	Console *console = new_pty(&guest);
	uint64_t written = 0;

	for (int i = 1; i <= CONSOLE_SCREEN_LINES + 10; i++) {
		(void) snprintf(line, sizeof(line), "line %d\n", i);
		say(guest, line);
		written += strlen(line);
	}
	say(guest, "prompt> ");
	wait_for_bytes(console, written + strlen("prompt> "));
	reader = attach(console);
	assert_true(read_text(reader, text, sizeof(text)) > 0);
	/* The prompt is one line, so one less of the full ones. */
	(void) snprintf(line, sizeof(line), "line %d\n", 10 + 2);
	assert_memory_equal(text, line, strlen(line));
	for (int lines = 0; (at = strchr(at, '\n')); at++)
		assert_true(++lines < CONSOLE_SCREEN_LINES);
	assert_non_null(strstr(text, "prompt> "));

	(void) close(reader);
	(void) close(guest);
	(void) console_free(console);
}

static void test_a_reader_that_leaves_disturbs_nobody(void **context)
{
	int guest, leaves, stays;
	Console *console = new_pty(&guest);
	char text[64];

	leaves = attach(console);
	stays = attach(console);
	(void) close(leaves);
	say(guest, "still here");
	assert_true(read_text(stays, text, sizeof(text)) > 0);
	assert_string_equal(text, "still here");

	(void) close(stays);
	(void) close(guest);
	(void) console_free(console);
}

/* Somebody who does not read loses the oldest bytes, is told how many, and holds nobody up. */
static void test_a_slow_reader_is_told_what_it_lost(void **context)
{
	static char chunk[4096], text[OUTPUT_BUFFER_MAX_BYTES];
	size_t written = 0, got = 0;
	int guest, reader;
	Console *console = new_pty(&guest);
	bool told = false;

	memset(chunk, 'x', sizeof(chunk));
	reader = attach(console);
	while (written < OUTPUT_BUFFER_MAX_BYTES * 4) {
		ssize_t n = write(guest, chunk, sizeof(chunk));

		if (n > 0)
			written += (size_t) n;
		else
			assert_int_equal(errno, EAGAIN); /* lost, as a serial line loses it */
		(void) sd_event_run(event, USEC_PER_MSEC);
	}
	while (!told) {
		ssize_t n = read_text(reader, text, sizeof(text));

		got += (size_t) n;
		told = strstr(text, "bytes lost]") != NULL;
	}
	assert_true(got < written);

	(void) close(reader);
	(void) close(guest);
	(void) console_free(console);
}

static void test_a_listener_console(void **context)
{
	_cleanup_free_ char *path = str_printf("/tmp/mvmd-test-console-%d.sock", getpid());
	Console *console = NULL;
	int vmm, reader;
	char text[64];

	assert_int_equal(console_new_listener(event, path, &console, NULL), 0);
	/* What QEMU does with its listener. */
	vmm = accept4(console_child_fd(console), NULL, NULL, SOCK_CLOEXEC);
	assert_true(vmm >= 0);
	reader = attach(console);
	say(vmm, "hello");
	assert_true(read_text(reader, text, sizeof(text)) > 0);
	assert_string_equal(text, "hello");
	assert_int_equal(write(reader, "x", 1), 1);
	assert_true(read_text(vmm, text, sizeof(text)) > 0);
	assert_string_equal(text, "x");

	(void) close(vmm);
	(void) close(reader);
	(void) console_free(console);
	assert_int_equal(unlink(path), 0);
}

static void test_output_to_a_file(void **context)
{
	char path[] = "/tmp/mvmd-test-output-XXXXXX", text[64];
	int file = mkostemp(path, O_CLOEXEC), guest;
	Console *console = new_pty(&guest);

	assert_true(file >= 0);
	assert_int_equal(console_add_output(console, file), 0);
	say(guest, "into a file");
	wait_for_bytes(console, strlen("into a file"));
	assert_int_equal(pread(file, text, sizeof(text), 0), strlen("into a file"));

	(void) close(guest);
	(void) console_free(console);
	assert_true(fcntl(file, F_GETFD) >= 0); /* stdout is not the console's to close */
	(void) close(file);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_readers_see_and_the_guest_hears, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_late_reader_sees_the_last_screen, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_reader_that_leaves_disturbs_nobody, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_slow_reader_is_told_what_it_lost, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_listener_console, setup, teardown),
		cmocka_unit_test_setup_teardown(test_output_to_a_file, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
