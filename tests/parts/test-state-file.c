/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/cgroup.h"
#include "host/process.h"
#include "host/state-file.h"

static char base[] = "/tmp/mvmd-test-state-XXXXXX";
static char path[sizeof(base) + 16];

static int setup(void **context)
{
	memcpy(base + sizeof(base) - 7, "XXXXXX", 6);
	if (!mkdtemp(base))
		return -1;
	(void) snprintf(path, sizeof(path), "%s/state.json", base);
	return 0;
}

static int teardown(void **context)
{
	(void) unlink(path);
	return rmdir(base); /* fails where a test left anything */
}

/* Differs from an empty one in each field. */
static void make(StateFile *state)
{
	*state = (StateFile){ .vmm_kind = VMM_QEMU,
			      .accel = ACCEL_TCG,
			      .state = VM_RUNNING,
			      .since_realtime_usec = 1234567,
			      .console_bytes = 99,
			      .spec = json_pack("{s:i}", "cpus", 3),
			      .lives = json_pack("{s:i}", "n", 2),
			      .findings = json_pack("[{s:s}]", "id", "leftovers") };
	assert_int_equal(state_process_set(&state->vmm, "qemu", getpid()), 0);
	assert_int_equal(str_set(&state->vmm_version, "7.2.1"), 0);
	assert_int_equal(str_set(&state->spec_file, "/etc/mvmd/web1.json"), 0);
	assert_int_equal(state_file_add_backend(state, "data", "virtiofsd[data]", getpid(), 5), 0);
	assert_int_equal(state_file_add_backend(state, "home", "virtiofsd[home]", 1, 0), 0);
}

static void test_each_field_comes_back(void **context)
{
	StateFile before, after = { 0 };

	make(&before);
	assert_int_equal(state_file_write(path, &before), 0);
	assert_int_equal(state_file_read(path, &after), 0);
	assert_string_equal(after.vmm.label, "qemu");
	assert_int_equal(after.vmm.pid, getpid());
	assert_true(after.vmm.start_ticks > 0 && after.vmm.start_ticks == before.vmm.start_ticks);
	assert_true(after.vmm.pidfd_inode == before.vmm.pidfd_inode);
	assert_true(state_process_is_alive(&after.vmm));
	assert_int_equal(after.vmm_kind, VMM_QEMU);
	assert_string_equal(after.vmm_version, "7.2.1");
	assert_int_equal(after.accel, ACCEL_TCG);
	assert_int_equal(after.n_backends, 2);
	assert_string_equal(after.backends[0].id, "data");
	assert_string_equal(after.backends[0].process.label, "virtiofsd[data]");
	assert_int_equal(after.backends[0].process.pid, getpid());
	assert_int_equal(after.backends[0].restarts, 5);
	assert_string_equal(after.backends[1].id, "home");
	assert_string_equal(after.spec_file, "/etc/mvmd/web1.json");
	assert_int_equal(after.state, VM_RUNNING);
	assert_true(after.since_realtime_usec == 1234567 && after.console_bytes == 99);
	assert_true(json_equal(after.spec, before.spec) && json_equal(after.lives, before.lives) &&
		    json_equal(after.findings, before.findings));
	state_file_done(&before);
	state_file_done(&after);
}

static void test_what_is_not_there_is_not_there(void **context)
{
	StateFile nothing = { 0 }, after = { 0 };

	assert_int_equal(state_file_read(path, &after), -ENOENT);
	assert_int_equal(state_file_write(path, &nothing), 0);
	assert_int_equal(state_file_read(path, &after), 0);
	assert_int_equal(after.vmm.pid, 0);
	assert_false(state_process_is_alive(&after.vmm));
	assert_int_equal(after.n_backends, 0);
	assert_true(!after.vmm_version && !after.spec_file && !after.spec && !after.lives &&
		    !after.findings);
	state_file_done(&after);
}

