/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/access.h"
#include "host/acl.h"
#include "host/sock.h"

#define NOBODY 65534

typedef struct Place {
	char directory[64];
	char path[96];
} Place;

static int place_setup(void **state)
{
	Place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	(void) snprintf(place->directory, sizeof(place->directory), "/tmp/mvmd-test-XXXXXX");
	assert_non_null(mkdtemp(place->directory));
	(void) snprintf(place->path, sizeof(place->path), "%s/a.sock", place->directory);
	*state = place;
	return 0;
}

static int place_teardown(void **state)
{
	Place *place = *state;

	(void) unlink(place->path);
	assert_int_equal(rmdir(place->directory), 0); /* so nothing else was left in it */
	free(place);
	return 0;
}

static SockState look(const char *path)
{
	SockState state = _SOCK_STATE_MAX;

	assert_int_equal(sock_look(path, &state), 0);
	return state;
}

/* A listener as any other program makes it. */
static int listen_plainly(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0 && strlen(path) < sizeof(address.sun_path));
	(void) memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (const struct sockaddr *) &address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* Runs function in a child and returns its result (0-255). */
static int run_in_child(int (*function)(const char *path), const char *path)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(function(path));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_listener_takes_connections(void **state)
{
	const Place *place = *state;
	_cleanup_close_ int listener = -EBADF, client = -EBADF, server = -EBADF;
	char byte = 0;

	assert_int_equal(sock_listen(place->path, NULL, &listener), 0);
	assert_int_equal(sock_connect(place->path, &client), 0);
	server = accept(listener, NULL, NULL);
	assert_true(server >= 0);
	assert_int_equal(write(client, "x", 1), 1);
	assert_int_equal(read(server, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	assert_true(fcntl(listener, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(client, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(client, F_GETFL) & O_NONBLOCK);
}

static void test_connect_is_never_refused_over_a_renewal(void **state)
{
	const Place *place = *state;
	int listeners[200], pipe_fds[2], status;
	pid_t pid;

	assert_int_equal(sock_listen(place->path, NULL, &listeners[0]), 0);
	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		/* Connects until the parent is done; an error is the exit status. */
		(void) close(pipe_fds[1]);
		(void) fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
		for (char byte; read(pipe_fds[0], &byte, 1) != 0;) {
			int client = -EBADF, r = sock_connect(place->path, &client);

			if (r < 0 && r != -EAGAIN)
				_exit(-r);
			(void) close_fd(client);
		}
		_exit(0);
	}
	(void) close(pipe_fds[0]);
	/* The old ones stay: the kernel looks for the name first and for its listener then (net/unix/af_unix.c). */
	for (size_t i = 1; i < ELEMENTSOF(listeners); i++)
		assert_int_equal(sock_listen(place->path, NULL, &listeners[i]), 0);
	(void) close(pipe_fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (size_t i = 0; i < ELEMENTSOF(listeners); i++)
		(void) close_fd(listeners[i]);
	assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
}

static void test_who_may_connect_is_set(void **state)
{
	const Place *place = *state;
	const SockAccess vm = { .mode = 0600, .user = geteuid() == 0 ? NOBODY : geteuid() };
	const Identity user = { .uid = NOBODY, .gid = NOBODY },
		       other = { .uid = 12345, .gid = NOBODY };
	_cleanup_close_ int fd = -EBADF;
	mode_t before = umask(0);
	struct stat status;

	assert_int_equal(sock_listen(place->path, &vm, &fd), 0);
	(void) umask(before);
	assert_int_equal(lstat(place->path, &status), 0);
	assert_true(S_ISSOCK(status.st_mode));
	assert_int_equal(status.st_mode & 07707, 0600);
	assert_int_equal(status.st_uid, geteuid());
	if (geteuid() == 0) {
		assert_int_equal(access_as(&user, place->path, W_OK), 0);
		assert_int_equal(access_as(&other, place->path, W_OK), -EACCES);
	}
}

/* Where somebody else may write he may have put another file there. */
static void test_what_is_not_ours_is_let_be(void **state)
{
	const Place *place = *state;
	struct stat before, after;

	assert_int_equal(stat(place->directory, &before), 0);
	assert_int_equal(symlink(place->directory, place->path), 0);
	assert_int_equal(file_let_in(place->path, 0777, NOBODY), -EPERM);
	assert_int_equal(stat(place->directory, &after), 0);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(unlink(place->path), 0);
	if (geteuid() != 0)
		return;
	(void) close(listen_plainly(place->path));
	assert_int_equal(chown(place->path, NOBODY, NOBODY), 0);
	assert_int_equal(file_let_in(place->path, 0777, NOBODY), -EPERM);
}

/* ramfs has no access control lists: there the socket is given away. */
static int listen_without_lists(const char *directory)
{
	const SockAccess vm = { .mode = 0600, .user = NOBODY };
	const Identity user = { .uid = NOBODY, .gid = NOBODY }, other = { .uid = 12345 };
	_cleanup_free_ char *path = str_printf("%s/a.sock", directory);
	_cleanup_close_ int fd = -EBADF;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", directory, "ramfs", 0, NULL) < 0)
		return 77;
	if (sock_listen(path, &vm, &fd) < 0)
		return 1;
	return access_as(&user, path, W_OK) == 0 && access_as(&other, path, W_OK) == -EACCES ? 0 :
											       1;
}

static void test_a_file_system_without_lists(void **state)
{
	const Place *place = *state;
	int r = run_in_child(listen_without_lists, place->directory);

	if (r == 77) {
		print_message("# SKIP needs root to mount a file system of its own\n");
		skip();
	}
	assert_int_equal(r, 0);
}

static void test_bound_name_is_not_the_path(void **state)
{
	const Place *place = *state;
	_cleanup_close_ int fd = -EBADF;
	struct sockaddr_un address;
	socklen_t length = sizeof(address);

	/* qemu-storage-daemon unlinks the name that getsockname(2) tells. */
	assert_int_equal(sock_listen(place->path, NULL, &fd), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &length), 0);
	assert_string_not_equal(address.sun_path, place->path);
	assert_int_equal(unlink(address.sun_path), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(look(place->path), SOCK_LISTENING);
}

static void test_what_is_there_is_replaced(void **state)
{
	const Place *place = *state;
	_cleanup_close_ int fd = -EBADF;

	assert_int_equal(close(listen_plainly(place->path)), 0);
	assert_int_equal(look(place->path), SOCK_STALE);
	assert_int_equal(sock_listen(place->path, NULL, &fd), 0);
	assert_int_equal(look(place->path), SOCK_LISTENING);
}

static void test_failure_leaves_nothing(void **state)
{
	const Place *place = *state;
	int fd = -EBADF;

	/* A directory in the way: the rename fails; place_teardown() sees what is left. */
	assert_int_equal(mkdir(place->path, 0700), 0);
	assert_int_equal(sock_listen(place->path, NULL, &fd), -EISDIR);
	assert_int_equal(fd, -EBADF);
	assert_int_equal(rmdir(place->path), 0);
}

/* directory + "/" + as many letters as make total bytes. */
static char *path_of_length(const char *directory, size_t total)
{
	char letters[128] = { 0 };
	char *path;

	(void) memset(letters, 'x', total - strlen(directory) - 1);
	path = str_printf("%s/%s", directory, letters);
	assert_non_null(path);
	assert_int_equal(strlen(path), total);
	return path;
}

static void test_length_of_path(void **state)
{
	const Place *place = *state;
	_cleanup_free_ char *longest = path_of_length(place->directory, 107);
	_cleanup_free_ char *too_long = path_of_length(place->directory, 108);
	_cleanup_close_ int fd = -EBADF, client = -EBADF;

	assert_int_equal(sock_listen(too_long, NULL, &fd), -ENAMETOOLONG);
	assert_int_equal(sock_connect(too_long, &client), -ENAMETOOLONG);
	assert_int_equal(fd, -EBADF);
	assert_int_equal(sock_listen(longest, NULL, &fd), 0);
	assert_int_equal(sock_connect(longest, &client), 0);
	assert_int_equal(unlink(longest), 0);
}

static void test_connect_says_what_is_wrong(void **state)
{
	const Place *place = *state;
	int client = -EBADF;

	assert_int_equal(sock_connect(place->path, &client), -ENOENT);
	assert_int_equal(close(listen_plainly(place->path)), 0);
	assert_int_equal(sock_connect(place->path, &client), -ECONNREFUSED);
	assert_int_equal(client, -EBADF);
}

static void test_full_backlog_is_eagain(void **state)
{
	const Place *place = *state;
	_cleanup_close_ int listener = -EBADF;
	int clients[8], r = 0, n = 0;

	listener = listen_plainly(place->path);
	while (n < (int) ELEMENTSOF(clients)) {
		r = sock_connect(place->path, &clients[n]);
		if (r < 0)
			break;
		n++;
	}
	assert_int_equal(r, -EAGAIN);
	while (n > 0)
		assert_int_equal(close(clients[--n]), 0);
}

static ino_t inode_of(int fd)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	return status.st_ino;
}

static void test_fds_travel(void **state)
{
	int pair[2], pipe_fds[2], received[2] = { -EBADF, -EBADF };
	char data[8] = { 0 };
	struct iovec part = { .iov_base = data, .iov_len = sizeof(data) };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(received))];
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	const struct cmsghdr *rights;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(sock_send_fds(pair[0], "hello", 5, pipe_fds, 2), 5);
	assert_int_equal(recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC), 5);
	assert_string_equal(data, "hello");
	rights = CMSG_FIRSTHDR(&message);
	assert_true(rights && rights->cmsg_len == CMSG_LEN(sizeof(received)));
	if (rights)
		(void) memcpy(received, CMSG_DATA(rights), sizeof(received));
	assert_int_equal(inode_of(received[0]), inode_of(pipe_fds[0]));
	assert_int_equal(fcntl(received[0], F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(fcntl(received[1], F_GETFL) & O_ACCMODE, O_WRONLY);

	/* To a peer that is gone: an error, no signal. */
	assert_int_equal(close(pair[1]), 0);
	assert_int_equal(sock_send_fds(pair[0], "x", 1, NULL, 0), -EPIPE);
	(void) close(pair[0]);
	for (unsigned i = 0; i < 2; i++) {
		(void) close(pipe_fds[i]);
		(void) close(received[i]);
	}
}

static void test_look_tells_the_states_apart(void **state)
{
	const Place *place = *state;
	int fd;

	assert_int_equal(look(place->path), SOCK_ABSENT);
	assert_int_equal(look("/dev/null/x"), SOCK_ABSENT);
	assert_int_equal(look(place->directory), SOCK_NOT_SOCKET);
	assert_int_equal(look("/dev/null"), SOCK_NOT_SOCKET);
	fd = listen_plainly(place->path);
	assert_int_equal(look(place->path), SOCK_LISTENING);
	assert_int_equal(accept(fd, NULL, NULL), -1); /* nobody connected to find that out */
	assert_int_equal(errno, EAGAIN);
	(void) close(fd);
	assert_int_equal(look(place->path), SOCK_STALE);
}

static void test_look_sees_relative_renamed_and_linked(void **state)
{
	const Place *place = *state;
	_cleanup_free_ char *link_path = str_printf("%s.link", place->path);
	_cleanup_close_ int home = open(".", O_PATH | O_CLOEXEC), fd = -EBADF;

	assert_true(home >= 0);
	assert_int_equal(chdir(place->directory), 0);
	fd = listen_plainly("other");
	assert_int_equal(rename("other", "a.sock"), 0);
	assert_int_equal(look("a.sock"), SOCK_LISTENING);
	assert_int_equal(fchdir(home), 0);
	assert_int_equal(look(place->path), SOCK_LISTENING);
	assert_int_equal(symlink("a.sock", link_path), 0);
	assert_int_equal(look(link_path), SOCK_LISTENING);
	assert_int_equal(unlink(link_path), 0);
}

static void test_look_is_not_fooled_by_another_listener(void **state)
{
	const Place *place = *state;
	_cleanup_free_ char *other = str_printf("%s.other", place->path);
	_cleanup_close_ int fd = -EBADF;

	fd = listen_plainly(place->path);
	/* The name now belongs to a socket that nobody listens on. */
	assert_int_equal(close(listen_plainly(other)), 0);
	assert_int_equal(rename(other, place->path), 0);
	assert_int_equal(look(place->path), SOCK_STALE);
}

/* On a file system of a device number with a minor beyond 8 bits the kernel's encoding shows. */
static int look_on_many_tmpfs(const char *directory)
{
	_cleanup_free_ char *path = str_printf("%s/renamed", directory);
	_cleanup_free_ char *bound = str_printf("%s/bound", directory);
	struct stat status;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 77;
	for (unsigned i = 0; i < 300; i++)
		if (mount("none", directory, "tmpfs", 0, "size=64k") < 0)
			return 77;
	if (stat(directory, &status) < 0 || (status.st_dev & 0xff00000) == 0)
		return 77;
	(void) close(dup(listen_plainly(bound)));
	if (rename(bound, path) < 0)
		return 1;
	return look(path) == SOCK_LISTENING ? 0 : 1;
}

static void test_look_knows_large_device_numbers(void **state)
{
	const Place *place = *state;
	int r = run_in_child(look_on_many_tmpfs, place->directory);

	if (r == 77) {
		print_message("# SKIP needs root to mount 300 file systems of its own\n");
		skip();
	}
	assert_int_equal(r, 0);
}

static int look_as_nobody(const char *path)
{
	SockState state = _SOCK_STATE_MAX;

	if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0 || sock_look(path, &state) < 0)
		return 100;
	return (int) state;
}

static void test_look_as_somebody_without_rights(void **state)
{
	const Place *place = *state;
	_cleanup_close_ int fd = -EBADF;

	if (geteuid() != 0) {
		print_message("# SKIP needs root to become another user\n");
		skip();
	}
	fd = listen_plainly(place->path);
	assert_int_equal(run_in_child(look_as_nobody, place->path), SOCK_FORBIDDEN); /* 0700 */
	assert_int_equal(chmod(place->directory, 0711), 0);
	assert_int_equal(chmod(place->path, 0600), 0);
	assert_int_equal(run_in_child(look_as_nobody, place->path), SOCK_FORBIDDEN);
	assert_int_equal(chmod(place->path, 0666), 0);
	assert_int_equal(run_in_child(look_as_nobody, place->path), SOCK_LISTENING);
}

static void test_states_have_words(void **state)
{
	for (SockState i = 0; i < _SOCK_STATE_MAX; i++)
		assert_string_not_equal(sock_state_to_string(i), "unknown");
	assert_string_equal(sock_state_to_string(SOCK_ABSENT), "no such file");
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(test_listener_takes_connections),
		IN_PLACE(test_connect_is_never_refused_over_a_renewal),
		IN_PLACE(test_who_may_connect_is_set),
		IN_PLACE(test_what_is_not_ours_is_let_be),
		IN_PLACE(test_a_file_system_without_lists),
		IN_PLACE(test_bound_name_is_not_the_path),
		IN_PLACE(test_what_is_there_is_replaced),
		IN_PLACE(test_failure_leaves_nothing),
		IN_PLACE(test_length_of_path),
		IN_PLACE(test_connect_says_what_is_wrong),
		IN_PLACE(test_full_backlog_is_eagain),
		cmocka_unit_test(test_fds_travel),
		IN_PLACE(test_look_tells_the_states_apart),
		IN_PLACE(test_look_sees_relative_renamed_and_linked),
		IN_PLACE(test_look_is_not_fooled_by_another_listener),
		IN_PLACE(test_look_knows_large_device_numbers),
		IN_PLACE(test_look_as_somebody_without_rights),
		cmocka_unit_test(test_states_have_words),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
