/* SPDX-License-Identifier: Apache-2.0 */
/* What a started program finds: read from /proc, as an administrator would look. */
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/spawn.h"
#include "mvmd/exit-codes.h"

#define STRANGER	 54321
#define START_LIMIT_USEC (60 * USEC_PER_SEC)
#define READ_LIMIT_USEC	 (60 * USEC_PER_SEC)
#define WORDS(...)                                                                                 \
	(char *const[])                                                                            \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}
#define WORD(text) ((char[]){ text })

static const Identity stranger = {
	.uid = STRANGER, .gid = STRANGER, .groups = { 7 }, .n_groups = 1
};

/* A program that waits for ever, for a look at it from outside. */
typedef struct Running {
	pid_t pid;
	int pidfd;
} Running;

/*
 * Until it sleeps. spawn() comes back as soon as memory is no longer shared, and that is before the kernel
 * closes what is CLOEXEC (fs/exec.c: begin_new_exec) and before the dynamic loader has closed what it opens.
 */
static void wait_until_it_sleeps(pid_t pid)
{
	const uint64_t deadline_usec = now_usec() + START_LIMIT_USEC;
	char path[64], line[256], expected[64];
	bool sleeps = false;

	(void) snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
	(void) snprintf(expected, sizeof(expected), "%d (sleep) S ", (int) pid);
	while (!sleeps) {
		FILE *file = fopen(path, "re");

		assert_non_null(file);
		assert_non_null(fgets(line, sizeof(line), file));
		(void) fclose(file);
		sleeps = strncmp(line, expected, strlen(expected)) == 0;
		if (now_usec() > deadline_usec)
			fail_msg("it does not sleep: %s", line);
	}
}

static Running run_sleep(SpawnConfig config)
{
	Running running;
	Fault fault = { 0 };

	config.path = "/bin/sleep";
	config.argv = WORDS(WORD("sleep"), WORD("1000"));
	if (spawn(&config, &running.pid, &running.pidfd, &fault) < 0)
		fail_msg("%s", fault.what);
	wait_until_it_sleeps(running.pid);
	return running;
}

static void end(const Running *running)
{
	assert_int_equal(pidfd_signal(running->pidfd, SIGKILL), 0);
	assert_int_equal(waitpid(running->pid, NULL, 0), running->pid);
	(void) close(running->pidfd);
}

/* The value of a line of /proc/PID/status, without the blanks around it. */
static void assert_status(pid_t pid, const char *key, const char *expected)
{
	char path[64], line[256], value[256] = "";
	FILE *file;

	(void) snprintf(path, sizeof(path), "/proc/%d/status", (int) pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
			(void) sscanf(line + strlen(key) + 1, " %255[^\n]", value);
	(void) fclose(file);
	for (size_t n = strlen(value); n > 0 && value[n - 1] == ' '; n--)
		value[n - 1] = '\0';
	assert_string_equal(value, expected);
}

static void assert_link(pid_t pid, const char *name, const char *expected)
{
	char path[64], target[256] = "";

	(void) snprintf(path, sizeof(path), "/proc/%d/%s", (int) pid, name);
	assert_true(readlink(path, target, sizeof(target) - 1) > 0);
	assert_string_equal(target, expected);
}

/* The child's fd is the same open file as ours. */
static void assert_same_file(pid_t pid, int number, int ours)
{
	char path[64];
	struct stat theirs, mine;

	(void) snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int) pid, number);
	assert_int_equal(stat(path, &theirs), 0);
	assert_int_equal(fstat(ours, &mine), 0);
	assert_true(theirs.st_dev == mine.st_dev && theirs.st_ino == mine.st_ino);
}

static size_t count_fds(pid_t pid)
{
	char path[64];
	size_t n = 0;

	for (int i = 0; i < 1024; i++) {
		(void) snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int) pid, i);
		if (access(path, F_OK) == 0 || errno != ENOENT)
			n++;
	}
	return n;
}

static void skip_unless_root(void)
{
	if (geteuid() == 0)
		return;
	print_message("# another user's process needs root\n");
	skip();
}

static void test_other_user(void **state)
{
	Running running;

	skip_unless_root();
	running = run_sleep((SpawnConfig){ .identity = &stranger });
	assert_status(running.pid, "Uid", "54321\t54321\t54321\t54321");
	assert_status(running.pid, "Gid", "54321\t54321\t54321\t54321");
	assert_status(running.pid, "Groups", "7");
	assert_status(running.pid, "CapInh", "0000000000000000");
	assert_status(running.pid, "CapPrm", "0000000000000000");
	assert_status(running.pid, "CapEff", "0000000000000000");
	assert_status(running.pid, "CapAmb", "0000000000000000");
	assert_status(running.pid, "NoNewPrivs", "1");
	assert_status(running.pid, "Umask", "0077");
	assert_link(running.pid, "cwd", "/");
	assert_int_equal(getsid(running.pid), running.pid);
	end(&running);
}

