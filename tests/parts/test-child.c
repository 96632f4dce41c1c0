/* SPDX-License-Identifier: Apache-2.0 */
/* A supervised process: what it says, and how it ends. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "run/child.h"

#define TEST_LIMIT_USEC (30 * USEC_PER_SEC)
#define GRACE_USEC	(50 * USEC_PER_MSEC)

typedef struct Watch {
	sd_event *event;
	Child *child;
	StrList lines;
	ChildEnd end;
	bool ended, free_at_end;
} Watch;

static void on_line(Child *child, const char *line, void *userdata)
{
	Watch *watch = userdata;

	assert_false(watch->ended);
	str_list_add(&watch->lines, "%s", line);
}

static void on_exit_of(Child *child, const ChildEnd *end, void *userdata)
{
	Watch *watch = userdata;

	watch->end = *end;
	watch->ended = true;
	if (watch->free_at_end)
		watch->child = child_free(child);
}

static const ChildHandler *handler_of(Watch *watch)
{
	static ChildHandler handler;

	handler = (ChildHandler){ .on_exit = on_exit_of, .on_line = on_line, .userdata = watch };
	return &handler;
}

/* Starts "sh -c script". */
static void start(Watch *watch, const char *script)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, NULL, NULL };
	SpawnConfig config = { .path = "/bin/sh", .argv = argv };
	_cleanup_free_ char *copy = strdup(script);
	Fault fault = { 0 };

	argv[2] = copy;
	*watch = (Watch){ 0 };
	assert_int_equal(sd_event_new(&watch->event), 0);
	if (child_start(watch->event, &(ChildConfig){ "sh[test]", NULL, &config },
			handler_of(watch), &watch->child, &fault) < 0)
		fail_msg("%s", fault.what);
}

static void run_until_end(Watch *watch)
{
	while (!watch->ended)
		if (sd_event_run(watch->event, TEST_LIMIT_USEC) <= 0)
			fail_msg("nothing happened for 30 s");
}

static void run_until_lines(Watch *watch, size_t n)
{
	while (watch->lines.n < n)
		if (sd_event_run(watch->event, TEST_LIMIT_USEC) <= 0)
			fail_msg("nothing happened for 30 s");
}

