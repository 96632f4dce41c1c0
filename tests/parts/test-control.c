/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket against clients of every kind. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/sock.h"
#include "mvmd/exit-codes.h"
#include "run/control.h"

#define TEST_TIMEOUT_SEC 120
#define STRANGER_UID	 12345
#define MANY		 100 /* more than are served at once */
#define PART_BYTES	 4096
#define PARTS		 2560 /* 10 MiB */

static char directory[] = "/tmp/mvmd-test-control-XXXXXX";
static char path[64];
static sd_event *event;
static Control *control;
static unsigned stops, forces;
static int caller = -EBADF; /* who asked for a reload */

static json_t *get_status(void *userdata)
{
	return json_pack("{s:i}", "version", 1);
}

static uint64_t on_stop(bool force, void *userdata)
{
	stops++;
	forces += force;
	return 7;
}

static bool console_is_ready(void *userdata)
{
	return false;
}

static int reload(int fd, void *userdata, Fault *fault)
{
	if (caller >= 0)
		return fault_set(fault, -EBUSY, MVMD_EXIT_BUSY, "reload-refused", "not twice");
	caller = fd;
	return 0;
}

static int setup(void **context)
{
	static const ControlHandler handler = { .get_status = get_status,
						.stop = on_stop,
						.console_is_ready = console_is_ready,
						.reload = reload };
	static const Spec spec = { 0 };
	Fault fault = { 0 };

	(void) alarm(TEST_TIMEOUT_SEC);
	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	if (!mkdtemp(directory) || chmod(directory, 0755) < 0)
		return -1;
	(void) snprintf(path, sizeof(path), "%s/control", directory);
	stops = forces = 0;
	return sd_event_new(&event) < 0 ||
			       control_new(event, path, &spec, &handler, &control, &fault) < 0 ?
		       -1 :
		       0;
}

static int teardown(void **context)
{
	control = control_free(control);
	event = sd_event_unref(event);
	(void) unlink(path);
	return rmdir(directory);
}

static void turn(void)
{
	while (sd_event_run(event, 0) > 0)
		;
}

static int connect_now(void)
{
	int fd = -EBADF;

	assert_int_equal(sock_connect(path, &fd), 0);
	turn();
	return fd;
}

static bool has_ended(int fd)
{
	struct pollfd end = { .fd = fd, .events = POLLIN };
	char byte;

	turn();
	return poll(&end, 1, 0) > 0 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

/* The answer to text (with its NUL), as text. */
static void call(int fd, const char *text, size_t n, char answer[PART_BYTES])
{
	ssize_t got;

	assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), n);
	turn();
	got = recv(fd, answer, PART_BYTES - 1, MSG_DONTWAIT);
	assert_true(got > 0);
	answer[got] = '\0';
}

#define CALL(fd, text, answer) call((fd), (text), sizeof(text), (answer))

static void test_calls(void **context)
{
	char answer[PART_BYTES];
	int fd = connect_now();

	CALL(fd, "{\"method\":\"io.mvmd.vm.GetStatus\"}", answer);
	assert_string_equal(answer, "{\"parameters\":{\"version\":1}}");
	CALL(fd, "{\"method\":\"io.mvmd.vm.Stop\",\"parameters\":{\"force\":true}}", answer);
	assert_string_equal(answer, "{\"parameters\":{\"timeout_usec\":7}}");
	assert_int_equal(forces, 1);
	CALL(fd, "{\"method\":\"io.mvmd.vm.Console\"}", answer);
	assert_non_null(strstr(answer, "io.mvmd.vm.NoConsole"));
	CALL(fd, "{\"method\":\"io.mvmd.vm.Pause\"}", answer);
	assert_non_null(strstr(answer, "org.varlink.service.MethodNotFound"));
	(void) close(fd);
	turn();
}

/* Whoever has the descriptor answers, and if that is another program. */
static void test_a_reload_is_answered_by_its_descriptor(void **context)
{
	static const char text[] = "{\"method\":\"io.mvmd.vm.Reload\"}";
	int first = connect_now(), second = connect_now();
	char answer[PART_BYTES];

	assert_int_equal(send(first, text, sizeof(text), MSG_NOSIGNAL), sizeof(text));
	while (caller < 0)
		turn();
	CALL(second, text, answer);
	assert_non_null(strstr(answer, "io.mvmd.vm.ReloadFailed"));
	assert_non_null(strstr(answer, "reload-refused"));
	assert_int_equal(recv(first, answer, sizeof(answer), MSG_DONTWAIT), -1);
	control_answer(caller, NULL);
	caller = -EBADF;
	assert_true(recv(first, answer, sizeof(answer), 0) > 0);
	assert_string_equal(answer, "{\"parameters\":{}}");
	(void) close(first);
	(void) close(second);
	turn();
}

