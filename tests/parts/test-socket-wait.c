/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mvmd/exit-codes.h"
#include "run/socket-wait.h"

#define NOBODY 65534

/* Long enough that a passing test never meets it, and short enough to be waited for. */
#define LONG_USEC (60 * USEC_PER_SEC)
/* What takes so long takes for ever. */
#define HANG_SEC   30
#define SHORT_USEC (50 * USEC_PER_MSEC)

/* One wait in a folder of its own, and what came of it. */
typedef struct Scene {
	char folder[64];
	sd_event *event;
	SocketWait *wait;
	bool keep; /* the wait at its end, as a step does until its undo */
	unsigned n_calls;
	bool listens;
	int exit_code;
	char id[64], what[256], why[512], remedy[256], seen[64], attempts[256];
} Scene;

static int scene_new(void **state)
{
	Scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	(void) snprintf(scene->folder, sizeof(scene->folder), "/tmp/mvmd-test-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	assert_int_equal(sd_event_new(&scene->event), 0);
	*state = scene;
	return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	return remove(path);
}

static int scene_done(void **state)
{
	Scene *scene = *state;

	(void) socket_wait_free(scene->wait);
	(void) sd_event_unref(scene->event);
	assert_int_equal(nftw(scene->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	free(scene);
	return 0;
}

static void on_end(const Fault *fault, void *userdata)
{
	Scene *scene = userdata;

	scene->n_calls++;
	scene->listens = !fault;
	if (fault) {
		scene->exit_code = fault->exit_code;
		(void) snprintf(scene->id, sizeof(scene->id), "%s", fault->id);
		(void) snprintf(scene->what, sizeof(scene->what), "%s", fault->what);
		(void) snprintf(scene->why, sizeof(scene->why), "%s", fault->why ?: "");
		(void) snprintf(scene->remedy, sizeof(scene->remedy), "%s", fault->remedy ?: "");
		(void) snprintf(scene->seen, sizeof(scene->seen), "%s",
				fault_evidence_get(fault, "seen"));
		(void) snprintf(scene->attempts, sizeof(scene->attempts), "%s",
				fault_evidence_get(fault, "attempts"));
	}
	if (!scene->keep)
		scene->wait = socket_wait_free(scene->wait); /* allowed */
}

static void begin(Scene *scene, const char *path, uint64_t timeout_usec)
{
	Fault fault = { 0 };

	assert_int_equal(socket_wait_start(scene->event, path, timeout_usec, on_end, scene,
					   &scene->wait, &fault),
			 0);
	assert_int_equal(scene->n_calls, 0);
}

static void run_until_end(Scene *scene)
{
	while (scene->n_calls == 0)
		assert_true(sd_event_run(scene->event, UINT64_MAX) >= 0);
	/* Once only. */
	while (sd_event_run(scene->event, 0) > 0)
		;
	assert_int_equal(scene->n_calls, 1);
}

/* Lets the wait look at least once and find nothing. */
static void run_first_look(Scene *scene)
{
	assert_true(sd_event_run(scene->event, UINT64_MAX) > 0);
	assert_int_equal(scene->n_calls, 0);
}

static void assert_says(const char *text, const char *words)
{
	if (!strstr(text, words))
		print_error("# \"%s\" does not say \"%s\"\n", text, words);
	assert_non_null(strstr(text, words));
}

/* A socket that is bound, as other programs make one; listen(2) comes later. */
static int bind_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0 && strlen(path) < sizeof(address.sun_path));
	(void) memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (const struct sockaddr *) &address, sizeof(address)), 0);
	return fd;
}