static void test_root_without_capabilities(void **state)
{
	const Identity root = { 0 };
	Running running;

	skip_unless_root();
	running = run_sleep((SpawnConfig){ .identity = &root });
	assert_status(running.pid, "Uid", "0\t0\t0\t0");
	assert_status(running.pid, "Groups", "");
	assert_status(running.pid, "CapPrm", "0000000000000000");
	assert_status(running.pid, "CapEff", "0000000000000000");
	assert_status(running.pid, "NoNewPrivs", "1");
	end(&running);
}

static void test_root_with_capabilities(void **state)
{
	const Identity root = { 0 };
	Running running;
	char line[64] = "", ours[64] = "";
	FILE *file = fopen("/proc/self/status", "re");

	skip_unless_root();
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		(void) sscanf(line, "CapEff: %63s", ours);
	(void) fclose(file);

	running = run_sleep((SpawnConfig){ .identity = &root, .keep_capabilities = true });
	assert_status(running.pid, "CapEff", ours);
	assert_status(running.pid, "NoNewPrivs", "0");
	end(&running);
}

/* Our own process ignores SIGPIPE, catches SIGUSR1 and blocks SIGTERM: the child does none of it. */
static void test_signals(void **state)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction before;
	sigset_t set, old;
	Running running;

	assert_int_equal(sigaction(SIGPIPE, &ignore, &before), 0);
	(void) sigemptyset(&set);
	(void) sigaddset(&set, SIGTERM);
	(void) sigprocmask(SIG_BLOCK, &set, &old);
	running = run_sleep((SpawnConfig){ 0 });
	assert_status(running.pid, "SigIgn", "0000000000000000");
	assert_status(running.pid, "SigBlk", "0000000000000000");
	end(&running);

	(void) sigprocmask(SIG_SETMASK, &old, &set);
	assert_int_equal(sigismember(&set, SIGTERM), 1);
	(void) sigaction(SIGPIPE, &before, NULL);
}

static void test_only_named_fds(void **state)
{
	int stray = open("/dev/zero", O_RDONLY | O_CLOEXEC), heir = open("/dev/zero", O_RDONLY),
	    pipe_fds[2];
	SpawnFd fds[2];
	Running running;

	assert_int_equal(pipe(pipe_fds), 0);
	fds[0] = (SpawnFd){ pipe_fds[0], 9 };
	fds[1] = (SpawnFd){ pipe_fds[1], 1 };
	running = run_sleep((SpawnConfig){ .fds = fds, .n_fds = 2 });
	assert_int_equal(count_fds(running.pid), 4);
	assert_link(running.pid, "fd/0", "/dev/null");
	assert_link(running.pid, "fd/2", "/dev/null");
	assert_same_file(running.pid, 1, pipe_fds[1]);
	assert_same_file(running.pid, 9, pipe_fds[0]);
	end(&running);

	(void) close(stray);
	(void) close(heir);
	(void) close(pipe_fds[0]);
	(void) close(pipe_fds[1]);
}

/* Each is to get the number that the other one has here. */
static void test_fds_that_swap(void **state)
{
	int a[2], b[2];
	SpawnFd fds[2];
	Running running;

	assert_int_equal(pipe2(a, O_CLOEXEC), 0);
	assert_int_equal(pipe2(b, O_CLOEXEC), 0);
	fds[0] = (SpawnFd){ a[0], b[0] };
	fds[1] = (SpawnFd){ b[0], a[0] };
	running = run_sleep((SpawnConfig){ .fds = fds, .n_fds = 2 });
	assert_int_equal(count_fds(running.pid), 5);
	assert_same_file(running.pid, b[0], a[0]);
	assert_same_file(running.pid, a[0], b[0]);
	end(&running);

	for (int i = 0; i < 2; i++) {
		(void) close(a[i]);
		(void) close(b[i]);
	}
}

/* The same number inside and outside, CLOEXEC outside. */
static void test_fd_that_stays(void **state)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	const SpawnFd fds[] = { { fd, fd }, { fd, 0 } };
	Running running = run_sleep((SpawnConfig){ .fds = fds, .n_fds = ELEMENTSOF(fds) });
	char name[16];

	(void) snprintf(name, sizeof(name), "fd/%d", fd);
	assert_link(running.pid, name, "/dev/zero");
	assert_link(running.pid, "fd/0", "/dev/zero");
	assert_int_equal(count_fds(running.pid), 4);
	end(&running);
	(void) close(fd);
}