/* It has words of the guest's console in it, and the spec. */
static void test_nobody_else_reads_it(void **context)
{
	mode_t before = umask(0);
	StateFile state;
	struct stat st;

	make(&state);
	assert_int_equal(state_file_write(path, &state), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	(void) umask(before);
	state_file_done(&state);
}

/* The record with one member changed; NULL: without it. */
static int read_changed(const char *object, const char *key, json_t *value, StateFile *ret)
{
	json_t *json, *changed;
	StateFile state;

	make(&state);
	assert_int_equal(state_file_write(path, &state), 0);
	state_file_done(&state);
	json = json_load_file(path, 0, NULL);
	assert_non_null(json);
	changed = object ? json_object_get(json, object) : json;
	if (json_is_array(changed))
		changed = json_array_get(changed, 0);
	if (value)
		(void) json_object_set_new(changed, key, value);
	else
		(void) json_object_del(changed, key);
	assert_int_equal(json_dump_file(json, path, 0), 0);
	json_decref(json);
	return state_file_read(path, ret);
}

static void test_damage_is_seen(void **context)
{
	static const char *const keys[] = { "version",	"boot_id",  "vmm",
					    "backends", "spec",	    "state",
					    "lives",	"findings", "console_bytes" };
	StateFile state = { .console_bytes = 77 };
	Fault fault = { 0 };
	FILE *file;

	for (size_t i = 0; i < ELEMENTSOF(keys); i++)
		if (read_changed(NULL, keys[i], NULL, &state) != -EUCLEAN)
			fail_msg("without %s", keys[i]);
	for (size_t i = 0; i < ELEMENTSOF(keys); i++)
		if (read_changed(NULL, keys[i], json_real(0.5), &state) != -EUCLEAN)
			fail_msg("%s", keys[i]);
	assert_int_equal(read_changed("vmm", "pid", json_integer(-5), &state), -EUCLEAN);
	assert_int_equal(read_changed("vmm", "kind", json_string("xen"), &state), -EUCLEAN);
	assert_int_equal(read_changed("backends", "pid", NULL, &state), -EUCLEAN);
	assert_int_equal(read_changed("backends", "restarts", json_integer(-1), &state), -EUCLEAN);
	assert_int_equal(read_changed(NULL, "state", json_string("dancing"), &state), -EUCLEAN);

	file = fopen(path, "we");
	assert_non_null(file);
	(void) fputs("{ \"version\": 2, ", file);
	(void) fclose(file);
	assert_int_equal(state_file_read(path, &state), -EUCLEAN);
	assert_true(state.console_bytes == 77);
	(void) state_file_fault(path, -EUCLEAN, &fault);
	assert_string_equal(fault.id, "record-unreadable");
	assert_non_null(strstr(fault.what, path));
	fault_done(&fault);
}

static void test_what_a_newer_one_adds_is_left_out(void **context)
{
	StateFile state = { 0 };

	assert_int_equal(read_changed(NULL, "colour", json_string("red"), &state), 0);
	assert_int_equal(state.n_backends, 2);
	state_file_done(&state);
	assert_int_equal(read_changed("vmm", "colour", json_string("red"), &state), 0);
	state_file_done(&state);
}

static void test_a_newer_version_is_told_in_words(void **context)
{
	StateFile state = { 0 };
	Fault fault = { 0 };
	int r = read_changed(NULL, "version", json_integer(3), &state);

	assert_int_equal(r, -EPROTONOSUPPORT);
	assert_int_equal(state_file_fault(path, r, &fault), r);
	assert_string_equal(fault.id, "record-newer");
	assert_non_null(strstr(fault.what, path));
	assert_non_null(strstr(fault.remedy, "newer"));
	fault_done(&fault);
}

/* What had been a process then is another one now, whatever its number. */
static void test_another_boot_is_no_record(void **context)
{
	StateFile state = { 0 };

	assert_int_equal(read_changed(NULL, "boot_id",
				      json_string("7a0f1c52-0d5e-4d0a-9d5f-1d1b2a3c4d5e"), &state),
			 -ESTALE);
}

/* As an earlier mvmd wrote it: nothing but the processes. */
static void test_the_first_version_is_read(void **context)
{
	FILE *file = fopen(path, "we");
	StateFile state = { 0 };

	assert_non_null(file);
	(void) fprintf(file,
		       "{ \"version\": 1, \"vmm\": { \"label\": \"qemu\", \"pid\": %d,"
		       "  \"start_ticks\": %llu }, \"backends\": [ { \"label\": \"virtiofsd[a]\","
		       "  \"pid\": 7, \"start_ticks\": 8 } ] }",
		       getpid(), (unsigned long long) process_start_ticks(getpid()));
	(void) fclose(file);
	assert_int_equal(state_file_read(path, &state), 0);
	assert_true(state_process_is_alive(&state.vmm));
	assert_int_equal(state.backends[0].process.pid, 7);
	assert_null(state.spec);
	state_file_done(&state);
}

/* A link that somebody put there is not followed, neither way. */
static void test_a_link_leads_nowhere(void **context)
{
	char other[sizeof(path) + 8];
	StateFile state;

	(void) snprintf(other, sizeof(other), "%s/other", base);
	assert_int_equal(symlink(other, path), 0);
	make(&state);
	assert_int_equal(state_file_write(path, &state), 0);
	assert_int_equal(access(other, F_OK), -1);
	state_file_done(&state);
}

/* How a process ends that its parent reaps, and nobody tells us. */

typedef void (*Ending)(void);

/* Started by a process that goes at once: nobody's child of ours. *ret is its pidfd; it ends when a byte comes. */
static int start_stranger(Ending ending, int *ret_go)
{
	int go[2], told[2], pidfd;
	pid_t middle, pid = 0;

	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(told), 0);
	middle = fork();
	assert_true(middle >= 0);
	if (middle == 0) {
		char byte;

		(void) close(go[1]);
		pid = fork();
		if (pid == 0) {
			(void) !read(go[0], &byte, 1);
			ending();
		}
		(void) !write(told[1], &pid, sizeof(pid));
		(void) waitpid(pid, NULL, 0);
		_exit(0);
	}
	(void) close(go[0]);
	(void) close(told[1]);
	assert_int_equal(read(told[0], &pid, sizeof(pid)), sizeof(pid));
	(void) close(told[0]);
	pidfd = pidfd_open(pid, 0);
	assert_true(pidfd >= 0);
	*ret_go = go[1];
	return pidfd;
}