/* It listens, and nobody ever connected: a backend that serves one client would be gone by now. */
static void assert_untouched(int listener)
{
	assert_int_equal(accept(listener, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
}

static void test_listener_that_is_there(void **state)
{
	Scene *scene = *state;
	_cleanup_free_ char *path = str_printf("%s/a.sock", scene->folder);
	_cleanup_close_ int fd = -EBADF;

	fd = bind_at(path);
	assert_int_equal(listen(fd, 1), 0);
	begin(scene, path, LONG_USEC);
	run_until_end(scene);
	assert_true(scene->listens);
	assert_untouched(fd);
}

/* What stirs in the folder once the wait is over is nobody's business. With the watch only switched off this hung. */
static void test_folder_that_stirs_later(void **state)
{
	Scene *scene = *state;
	_cleanup_free_ char *path = str_printf("%s/a.sock", scene->folder);
	_cleanup_free_ char *other = str_printf("%s/other", scene->folder);
	_cleanup_close_ int fd = -EBADF;

	fd = bind_at(path);
	assert_int_equal(listen(fd, 1), 0);
	scene->keep = true;
	begin(scene, path, LONG_USEC);
	run_until_end(scene);
	assert_true(scene->listens);
	assert_int_equal(mkdir(other, 0755), 0);
	(void) alarm(HANG_SEC);
	while (sd_event_run(scene->event, 0) > 0)
		;
	(void) alarm(0);
	assert_int_equal(scene->n_calls, 1);
}

static void test_listener_that_comes_late(void **state)
{
	Scene *scene = *state;
	_cleanup_free_ char *path = str_printf("%s/a.sock", scene->folder);
	_cleanup_close_ int fd = -EBADF;

	begin(scene, path, LONG_USEC);
	run_first_look(scene);
	fd = bind_at(path);
	run_first_look(scene); /* bound is not listening */
	assert_int_equal(listen(fd, 1), 0);
	run_until_end(scene);
	assert_true(scene->listens);
	assert_untouched(fd);
}

static void test_listener_in_place_of_a_stale_one(void **state)
{
	Scene *scene = *state;
	_cleanup_free_ char *path = str_printf("%s/a.sock", scene->folder);
	_cleanup_close_ int fd = -EBADF;

	assert_int_equal(close(bind_at(path)), 0);
	begin(scene, path, LONG_USEC);
	run_first_look(scene);
	assert_int_equal(sock_listen(path, NULL, &fd), 0); /* by rename */
	run_until_end(scene);
	assert_true(scene->listens);
}

static void test_folders_that_come_late(void **state)
{
	Scene *scene = *state;
	_cleanup_free_ char *outer = str_printf("%s/run", scene->folder);
	_cleanup_free_ char *inner = str_printf("%s/backend", outer);
	_cleanup_free_ char *path = str_printf("%s/a.sock", inner);
	_cleanup_close_ int fd = -EBADF;

	begin(scene, path, LONG_USEC);
	run_first_look(scene);
	assert_int_equal(mkdir(outer, 0755), 0);
	run_first_look(scene);
	assert_int_equal(mkdir(inner, 0755), 0);
	run_first_look(scene);

	/* The folder is made anew, as RuntimeDirectory= of a unit is. */
	assert_int_equal(rmdir(inner), 0);
	run_first_look(scene);
	assert_int_equal(mkdir(inner, 0755), 0);
	fd = bind_at(path);
	assert_int_equal(listen(fd, 1), 0);
	run_until_end(scene);
	assert_true(scene->listens);
}

static void test_relative_path(void **state)
{
	Scene *scene = *state;
	_cleanup_close_ int fd = -EBADF;

	assert_int_equal(chdir(scene->folder), 0);
	begin(scene, "a.sock", LONG_USEC);
	run_first_look(scene);
	fd = bind_at("a.sock");
	assert_int_equal(listen(fd, 1), 0);
	run_until_end(scene);
	assert_int_equal(chdir("/"), 0);
	assert_true(scene->listens);
}

/* The wait on path ends by its deadline; the words are in scene. */
static void run_to_deadline(Scene *scene, const char *path)
{
	begin(scene, path, SHORT_USEC);
	run_until_end(scene);
	assert_false(scene->listens);
	assert_string_equal(scene->id, "socket-not-listening");
	assert_says(scene->what, path);
	assert_says(scene->what, "50ms");
	/* The record of the looks, all of which saw the same. */
	assert_says(scene->attempts, "looked ");
	assert_says(scene->attempts, scene->seen);
	assert_says(scene->why, scene->attempts);
}

static void test_deadline_without_a_file(void **state)
{
	Scene *scene = *state;
	_cleanup_free_ char *path = str_printf("%s/a.sock", scene->folder);

	run_to_deadline(scene, path);
	assert_int_equal(scene->exit_code, MVMD_EXIT_UNAVAILABLE);
	assert_says(scene->why, "there is no such file;");
	assert_string_equal(scene->seen, "no such file");
}

static void test_deadline_without_a_folder(void **state)
{
	Scene *scene = *state;
	_cleanup_free_ char *path = str_printf("%s/x/y/a.sock", scene->folder);
	_cleanup_free_ char *words = str_printf("only %s exists", scene->folder);

	run_to_deadline(scene, path);
	assert_says(scene->why, words);
}

static void test_deadline_with_a_stale_file(void **state)
{
	Scene *scene = *state;
	_cleanup_free_ char *path = str_printf("%s/a.sock", scene->folder);

	assert_int_equal(close(bind_at(path)), 0);
	run_to_deadline(scene, path);
	assert_int_equal(scene->exit_code, MVMD_EXIT_UNAVAILABLE);
	assert_says(scene->why, "there is a socket file since 20");
	assert_says(scene->why, "nobody listens");
}

static void test_deadline_with_another_file(void **state)
{
	Scene *scene = *state;

	run_to_deadline(scene, "/proc/version");
	assert_int_equal(scene->exit_code, MVMD_EXIT_UNAVAILABLE);
	assert_says(scene->why, "a regular file, not a socket");
}

static void test_deadline_with_a_folder(void **state)
{
	Scene *scene = *state;

	run_to_deadline(scene, scene->folder);
	assert_says(scene->why, "a directory, not a socket");
}

static void test_deadline_without_permission(void **state)
{
	Scene *scene = *state;
	_cleanup_free_ char *path = str_printf("%s/a.sock", scene->folder);
	_cleanup_close_ int fd = -EBADF;
	int status;
	pid_t pid;

	if (geteuid() != 0) {
		print_message("# SKIP needs root to become another user\n");
		skip();
	}
	fd = bind_at(path);
	assert_int_equal(listen(fd, 1), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		sd_event *event = NULL;

		/* sd-event notices a fork, so the child has its own loop. */
		if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0 || sd_event_new(&event) < 0)
			_exit(100);
		if (socket_wait_start(event, path, SHORT_USEC, on_end, scene, &scene->wait, NULL) <
		    0)
			_exit(101);
		while (scene->n_calls == 0 && sd_event_run(event, UINT64_MAX) >= 0)
			;
		_exit(strstr(scene->why, "permission denied") ? scene->exit_code : 102);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), MVMD_EXIT_PERMISSION);
}

