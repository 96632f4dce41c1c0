/* SPDX-License-Identifier: Apache-2.0 */
/* Who is connected to a listener, and what /proc tells of who has a socket. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/process.h"
#include "host/sock.h"
#include "host/unix-diag.h"

/* A listener in a folder of its own, one client of it, and what was seen. */
typedef struct Scene {
	char folder[64];
	char path[80];
	int listener, client, server;
	UnixListener seen;
} Scene;

static int scene_new(void **state)
{
	Scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	(void) snprintf(scene->folder, sizeof(scene->folder), "/tmp/mvmd-test-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	(void) snprintf(scene->path, sizeof(scene->path), "%s/a.sock", scene->folder);
	scene->client = scene->server = -EBADF;
	assert_int_equal(sock_listen(scene->path, NULL, &scene->listener), 0);
	*state = scene;
	return 0;
}

static int scene_done(void **state)
{
	Scene *scene = *state;

	unix_listener_done(&scene->seen);
	(void) close_fd(scene->listener);
	(void) close_fd(scene->client);
	(void) close_fd(scene->server);
	(void) unlink(scene->path);
	assert_int_equal(rmdir(scene->folder), 0);
	free(scene);
	return 0;
}

static uint32_t inode_of(int fd)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	return (uint32_t) status.st_ino;
}

static void look(Scene *scene)
{
	struct stat status;

	unix_listener_done(&scene->seen);
	scene->seen = (UnixListener){ 0 };
	assert_int_equal(stat(scene->path, &status), 0);
	assert_int_equal(unix_diag_listener(scene->path, &status, &scene->seen), 0);
}

static void assert_client(const Scene *scene, bool accepted, bool unread)
{
	assert_int_equal(scene->seen.n_clients, 1);
	assert_int_equal(scene->seen.clients[0].inode, inode_of(scene->client));
	assert_int_equal(scene->seen.clients[0].accepted, accepted);
	assert_int_equal(scene->seen.clients[0].unread, unread);
}

static void test_listener_without_clients(void **state)
{
	Scene *scene = *state;

	look(scene);
	assert_int_equal(scene->seen.inode, inode_of(scene->listener));
	assert_int_equal(scene->seen.n_clients, 0);
	assert_false(scene->seen.full);
}

static void test_nobody_listens_any_more(void **state)
{
	Scene *scene = *state;

	scene->listener = close_fd(scene->listener);
	look(scene);
	assert_int_equal(scene->seen.inode, 0);
}

/* From the queue to the end, as a vhost-user request goes. */
static void test_life_of_a_connection(void **state)
{
	Scene *scene = *state;
	char byte;

	assert_int_equal(sock_connect(scene->path, &scene->client), 0);
	look(scene);
	assert_client(scene, false, false);

	assert_int_equal(write(scene->client, "x", 1), 1);
	look(scene);
	assert_client(scene, false, true);

	scene->server = accept(scene->listener, NULL, NULL);
	assert_true(scene->server >= 0);
	look(scene);
	assert_client(scene, true, true);

	assert_int_equal(read(scene->server, &byte, 1), 1);
	look(scene);
	assert_client(scene, true, false);

	scene->client = close_fd(scene->client);
	look(scene);
	assert_int_equal(scene->seen.n_clients, 0);
}

static void test_queue_that_is_full(void **state)
{
	Scene *scene = *state;

	assert_int_equal(listen(scene->listener, 0), 0);
	look(scene);
	assert_false(scene->seen.full);
	assert_int_equal(sock_connect(scene->path, &scene->client), 0);
	look(scene);
	assert_true(scene->seen.full);
}

/* A child that waits to read from the socket pair's end that it is given. */
static pid_t start_reader(const int pair[2])
{
	pid_t pid = fork();
	char byte;

	assert_true(pid >= 0);
	if (pid == 0) {
		(void) close(pair[0]);
		_exit(read(pair[1], &byte, 1) == 1 ? 0 : 1);
	}
	return pid;
}

static void test_process_that_reads(void **state)
{
	int pair[2], status;
	uint32_t theirs, ours;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ours = inode_of(pair[0]), theirs = inode_of(pair[1]);
	pid = start_reader(pair);
	(void) close(pair[1]);
	if (process_reads_socket(pid, theirs) < 0) {
		print_message("# SKIP needs the right to trace a child\n");
		(void) close(pair[0]);
		(void) waitpid(pid, &status, 0);
		skip();
	}

	while (process_reads_socket(pid, theirs) == 0)
		(void) usleep(1000);
	assert_int_equal(process_reads_socket(pid, theirs), 1);
	assert_int_equal(process_reads_socket(pid, ours), 0);
	assert_int_equal(process_has_socket(pid, theirs), 1);
	assert_int_equal(process_has_socket(getpid(), theirs), 0);
	assert_int_equal(socket_holder(theirs), pid);

	assert_false(process_is_stopped(pid));
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(process_is_stopped(pid));
	assert_int_equal(kill(pid, SIGCONT), 0);

	assert_int_equal(write(pair[0], "x", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(process_has_socket(pid, theirs) < 0);
	assert_int_equal(socket_holder(theirs), 0);
	(void) close(pair[0]);
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, scene_new, scene_done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCENE(test_listener_without_clients),   IN_SCENE(test_nobody_listens_any_more),
		IN_SCENE(test_life_of_a_connection),	   IN_SCENE(test_queue_that_is_full),
		cmocka_unit_test(test_process_that_reads),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