__attribute__((noreturn)) static void exit_with_7(void)
{
	_exit(7);
}

static void end_by_sigkill(void)
{
	(void) raise(SIGKILL);
}

static bool kernel_tells(void)
{
	unsigned major = 0, minor = 0;
	struct utsname name;

	(void) uname(&name);
	(void) sscanf(name.release, "%u.%u", &major, &minor);
	return major > 6 || (major == 6 && minor >= 15);
}

static ChildEnd end_of(Ending ending)
{
	ChildEnd end = { 0 };
	int go, r, pidfd = start_stranger(ending, &go);

	assert_int_equal(process_exit_status(pidfd, &end), kernel_tells() ? -EAGAIN : -ENODATA);
	(void) close(go);
	assert_true(wait(NULL) > 0); /* the one between reaps it and goes */
	r = process_exit_status(pidfd, &end);
	(void) close(pidfd);
	assert_int_equal(r, 0);
	return end;
}

static void test_how_a_stranger_ended(void **context)
{
	ChildEnd end;

	if (!kernel_tells())
		skip(); /* before 6.15 */
	end = end_of(exit_with_7);
	assert_int_equal(end.code, CLD_EXITED);
	assert_int_equal(end.status, 7);
	end = end_of(end_by_sigkill);
	assert_int_equal(end.code, CLD_KILLED);
	assert_int_equal(end.status, SIGKILL);
}

/* What is no process has no end: as a kernel that does not know the call. */
static void test_no_answer_is_no_end(void **context)
{
	ChildEnd end = { .code = 77 };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(process_exit_status(fd, &end), -ENODATA);
	assert_int_equal(end.code, 77);
	(void) close(fd);
}

static void test_our_own_group_has_us(void **context)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;

	if (cgroup_processes(&pids, &n) < 0) {
		printf("# SKIP: this process is in no group of the unified hierarchy\n");
		skip();
	}
	assert_true(n > 0);
	assert_true(cgroup_has(getpid()));
	assert_false(cgroup_has(1 << 22));
	assert_false(cgroup_is_of_unit("mvmd@web1.service"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_each_field_comes_back),
		TEST(test_what_is_not_there_is_not_there),
		TEST(test_nobody_else_reads_it),
		TEST(test_damage_is_seen),
		TEST(test_what_a_newer_one_adds_is_left_out),
		TEST(test_a_newer_version_is_told_in_words),
		TEST(test_another_boot_is_no_record),
		TEST(test_the_first_version_is_read),
		TEST(test_a_link_leads_nowhere),
		TEST(test_how_a_stranger_ended),
		TEST(test_no_answer_is_no_end),
		TEST(test_our_own_group_has_us),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
