/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/access.h"
#include "host/become.h"
#include "host/vm-dir.h"
#include "mvmd/exit-codes.h"

static char base[] = "/tmp/mvmd-test-vm-dir-XXXXXX";
static char runtime[sizeof(base) + 8];
static VmPlaces web1, web2;
static const Identity vm_user = { .uid = 12345, .gid = 12345 };
static const Identity other_user = { .uid = 12346, .gid = 12345 };

static int setup(void **context)
{
	memcpy(base + sizeof(base) - 7, "XXXXXX", 6);
	if (!mkdtemp(base) || chmod(base, 0755) < 0)
		return -1;
	(void) snprintf(runtime, sizeof(runtime), "%s/run", base);
	return vm_places_init(runtime, "web1", &web1) < 0 ||
			       vm_places_init(runtime, "web2", &web2) < 0 ?
		       -1 :
		       0;
}

static int teardown(void **context)
{
	vm_places_done(&web1);
	vm_places_done(&web2);
	(void) rmdir(runtime);
	return rmdir(base); /* fails where a test left anything */
}

static int lock(const VmPlaces *places)
{
	Fault fault = { 0 };
	int fd = -EBADF;

	if (vm_lock(places, &fd, &fault) < 0)
		fail_msg("%s", fault.what);
	return fd;
}

static void test_a_lock_is_held_once(void **context)
{
	Fault fault = { 0 };
	int fd = lock(&web1), other = -EBADF;
	char pid[32];

	assert_int_equal(vm_lock_holder(web1.lock_file), getpid());
	assert_int_equal(vm_lock_holder(web2.lock_file), 0);
	/* Whoever looked took nothing: it is still held, by us. */
	assert_int_equal(vm_lock(&web1, &other, &fault), -EBUSY);
	assert_int_equal(fault.exit_code, MVMD_EXIT_BUSY);
	(void) snprintf(pid, sizeof(pid), "pid %d", getpid());
	assert_non_null(strstr(fault.what, pid));
	fault_done(&fault);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	vm_unlock(&web1, fd);
	assert_int_equal(vm_lock_holder(web1.lock_file), 0);
}

static void test_the_last_one_out_removes_what_the_first_made(void **context)
{
	int first = lock(&web1), second = lock(&web2);

	vm_unlock(&web1, first);
	assert_int_equal(access(runtime, F_OK), 0);
	vm_unlock(&web2, second);
	assert_int_equal(access(runtime, F_OK), -1);
}

static void test_a_directory_of_somebody_else_stays(void **context)
{
	assert_int_equal(mkdir(runtime, 0755), 0);
	vm_unlock(&web1, lock(&web1));
	assert_int_equal(access(runtime, F_OK), 0);
	assert_int_equal(rmdir(runtime), 0); /* and it is empty, as it was */
}

static void test_a_parent_that_is_missing_is_told(void **context)
{
	Fault fault = { 0 };
	VmPlaces places;
	int fd;

	assert_int_equal(vm_places_init("/nonexistent/run", "web1", &places), 0);
	assert_int_equal(vm_lock(&places, &fd, &fault), -ENOENT);
	assert_non_null(strstr(fault.what, "/nonexistent/run"));
	fault_done(&fault);
	vm_places_done(&places);
}

/* A process that does nothing, as a VMM or backend of an earlier run. */
static pid_t start_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			(void) pause();
	assert_true(pid > 0);
	return pid;
}

/* What a killed supervisor leaves: its directory, and a record of its processes. */
static int leave(pid_t vmm, pid_t backend)
{
	StateFile state = { 0 };
	Fault fault = { 0 };
	int fd = lock(&web1);

	assert_int_equal(vm_directory_make(&web1, &vm_user, &fault), 0);
	if (vmm)
		assert_int_equal(state_process_set(&state.vmm, "qemu", vmm), 0);
	if (backend)
		assert_int_equal(
			state_file_add_backend(&state, "data", "virtiofsd[data]", backend, 0), 0);
	assert_int_equal(state_file_write(web1.state_file, &state), 0);
	state_file_done(&state);
	return fd;
}

