/* SPDX-License-Identifier: Apache-2.0 */
/* Start slots: how many there are, who has them, and what becomes of one whose holder dies. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/slots.h"

#define AWAIT_MSEC 60000

static char runtime[] = "/tmp/mvmd-slots-XXXXXX";
static char folder[64];

static int setup(void **state)
{
	if (!mkdtemp(runtime))
		return -1;
	(void) snprintf(folder, sizeof(folder), "%s/run", runtime);
	return 0;
}

static int teardown(void **state)
{
	_cleanup_free_ char *slots = str_printf("%s/.slots", folder);
	char path[128];

	for (unsigned i = 0; i < 4; i++) {
		(void) snprintf(path, sizeof(path), "%s/%u", slots, i);
		(void) unlink(path);
	}
	(void) rmdir(slots);
	(void) rmdir(folder);
	return rmdir(runtime);
}

static int take(unsigned n, const char *vm)
{
	Fault fault = { 0 };
	int fd = -EBADF, r = slot_take(folder, n, vm, &fd, &fault);

	assert_null(fault.id);
	return r < 0 ? r : fd;
}

static void assert_holders(unsigned n, const char *wanted)
{
	StrList holders = { 0 };
	StrBuf names = { 0 };

	slot_holders(folder, n, &holders);
	for (size_t i = 0; i < holders.n; i++)
		str_buf_add(&names, "%s%s", i > 0 ? " " : "", holders.items[i]);
	assert_string_equal(names.text ?: "", wanted);
	str_buf_done(&names);
	str_list_done(&holders);
}

static void test_so_many(void **state)
{
	int a = take(2, "a-long-name"), b = take(2, "b"), c;

	assert_true(a >= 0 && b >= 0);
	assert_int_equal(take(2, "c"), -EAGAIN);
	assert_holders(2, "a-long-name b");
	slot_free(&a);
	assert_int_equal(a, -EBADF);
	slot_free(&a);
	assert_holders(2, "b");
	c = take(2, "c");
	assert_true(c >= 0);
	assert_holders(2, "c b");
	slot_free(&b);
	slot_free(&c);
	assert_holders(2, "");
}

/* host.conf was changed meanwhile: what is held counts no longer, or more may start. */
static void test_another_number(void **state)
{
	int a = take(1, "a"), b;

	assert_true(a >= 0);
	assert_int_equal(take(1, "b"), -EAGAIN);
	b = take(3, "b");
	assert_true(b >= 0);
	slot_free(&a);
	a = take(1, "a");
	assert_true(a >= 0);
	slot_free(&a);
	slot_free(&b);
}

static bool is_readable(int fd, int timeout_msec)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	return poll(&ready, 1, timeout_msec) == 1;
}

static void test_a_free_slot_is_told(void **state)
{
	Fault fault = { 0 };
	int fd = take(1, "a"), watch = slot_watch(folder, &fault);

	assert_true(fd >= 0 && watch >= 0);
	assert_int_equal(take(1, "b"), -EAGAIN);
	assert_false(is_readable(watch, 0)); /* looking is no news */
	slot_free(&fd);
	assert_true(is_readable(watch, AWAIT_MSEC));
	fd = take(1, "b");
	assert_true(fd >= 0);
	slot_free(&fd);
	(void) close(watch);
}

/* The descriptor goes with the process, and the lock with the descriptor. */
static void test_killed_holder(void **state)
{
	int taken[2], fd;
	pid_t child;
	char byte;

	assert_int_equal(pipe2(taken, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		Fault fault = { 0 };
		bool ok = slot_take(folder, 1, "dies", &fd, &fault) == 0 &&
			  write(taken[1], "", 1) == 1;

		while (ok)
			(void) pause();
		_exit(1);
	}
	assert_int_equal(read(taken[0], &byte, 1), 1);
	assert_int_equal(take(1, "b"), -EAGAIN);
	assert_holders(1, "dies");
	(void) kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	fd = take(1, "b");
	assert_true(fd >= 0);
	slot_free(&fd);
	(void) close(taken[0]);
	(void) close(taken[1]);
}

static void test_no_folder(void **state)
{
	_cleanup_free_ char *path = str_printf("%s/file", runtime);
	Fault fault = { 0 };
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600), slot = -EBADF;

	assert_true(fd >= 0);
	(void) close(fd);
	assert_int_equal(slot_take(path, 1, "a", &slot, &fault), -ENOTDIR);
	assert_string_equal(fault.id, "start-slots");
	assert_int_equal(slot, -EBADF);
	fault_done(&fault);
	(void) unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_so_many),
		cmocka_unit_test(test_another_number),
		cmocka_unit_test(test_a_free_slot_is_told),
		cmocka_unit_test(test_killed_holder),
		cmocka_unit_test(test_no_folder),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