static void finish(Watch *watch)
{
	watch->child = child_free(watch->child);
	watch->event = sd_event_unref(watch->event);
	str_list_done(&watch->lines);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void assert_end(const Watch *watch, const char *text)
{
	char buffer[CHILD_END_MAX];

	assert_string_equal(child_end_to_text(buffer, &watch->end), text);
}

static void test_lines(void **state)
{
	Watch watch;

	start(&watch,
	      "echo one; echo two >&2; printf 'a\\000b\\n\\n'; printf 'bell\\007\\ttab\\r\\n';"
	      "printf unfinished; exit 3");
	run_until_end(&watch);
	assert_int_equal(watch.lines.n, 6);
	assert_string_equal(watch.lines.items[0], "one");
	assert_string_equal(watch.lines.items[1], "two");
	assert_string_equal(watch.lines.items[2], "a");
	assert_string_equal(watch.lines.items[3], "b");
	assert_string_equal(watch.lines.items[4], "bell? tab");
	assert_string_equal(watch.lines.items[5], "unfinished");
	assert_string_equal(child_last_line(watch.child), "unfinished");
	assert_end(&watch, "exit status 3");
	assert_false(child_end_is_clean(&watch.end));
	finish(&watch);
}

/* U+009B is the control sequence introducer; 0xe9 and a truncated character are no UTF-8. */
/* It would be told as the reason of an end. */
static void test_noise_is_nobodys_last_word(void **state)
{
	Watch watch;

	start(&watch, "echo WARN -- Kernel lacks CONFIG_SCHED_CORE support; kill -KILL $$");
	run_until_end(&watch);
	assert_int_equal(watch.lines.n, 1);
	assert_string_equal(child_last_line(watch.child), "");
	assert_string_equal(child_last_words(watch.child), "");
	finish(&watch);

	start(&watch, "echo a cause; echo Kernel lacks CONFIG_SCHED_CORE support; exit 1");
	run_until_end(&watch);
	assert_int_equal(watch.lines.n, 2);
	assert_string_equal(child_last_line(watch.child), "a cause");
	assert_string_equal(child_last_words(watch.child), "a cause");
	finish(&watch);
}

static void test_lines_are_plain_utf8(void **state)
{
	Watch watch;

	start(&watch, "printf 'caf\\303\\251 \\302\\23331m caf\\351 \\303\\n'");
	run_until_end(&watch);
	assert_int_equal(watch.lines.n, 1);
	assert_string_equal(watch.lines.items[0], "caf\303\251 ??31m caf? ?");
	finish(&watch);
}

/* Whole sequences go; what is none stays, and is harmless. */
static void test_colours_are_left_out(void **state)
{
	Watch watch;

	start(&watch, "printf '\\033[1;31mERROR\\033[0m: it \\033]0;title\\007 \\033[3\\n"
		      "\\033[0m\\n\\033[2Jlast\\033[\\n'");
	run_until_end(&watch);
	assert_int_equal(watch.lines.n, 2);
	assert_string_equal(watch.lines.items[0], "ERROR: it ?]0;title? ?[3");
	assert_string_equal(watch.lines.items[1], "last?[");
	finish(&watch);
}

/* True once that process has ended; waits for it. */
static bool has_ended(pid_t pid)
{
	int fd = (int) syscall(SYS_pidfd_open, pid, 0);
	struct pollfd end = { .fd = fd, .events = POLLIN };
	bool ended = fd < 0 ? errno == ESRCH : poll(&end, 1, 30000) == 1;

	(void) close_fd(fd);
	return ended;
}

static void test_what_it_forked_ends_with_it(void **state)
{
	Watch watch;

	start(&watch, "sleep 1000 & echo $!; kill -STOP $!");
	run_until_end(&watch);
	assert_int_equal(watch.lines.n, 1);
	assert_true(has_ended((pid_t) strtol(watch.lines.items[0], NULL, 10)));
	finish(&watch);
}

static void test_long_line(void **state)
{
	Watch watch;

	start(&watch, "head -c 10000 /dev/zero | tr '\\000' x");
	run_until_end(&watch);
	assert_int_equal(watch.lines.n, 3);
	assert_int_equal(strlen(watch.lines.items[0]), 4096);
	assert_int_equal(strlen(watch.lines.items[1]), 4096);
	assert_int_equal(strlen(watch.lines.items[2]), 10000 - 2 * 4096);
	assert_true(child_end_is_clean(&watch.end));
	finish(&watch);
}

/* Far more than a pipe holds, all of it before the end. */
static void test_flood(void **state)
{
	Watch watch;

	start(&watch,
	      "seq 200000 | while IFS= read -r n; do [ $((n % 20)) = 0 ] && echo $n; done; echo last");
	run_until_end(&watch);
	assert_string_equal(watch.lines.items[watch.lines.n - 1], "last");
	assert_int_equal(watch.lines.n, 10001);
	finish(&watch);
}

/* Nobody reads, and the writer does not block: it gets an error instead. */
static void test_full_pipe(void **state)
{
	Watch watch;
	siginfo_t info;

	start(&watch, "head -c 2000000 /dev/zero; exit 0");
	assert_int_equal(waitid(P_PID, (id_t) child_pid(watch.child), &info, WEXITED | WNOWAIT), 0);
	run_until_end(&watch);
	finish(&watch);
}

static void test_term(void **state)
{
	Watch watch;

	start(&watch, "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done");
	run_until_lines(&watch, 1);
	child_stop(watch.child, TEST_LIMIT_USEC);
	run_until_end(&watch);
	assert_string_equal(child_last_line(watch.child), "bye");
	assert_end(&watch, "exit status 0");
	finish(&watch);
}

static void test_kill_after_grace(void **state)
{
	Watch watch;

	start(&watch, "trap '' TERM; echo up; exec sleep 1000");
	run_until_lines(&watch, 1);
	child_stop(watch.child, GRACE_USEC);
	run_until_end(&watch);
	assert_end(&watch, "signal 9 (SIGKILL)");
	finish(&watch);
}

static void test_kill_at_once(void **state)
{
	Watch watch;

	start(&watch, "trap '' TERM; echo up; exec sleep 1000");
	run_until_lines(&watch, 1);
	child_stop(watch.child, 0);
	run_until_end(&watch);
	assert_end(&watch, "signal 9 (SIGKILL)");
	child_stop(watch.child, 0); /* of one that is gone: nothing */
	finish(&watch);
}

static void test_free_in_handler(void **state)
{
	Watch watch;

	start(&watch, "exit 0");
	watch.free_at_end = true;
	run_until_end(&watch);
	assert_null(watch.child);
	finish(&watch);
}

static void test_free_kills(void **state)
{
	Watch watch;
	pid_t pid;

	start(&watch, "exec sleep 1000");
	pid = child_pid(watch.child);
	assert_string_equal(child_label(watch.child), "sh[test]");
	finish(&watch);
	assert_false(watch.ended);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

static void test_own_stderr(void **state)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "echo out; echo err >&2" },
			 NULL };
	int fds[2];
	char text[16] = "";
	SpawnFd own = { .number = STDERR_FILENO };
	const SpawnConfig config = { .path = "/bin/sh", .argv = argv, .fds = &own, .n_fds = 1 };
	Watch watch = { 0 };

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	own.fd = fds[1];
	assert_int_equal(sd_event_new(&watch.event), 0);
	assert_int_equal(child_start(watch.event, &(ChildConfig){ "sh", NULL, &config },
				     handler_of(&watch), &watch.child, NULL),
			 0);
	run_until_end(&watch);
	assert_int_equal(watch.lines.n, 1);
	assert_string_equal(watch.lines.items[0], "out");
	assert_int_equal(read(fds[0], text, sizeof(text) - 1), 4);
	assert_string_equal(text, "err\n");
	(void) close(fds[0]);
	(void) close(fds[1]);
	finish(&watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_noise_is_nobodys_last_word),
		cmocka_unit_test(test_lines_are_plain_utf8),
		cmocka_unit_test(test_colours_are_left_out),
		cmocka_unit_test(test_what_it_forked_ends_with_it),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_full_pipe),
		cmocka_unit_test(test_term),
		cmocka_unit_test(test_kill_after_grace),
		cmocka_unit_test(test_kill_at_once),
		cmocka_unit_test(test_free_in_handler),
		cmocka_unit_test(test_free_kills),
		cmocka_unit_test(test_own_stderr),
	};

	(void) cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