static void test_a_living_vmm_is_not_touched(void **context)
{
	_cleanup_free_ char *found = NULL;
	pid_t vmm = start_process();
	Fault fault = { 0 };
	int fd = leave(vmm, 0);

	assert_int_equal(vm_leftovers_clean(&web1, false, &found, &fault), -EBUSY);
	assert_int_equal(fault.exit_code, MVMD_EXIT_BUSY);
	assert_non_null(strstr(fault.remedy, "mvmd stop --force web1"));
	fault_done(&fault);
	assert_int_equal(kill(vmm, 0), 0);
	assert_int_equal(access(web1.directory, F_OK), 0);

	assert_int_equal(vm_leftovers_clean(&web1, true, &found, &fault), 0);
	assert_non_null(strstr(found, "qemu"));
	assert_int_equal(waitpid(vmm, NULL, 0), vmm);
	assert_int_equal(access(web1.directory, F_OK), -1);
	vm_unlock(&web1, fd);
}

static void test_backends_of_a_dead_vmm_are_ended(void **context)
{
	_cleanup_free_ char *found = NULL;
	pid_t backend = start_process();
	Fault fault = { 0 };
	int fd = leave(0, backend);

	assert_int_equal(vm_leftovers_clean(&web1, false, &found, &fault), 0);
	assert_non_null(strstr(found, "virtiofsd[data]"));
	assert_int_equal(waitpid(backend, NULL, 0), backend);
	assert_int_equal(access(web1.directory, F_OK), -1);
	vm_unlock(&web1, fd);
}

/* A pid that was given to somebody else is known by what the record says of its process. */
static void expect_stranger(void (*change)(StateProcess *process))
{
	_cleanup_free_ char *found = NULL;
	StateFile state = { 0 };
	pid_t stranger = start_process();
	Fault fault = { 0 };
	int fd = leave(0, 0);

	assert_int_equal(state_process_set(&state.vmm, "qemu", stranger), 0);
	change(&state.vmm);
	assert_int_equal(state_file_write(web1.state_file, &state), 0);
	state_file_done(&state);
	assert_int_equal(vm_leftovers_clean(&web1, true, &found, &fault), 0);
	assert_int_equal(kill(stranger, 0), 0);
	assert_int_equal(kill(stranger, SIGKILL), 0);
	assert_int_equal(waitpid(stranger, NULL, 0), stranger);
	vm_unlock(&web1, fd);
}

static void other_start_time(StateProcess *process)
{
	process->start_ticks--;
}

/* As within the unit, where ProtectProc= hides the start time. */
static void other_pidfd(StateProcess *process)
{
	process->start_ticks = 0;
	process->pidfd_inode--;
}

static void test_a_stranger_with_that_pid_lives_on(void **context)
{
	StateProcess self = { 0 };

	expect_stranger(other_start_time);
	assert_int_equal(state_process_set(&self, "self", getpid()), 0);
	free(self.label);
	if (self.pidfd_inode > 0) /* kernel >= 6.9 */
		expect_stranger(other_pidfd);
}

static void test_a_process_that_is_hidden_is_known(void **context)
{
	StateProcess self = { 0 };
	int fd;

	assert_int_equal(state_process_set(&self, "self", getpid()), 0);
	self.start_ticks = 0;
	fd = state_process_open(&self);
	assert_true(fd >= 0);
	(void) close(fd);
	free(self.label);
}