static void test_no_such_program(void **state)
{
	const SpawnConfig config = { .path = "/nowhere/vmm", .argv = WORDS(WORD("vmm")) };
	_cleanup_(fault_done) Fault fault = { 0 };
	int pidfd = -EBADF;
	pid_t pid = 0;

	assert_int_equal(spawn(&config, &pid, &pidfd, &fault), -ENOENT);
	assert_int_equal(fault.exit_code, MVMD_EXIT_UNAVAILABLE);
	assert_string_equal(fault.what,
			    "cannot start /nowhere/vmm: cannot execute it: No such file "
			    "or directory");
	assert_int_equal(pid, 0);
	assert_int_equal(pidfd, -EBADF);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* and no zombie */
	assert_int_equal(errno, ECHILD);
}

static void test_program_of_somebody_else(void **state)
{
	char path[] = "/tmp/mvmd-test-XXXXXX";
	int fd = mkstemp(path), pidfd;
	const SpawnConfig config = { .path = path, .argv = WORDS(path), .identity = &stranger };
	_cleanup_(fault_done) Fault fault = { 0 };
	pid_t pid;

	skip_unless_root();
	assert_int_equal(fchmod(fd, 0700), 0);
	(void) close(fd);
	assert_int_equal(spawn(&config, &pid, &pidfd, &fault), -EACCES);
	assert_int_equal(fault.exit_code, MVMD_EXIT_PERMISSION);
	assert_string_equal(fault.why, "it was tried as uid 54321, gid 54321");
	(void) unlink(path);
}

/*
 * The exec waits for as long as we keep the write lease on the file (fcntl(2)), as it does where somebody stops
 * the new process.
 */
static void test_program_that_does_not_begin(void **state)
{
	char path[] = "/tmp/mvmd-test-XXXXXX";
	SpawnConfig config = { .path = path, .argv = WORDS(WORD("x")) };
	int fd = mkostemp(path, O_CLOEXEC), pidfd;
	Fault fault = { 0 };
	pid_t pid;

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0755), 0);
	(void) signal(SIGIO, SIG_IGN);
	if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0) {
		(void) unlink(path);
		print_message("# no lease on a file of /tmp: %s\n", strerror(errno));
		skip();
	}
	assert_int_equal(spawn(&config, &pid, &pidfd, &fault), -ETIMEDOUT);
	assert_non_null(strstr(fault.what, "did not begin"));
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left of it */
	assert_int_equal(errno, ECHILD);
	fault_done(&fault);
	(void) close(fd);
	assert_int_equal(unlink(path), 0);
}

static void test_read(void **state)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(spawn_read("/usr/bin/env", WORDS(WORD("env"), WORD("-u"), WORD("PATH")),
				    READ_LIMIT_USEC, &text),
			 0);
	assert_string_equal(text, "LANG=C.UTF-8\n");
}

/* Under sudo root has supplementary groups, and a program without capabilities cannot drop them. */
static void test_read_without_groups(void **state)
{
	char *const argv[] = { (char[]){ "id" }, (char[]){ "-G" }, NULL };
	const gid_t groups[] = { 0, 12345 };
	_cleanup_free_ char *text = NULL;
	gid_t before[64];
	int n;

	if (geteuid() != 0) {
		print_message("# other groups need root\n");
		skip();
	}
	n = getgroups((int) ELEMENTSOF(before), before);
	assert_int_equal(setgroups(ELEMENTSOF(groups), groups), 0);
	assert_int_equal(spawn_read("/usr/bin/id", argv, READ_LIMIT_USEC, &text), 0);
	assert_string_equal(text, "0\n");
	assert_int_equal(setgroups((size_t) n, before), 0);
}

static void test_read_failure(void **state)
{
	char *text = NULL;

	assert_int_equal(spawn_read("/bin/false", WORDS(WORD("false")), READ_LIMIT_USEC, &text),
			 -ENOEXEC);
	assert_int_equal(spawn_read("/nowhere", WORDS(WORD("x")), READ_LIMIT_USEC, &text), -ENOENT);
	assert_null(text);
}

static void test_read_timeout(void **state)
{
	char *text = NULL;

	assert_int_equal(
		spawn_read("/bin/sleep", WORDS(WORD("sleep"), WORD("1000")), USEC_PER_MSEC, &text),
		-ETIMEDOUT);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_read_flood(void **state)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(spawn_read("/usr/bin/seq", WORDS(WORD("seq"), WORD("100000")),
				    READ_LIMIT_USEC, &text),
			 0);
	assert_true(strlen(text) <= 4096);
	assert_memory_equal(text, "1\n2\n3\n", 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_user),
		cmocka_unit_test(test_root_without_capabilities),
		cmocka_unit_test(test_root_with_capabilities),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_only_named_fds),
		cmocka_unit_test(test_fds_that_swap),
		cmocka_unit_test(test_fd_that_stays),
		cmocka_unit_test(test_no_such_program),
		cmocka_unit_test(test_program_of_somebody_else),
		cmocka_unit_test(test_program_that_does_not_begin),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_without_groups),
		cmocka_unit_test(test_read_failure),
		cmocka_unit_test(test_read_timeout),
		cmocka_unit_test(test_read_flood),
	};

	(void) cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