/* What was seen first and what was seen last both are in the record. */
static void test_record_of_what_changed(void **state)
{
	Scene *scene = *state;
	_cleanup_free_ char *path = str_printf("%s/a.sock", scene->folder);

	begin(scene, path, SHORT_USEC);
	run_first_look(scene);
	assert_int_equal(close(bind_at(path)), 0);
	run_until_end(scene);
	assert_false(scene->listens);
	assert_says(scene->attempts, " × no such file (");
	assert_says(scene->attempts, " × a socket file, but nobody listens on it (");
	assert_says(scene->why, "nobody listens");
}

static void test_wait_that_is_given_up(void **state)
{
	Scene *scene = *state;
	_cleanup_free_ char *path = str_printf("%s/a.sock", scene->folder);

	begin(scene, path, LONG_USEC);
	run_first_look(scene);
	scene->wait = socket_wait_free(scene->wait);
	assert_int_equal(sd_event_run(scene->event, 0), 0);
	assert_int_equal(scene->n_calls, 0);
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, scene_new, scene_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCENE(test_listener_that_is_there),
		IN_SCENE(test_folder_that_stirs_later),
		IN_SCENE(test_listener_that_comes_late),
		IN_SCENE(test_listener_in_place_of_a_stale_one),
		IN_SCENE(test_folders_that_come_late),
		IN_SCENE(test_relative_path),
		IN_SCENE(test_deadline_without_a_file),
		IN_SCENE(test_deadline_without_a_folder),
		IN_SCENE(test_deadline_with_a_stale_file),
		IN_SCENE(test_deadline_with_another_file),
		IN_SCENE(test_deadline_with_a_folder),
		IN_SCENE(test_deadline_without_permission),
		IN_SCENE(test_record_of_what_changed),
		IN_SCENE(test_wait_that_is_given_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
