/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody else may do, tried on real files. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/access.h"
#include "mvmd/exit-codes.h"

static const Identity stranger = { .uid = 54321, .gid = 54321, .groups = { 777 }, .n_groups = 1 };
static const Identity root = { 0 };
static char directory[32];

static int setup(void **state)
{
	(void) strcpy(directory, "/tmp/mvmd-test-XXXXXX");
	assert_non_null(mkdtemp(directory));
	return chmod(directory, 0755);
}

/* Everything in these tests is one level deep. */
static int teardown(void **state)
{
	static const char *const names[] = { "file", "sock", "dir/file", "dir", "link" };
	char path[64];

	for (size_t i = 0; i < ELEMENTSOF(names); i++) {
		(void) snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		(void) remove(path);
	}
	return rmdir(directory);
}

static char *path_of(const char *name)
{
	static char path[4][64];
	static unsigned next;
	char *p = path[next++ % ELEMENTSOF(path)];

	(void) snprintf(p, sizeof(path[0]), "%s/%s", directory, name);
	return p;
}

static char *make_file(const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	char *path = path_of(name);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "12345", 5), 5);
	(void) close(fd);
	assert_int_equal(chown(path, uid, gid), 0);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

static char *make_directory(const char *name, mode_t mode)
{
	char *path = path_of(name);

	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(chmod(path, mode), 0);
	return path;
}

static void need_root(void)
{
	if (geteuid() == 0)
		return;
	print_message("# another user's rights need root\n");
	skip();
}

