/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "run/connector.h"

/* Long enough that a passing test never meets it, and short enough to be waited for. */
#define LONG_USEC  (60 * USEC_PER_SEC)
#define SHORT_USEC (20 * USEC_PER_MSEC)

static const Backoff backoff = { 1 * USEC_PER_MSEC, 4 * USEC_PER_MSEC };

/* A socket in a folder of its own; whoever tries may find out what this test does between the tries. */
typedef struct Scene {
	char folder[64];
	char path[80];
	sd_event *event;
	Connector *connector;
	int fd; /* of a try that succeeded */
	int listener;
	unsigned n_tries;
	unsigned bind_before, listen_before; /* the try with this number; 0: never */
	int fails_with; /* each try; 0: it is a real one */
	unsigned n_ends;
	int error;
	Attempts attempts;
} Scene;

static int scene_new(void **state)
{
	Scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	(void) snprintf(scene->folder, sizeof(scene->folder), "/tmp/mvmd-test-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	(void) snprintf(scene->path, sizeof(scene->path), "%s/a.sock", scene->folder);
	assert_int_equal(sd_event_new(&scene->event), 0);
	scene->fd = scene->listener = -EBADF;
	*state = scene;
	return 0;
}

static int scene_done(void **state)
{
	Scene *scene = *state;

	(void) connector_free(scene->connector);
	(void) sd_event_unref(scene->event);
	(void) close_fd(scene->fd);
	(void) close_fd(scene->listener);
	(void) unlink(scene->path);
	assert_int_equal(rmdir(scene->folder), 0);
	free(scene);
	return 0;
}

static int bind_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (const struct sockaddr *) &address, sizeof(address)), 0);
	return fd;
}

static int attempt(AttemptResult *ret, void *userdata)
{
	Scene *scene = userdata;

	scene->n_tries++;
	if (scene->fails_with)
		return scene->fails_with;
	if (scene->n_tries == scene->bind_before)
		scene->listener = bind_at(scene->path);
	if (scene->n_tries == scene->listen_before)
		assert_int_equal(listen(scene->listener, 1), 0);
	return attempt_connect(scene->path, &scene->fd, ret);
}

static void on_end(int error, const Attempts *attempts, void *userdata)
{
	Scene *scene = userdata;

	scene->n_ends++;
	scene->error = error;
	scene->attempts = *attempts;
	scene->connector = connector_free(scene->connector);
}

static ConnectorConfig config_of(Scene *scene, uint64_t timeout_usec)
{
	return (ConnectorConfig){ .backoff = backoff,
				  .timeout_usec = timeout_usec,
				  .attempt = attempt,
				  .on_end = on_end,
				  .userdata = scene };
}

static void run_to_end(Scene *scene, uint64_t timeout_usec)
{
	const ConnectorConfig config = config_of(scene, timeout_usec);

	assert_int_equal(connector_start(scene->event, &config, &scene->connector), 0);
	assert_int_equal(scene->n_tries, 0);
	while (scene->n_ends == 0)
		assert_true(sd_event_run(scene->event, UINT64_MAX) >= 0);
	while (sd_event_run(scene->event, 0) > 0)
		;
	assert_int_equal(scene->n_ends, 1);
}

static void assert_record(const Attempts *attempts, const char *words, unsigned n)
{
	for (size_t i = 0; i < attempts->n_records; i++)
		if (streq(attempts->records[i].result.words ?:
				  strerror(-attempts->records[i].result.error),
			  words)) {
			assert_int_equal(attempts->records[i].n, n);
			return;
		}
	fail_msg("no try came to \"%s\"", words);
}

/* First absent, then bound and deaf, then there. */
static void comes_late(Scene *scene)
{
	scene->bind_before = 3;
	scene->listen_before = 6;
}

static void assert_came_late(const Scene *scene)
{
	assert_true(scene->fd >= 0);
	assert_int_equal(scene->n_tries, 6);
	assert_int_equal(scene->attempts.n, 5);
	assert_record(&scene->attempts, "No such file or directory", 2);
	assert_record(&scene->attempts, "Connection refused", 3);
}

static void test_loop_listener_that_comes_late(void **state)
{
	Scene *scene = *state;

	comes_late(scene);
	run_to_end(scene, LONG_USEC);
	assert_int_equal(scene->error, 0);
	assert_came_late(scene);
}

static void test_blocking_listener_that_comes_late(void **state)
{
	Scene *scene = *state;
	const ConnectorConfig config = config_of(scene, LONG_USEC);

	comes_late(scene);
	assert_int_equal(connector_wait(&config, &scene->attempts), 0);
	assert_came_late(scene);
}

static void test_loop_deadline(void **state)
{
	Scene *scene = *state;

	scene->bind_before = 1; /* on a busy machine the first try may be the only one in time */
	run_to_end(scene, SHORT_USEC);
	assert_int_equal(scene->error, -ETIMEDOUT);
	assert_int_equal(scene->attempts.n, scene->n_tries);
	assert_record(&scene->attempts, "Connection refused", scene->n_tries);
}

static void test_blocking_deadline(void **state)
{
	Scene *scene = *state;
	const ConnectorConfig config = config_of(scene, SHORT_USEC);

	assert_int_equal(connector_wait(&config, &scene->attempts), -ETIMEDOUT);
	assert_record(&scene->attempts, "No such file or directory", scene->n_tries);
	assert_true(scene->attempts.last_usec >= SHORT_USEC);
}

/* A queue that is full may have room later: a try that is not refused for good. */
static void test_full_queue(void **state)
{
	Scene *scene = *state;
	_cleanup_close_ int in_queue = -EBADF;
	AttemptResult result = { 0 };

	scene->listener = bind_at(scene->path);
	assert_int_equal(listen(scene->listener, 0), 0);
	assert_int_equal(attempt_connect(scene->path, &in_queue, &result), 1);
	run_to_end(scene, SHORT_USEC);
	assert_int_equal(scene->error, -ETIMEDOUT);
	assert_record(&scene->attempts, "the listener's queue is full", scene->n_tries);
}

static void test_error_that_will_not_pass(void **state)
{
	Scene *scene = *state;

	scene->fails_with = -EACCES;
	run_to_end(scene, LONG_USEC);
	assert_int_equal(scene->error, -EACCES);
	assert_int_equal(scene->n_tries, 1);
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, scene_new, scene_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCENE(test_loop_listener_that_comes_late),
		IN_SCENE(test_blocking_listener_that_comes_late),
		IN_SCENE(test_loop_deadline),
		IN_SCENE(test_blocking_deadline),
		IN_SCENE(test_full_queue),
		IN_SCENE(test_error_that_will_not_pass),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