static void test_a_damaged_record_names_nobody(void **context)
{
	_cleanup_free_ char *found = NULL;
	Fault fault = { 0 };
	int fd = leave(0, 0);
	FILE *file = fopen(web1.state_file, "we");

	assert_non_null(file);
	(void) fputs("{ \"vmm\": ", file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(vm_leftovers_clean(&web1, false, &found, &fault), 0);
	assert_int_equal(access(web1.directory, F_OK), -1);
	vm_unlock(&web1, fd);
}

static void test_directories_let_nobody_look_in(void **context)
{
	int fd = leave(0, 0);
	struct stat directory, vmm;

	assert_int_equal(stat(web1.directory, &directory), 0);
	assert_int_equal(directory.st_mode & 0777, 0711);
	assert_int_equal(stat(web1.vmm_directory, &vmm), 0);
	assert_int_equal(vmm.st_mode & 0007, 0);
	assert_int_equal(access_as(&vm_user, web1.vmm_directory, R_OK | W_OK | X_OK), 0);
	assert_int_equal(access_as(&other_user, web1.vmm_directory, X_OK), -EACCES);
	assert_int_equal(access_as(&vm_user, web1.directory, R_OK), -EACCES);
	assert_int_equal(vm_directory_remove(&web1), 0);
	vm_unlock(&web1, fd);
}

/* A VMM's own folder may hold anything: directories in directories, and links to what is not ours. */
static void test_whatever_a_vmm_made_is_removed(void **context)
{
	_cleanup_free_ char *found = NULL, *link = str_printf("%s/link", web1.vmm_directory);
	int at, fd = leave(0, 0);
	Fault fault = { 0 };
	Before before;

	assert_int_equal(become(&vm_user, &before), 0);
	assert_int_equal(symlink(base, link), 0);
	at = open(web1.vmm_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; i < 100; i++) {
		int below;

		assert_int_equal(mkdirat(at, "a", 0700), 0);
		assert_int_equal(mkdirat(at, "b", 0700), 0);
		assert_int_equal(symlinkat("/", at, "root"), 0);
		below = openat(at, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(below >= 0);
		if (i > 0) /* the outermost is not theirs */
			assert_int_equal(fchmod(at, i % 2 ? 0700 : 0), 0);
		(void) close(at);
		at = below;
	}
	(void) close(at);
	become_ourselves(&before);

	assert_int_equal(vm_leftovers_clean(&web1, false, &found, &fault), 0);
	assert_int_equal(access(web1.directory, F_OK), -1);
	assert_int_equal(access(web1.lock_file, F_OK), 0);
	vm_unlock(&web1, fd);
}

/* As with --runtime-dir=/home/me and a VM called "music". */
static void test_a_folder_that_is_no_vms_is_left_alone(void **context)
{
	_cleanup_free_ char *found = NULL, *song = str_printf("%s/song", web1.directory);
	int file, fd = lock(&web1);
	Fault fault = { 0 };

	assert_int_equal(mkdir(web1.directory, 0755), 0);
	file = open(song, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(file >= 0);
	(void) close(file);

	assert_int_equal(vm_leftovers_clean(&web1, true, &found, &fault), -EEXIST);
	assert_non_null(strstr(fault.what, "song"));
	fault_done(&fault);
	assert_int_equal(unlink(song), 0);
	assert_int_equal(rmdir(web1.directory), 0);
	vm_unlock(&web1, fd);
}

/* What mvmd@.service leaves to root: it neither looks past modes nor gives files away. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	data[0].effective = data[0].permitted = CAP_TO_MASK(CAP_NET_ADMIN) |
						CAP_TO_MASK(CAP_SETUID) | CAP_TO_MASK(CAP_SETGID) |
						CAP_TO_MASK(CAP_KILL);
	return (int) syscall(SYS_capset, &header, data);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_lock_is_held_once),
		TEST(test_the_last_one_out_removes_what_the_first_made),
		TEST(test_a_directory_of_somebody_else_stays),
		TEST(test_a_parent_that_is_missing_is_told),
		TEST(test_a_living_vmm_is_not_touched),
		TEST(test_backends_of_a_dead_vmm_are_ended),
		TEST(test_a_stranger_with_that_pid_lives_on),
		TEST(test_a_process_that_is_hidden_is_known),
		TEST(test_a_damaged_record_names_nobody),
		TEST(test_directories_let_nobody_look_in),
		TEST(test_whatever_a_vmm_made_is_removed),
		TEST(test_a_folder_that_is_no_vms_is_left_alone),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (geteuid() != 0) {
		(void) printf("1..0 # SKIP it takes root to be another user\n");
		return 0;
	}
	if (drop_capabilities() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