/* Each of them costs the client its connection and nobody else anything. */
static void test_garbage(void **context)
{
	static const char *const garbage[] = { "",
					       "{",
					       "[]",
					       "null",
					       "\"x\"",
					       "{\"method\":7}",
					       "{\"method\":\"a\\u0000b\"}",
					       "\xff\xfe",
					       "{\"parameters\":{}}" };
	char answer[PART_BYTES];
	int good = connect_now();

	for (size_t i = 0; i < ELEMENTSOF(garbage); i++) {
		int fd = connect_now();

		assert_true(send(fd, garbage[i], strlen(garbage[i]) + 1, MSG_NOSIGNAL) > 0);
		assert_true(has_ended(fd));
		(void) close(fd);
	}
	CALL(good, "{\"method\":\"io.mvmd.vm.GetStatus\"}", answer);
	(void) close(good);
}

static void test_half_a_message_and_its_other_half(void **context)
{
	char answer[PART_BYTES];
	int fd = connect_now();

	assert_int_equal(send(fd, "{\"method\":", 10, MSG_NOSIGNAL), 10);
	turn();
	CALL(fd, "\"io.mvmd.vm.GetStatus\"}", answer);
	assert_non_null(strstr(answer, "version"));
	(void) close(fd);
}

static void test_ten_megabytes_without_an_end(void **context)
{
	char part[PART_BYTES];
	int fd = connect_now();

	memset(part, 'x', sizeof(part));
	for (int i = 0; i < PARTS; i++) {
		(void) send(fd, part, sizeof(part), MSG_NOSIGNAL | MSG_DONTWAIT);
		turn();
	}
	assert_true(has_ended(fd));
	(void) close(fd);
}

static void test_calls_of_a_client_that_never_reads(void **context)
{
	static const char text[] = "{\"method\":\"io.mvmd.vm.Stop\"}";
	int fd = connect_now();

	for (int i = 0; i < PARTS * 10; i++) {
		(void) send(fd, text, sizeof(text), MSG_NOSIGNAL | MSG_DONTWAIT);
		turn();
	}
	assert_true(stops > 0);
	(void) close(fd);
	turn();
}

/* In a process of another user: connects again and again and holds all. Tells by a byte when it is done. */
_Noreturn static void be_many_strangers(int done)
{
	if (setresgid(STRANGER_UID, STRANGER_UID, STRANGER_UID) < 0 ||
	    setresuid(STRANGER_UID, STRANGER_UID, STRANGER_UID) < 0)
		_exit(1);
	for (int i = 0; i < MANY; i++) {
		int fd;

		while (sock_connect(path, &fd) == -EAGAIN)
			(void) poll(NULL, 0, 1);
	}
	(void) !write(done, "", 1);
	for (;;)
		(void) pause();
}

static void test_strangers_keep_nobody_out(void **context)
{
	char answer[PART_BYTES];
	int fd, done[2];
	pid_t strangers;

	if (geteuid() != 0) {
		print_message("# needs root, to be two users\n");
		skip();
	}
	assert_int_equal(pipe(done), 0);
	strangers = fork();
	assert_true(strangers >= 0);
	if (strangers == 0)
		be_many_strangers(done[1]);
	for (struct pollfd end = { .fd = done[0], .events = POLLIN }; poll(&end, 1, 1) == 0;)
		turn();
	turn();

	fd = connect_now();
	CALL(fd, "{\"method\":\"io.mvmd.vm.GetStatus\"}", answer);
	assert_non_null(strstr(answer, "version"));
	assert_int_equal(kill(strangers, SIGKILL), 0);
	assert_int_equal(waitpid(strangers, NULL, 0), strangers);
	(void) close(fd);
	(void) close(done[0]);
	(void) close(done[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_calls),
		TEST(test_a_reload_is_answered_by_its_descriptor),
		TEST(test_garbage),
		TEST(test_half_a_message_and_its_other_half),
		TEST(test_ten_megabytes_without_an_end),
		TEST(test_calls_of_a_client_that_never_reads),
		TEST(test_strangers_keep_nobody_out),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