static void assert_open(const Identity *identity, const char *path, int flags, int error)
{
	int fd = open_as(identity, path, flags);

	if (error < 0) {
		assert_int_equal(fd, error);
		return;
	}
	assert_true(fd >= 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	(void) close(fd);
}

static void test_open(void **state)
{
	const char *path;
	gid_t groups[8];

	need_root();
	path = make_file("file", 0640, 0, 777);
	assert_open(&stranger, path, O_RDONLY, 0); /* by its supplementary group */
	assert_open(&stranger, path, O_RDWR, -EACCES);
	assert_open(NULL, path, O_RDWR, 0);
	assert_int_equal(geteuid(), 0);
	assert_int_equal(getegid(), 0);
	for (int i = 0, n = getgroups(8, groups); i < n; i++)
		assert_int_not_equal(groups[i], 777);
}

/* Our children as root have no capabilities, so what is another's is closed to them. */
static void test_open_as_root(void **state)
{
	const char *path;

	need_root();
	path = make_file("file", 0600, 54321, 54321);
	assert_open(&root, path, O_RDONLY, -EACCES);
	assert_open(NULL, path, O_RDONLY, 0);
}

/* The file alone decides, though the directory lets nobody through. */
static void test_access_of_file_alone(void **state)
{
	need_root();
	(void) make_directory("dir", 0700);
	(void) make_file("dir/file", 0604, 0, 0);
	assert_int_equal(access_as(&stranger, path_of("dir/file"), R_OK), 0);
	assert_int_equal(access_as(&stranger, path_of("dir/file"), R_OK | W_OK), -EACCES);
	assert_int_equal(access_as(&stranger, path_of("dir"), X_OK), -EACCES);
	assert_int_equal(access_as(&stranger, path_of("none"), R_OK), -ENOENT);
}

static PathFact probe(const Identity *identity, const char *path, int flags)
{
	PathFact fact = { .path = path };

	path_probe(identity, flags, &fact, NULL);
	return fact;
}

static void assert_blocked(PathFact fact, int error, const char *where)
{
	assert_int_equal(fact.error, error);
	assert_string_equal(fact.blocked_at, where);
	free(fact.blocked_at);
}

static void test_probe_file(void **state)
{
	PathFact fact = probe(NULL, make_file("file", 0600, geteuid(), getegid()), O_RDWR);

	assert_int_equal(fact.error, 0);
	assert_null(fact.blocked_at);
	assert_int_equal(fact.size_bytes, 5);
	assert_true(S_ISREG(fact.mode));
	assert_true(fact.ino != 0);
}

static void test_probe_missing(void **state)
{
	assert_blocked(probe(NULL, path_of("no/such/file"), O_RDONLY), -ENOENT, path_of("no"));
	assert_blocked(probe(NULL, path_of("file"), O_RDONLY), -ENOENT, path_of("file"));
	(void) make_file("file", 0600, geteuid(), getegid());
	assert_blocked(probe(NULL, path_of("file/x/y"), O_RDONLY), -ENOTDIR, path_of("file"));
	assert_int_equal(symlink("nowhere", path_of("link")), 0);
	assert_blocked(probe(NULL, path_of("link"), O_RDONLY), -ENOENT, path_of("link"));
}

static void test_probe_denied(void **state)
{
	PathFact fact;

	need_root();
	(void) make_directory("dir", 0755);
	(void) make_file("dir/file", 0600, 0, 0);
	fact = probe(&stranger, path_of("dir/file"), O_RDONLY);
	assert_int_equal(fact.size_bytes, 5); /* stat(2) needs no right on the file */
	assert_blocked(fact, -EACCES, path_of("dir/file"));
	assert_int_equal(chmod(path_of("dir"), 0700), 0);
	assert_blocked(probe(&stranger, path_of("dir/file"), O_RDONLY), -EACCES, path_of("dir"));
}

/* A share is entered and listed. */
static void test_probe_directory(void **state)
{
	need_root();
	(void) make_directory("dir", 0711);
	assert_blocked(probe(&stranger, path_of("dir"), O_RDWR), -EACCES, path_of("dir"));
	assert_int_equal(chmod(path_of("dir"), 0755), 0);
	assert_int_equal(probe(&stranger, path_of("dir"), O_RDWR).error, 0);
}

static void test_probe_socket(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	need_root();
	(void) strcpy(address.sun_path, path_of("sock"));
	assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
	assert_int_equal(chmod(path_of("sock"), 0755), 0);
	assert_blocked(probe(&stranger, path_of("sock"), O_RDWR), -EACCES, path_of("sock"));
	assert_int_equal(chmod(path_of("sock"), 0722), 0);
	assert_int_equal(probe(&stranger, path_of("sock"), O_RDWR).error, 0);
	(void) close(fd);
}

/* To open a pipe would block, and its type is reported anyway. */
static void test_probe_pipe(void **state)
{
	PathFact fact;

	assert_int_equal(mkfifo(path_of("file"), 0600), 0);
	fact = probe(NULL, path_of("file"), O_RDONLY);
	assert_int_equal(fact.error, 0);
	assert_true(S_ISFIFO(fact.mode));
}

static int try_lock(const char *path, bool readonly, Fault *fault)
{
	int fd = -EBADF, r = disk_lock(NULL, path, readonly, &fd, fault);

	if (r == 0)
		(void) close(fd);
	return r;
}

static void test_lock(void **state)
{
	const char *path = make_file("file", 0600, geteuid(), getegid());
	_cleanup_(fault_done) Fault fault = { 0 };
	int fd;

	assert_int_equal(disk_lock(NULL, path, true, &fd, &fault), 0);
	assert_int_equal(try_lock(path, true, &fault), 0); /* readers share it */
	assert_int_equal(try_lock(path, false, &fault), -EWOULDBLOCK);
	assert_int_equal(fault.exit_code, MVMD_EXIT_BUSY);
	(void) close(fd);

	assert_int_equal(disk_lock(NULL, path, false, &fd, &fault), 0);
	assert_int_equal(try_lock(path, true, &fault), -EWOULDBLOCK);
	(void) close(fd);
	assert_int_equal(try_lock(path, false, &fault), 0);
}

/* Another process has it: it is named. */
static void test_lock_holder(void **state)
{
	const char *path = make_file("file", 0600, geteuid(), getegid());
	_cleanup_(fault_done) Fault fault = { 0 };
	_cleanup_free_ char *expected = NULL, *name = NULL;
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = open(path, O_RDWR | O_CLOEXEC);

		(void) !write(ready[1], flock(fd, LOCK_EX) == 0 ? "y" : "n", 1);
		(void) pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(c, 'y');

	assert_int_equal(try_lock(path, false, &fault), -EWOULDBLOCK);
	name = process_name(pid);
	assert_string_equal(name, "test-access");
	expected = str_printf("disk %s is in use: pid %d (test-access) holds a lock on it", path,
			      (int) pid);
	assert_string_equal(fault.what, expected);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void) close(ready[0]);
	(void) close(ready[1]);
}

static void test_lock_denied(void **state)
{
	_cleanup_(fault_done) Fault fault = { 0 };
	int fd = -EBADF;
	const char *path;

	assert_int_equal(try_lock(path_of("file"), false, &fault), -ENOENT);
	assert_int_equal(fault.exit_code, MVMD_EXIT_UNAVAILABLE);
	need_root();
	path = make_file("file", 0600, 0, 0);
	assert_int_equal(disk_lock(&stranger, path, false, &fd, &fault), -EACCES);
	assert_int_equal(fault.exit_code, MVMD_EXIT_PERMISSION);
	assert_int_equal(fd, -EBADF);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_open),
		TEST(test_open_as_root),
		TEST(test_access_of_file_alone),
		TEST(test_probe_file),
		TEST(test_probe_missing),
		TEST(test_probe_denied),
		TEST(test_probe_directory),
		TEST(test_probe_socket),
		TEST(test_probe_pipe),
		TEST(test_lock),
		TEST(test_lock_holder),
		TEST(test_lock_denied),
	};

	(void) cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
