/* SPDX-License-Identifier: Apache-2.0 */
/* Who has a CID, by the records of the VMs that run, and what is said of it. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/cid-look.h"
#include "host/state-file.h"
#include "host/vhost.h"
#include "host/vm-dir.h"
#include "model/run-faults.h"
#include "mvmd/exit-codes.h"

#define DERIVED_CID UINT32_C(4134498856) /* of web1: mvmd.vm(5) */

static char base[] = "/tmp/mvmd-test-cid-XXXXXX";
static VmPlaces places;

static int setup(void **context)
{
	memcpy(base + sizeof(base) - 7, "XXXXXX", 6);
	return mkdtemp(base) && vm_places_init(base, "web1", &places) == 0 &&
			       mkdir(places.directory, 0700) == 0 ?
		       0 :
		       -1;
}

static int teardown(void **context)
{
	_cleanup_free_ char *lock = str_printf("%s/.lock", base); /* host/vm-dir.c: of all VMs */

	(void) unlink(lock);
	(void) unlink(places.lock_file);
	(void) unlink(places.state_file);
	(void) rmdir(places.directory);
	vm_places_done(&places);
	return rmdir(base);
}

/* The record of web1, which runs in that VMM, our own process; its spec has that key. */
static void record(VmmKind kind, pid_t pid, const char *key, json_t *value)
{
	StateFile state = { .vmm_kind = kind, .accel = ACCEL_KVM, .state = VM_RUNNING };

	state.spec = json_pack("{s:s, s:{s:s}, s:o}", "memory", "64MiB", "boot", "kernel",
			       "/vmlinuz", key, value);
	assert_non_null(state.spec);
	assert_int_equal(str_set(&state.spec_file, "/etc/mvmd/web1.json"), 0);
	assert_int_equal(state_process_set(&state.vmm, "the VMM", pid), 0);
	assert_int_equal(state_file_write(places.state_file, &state), 0);
	state_file_done(&state);
}

static void record_cid(VmmKind kind, pid_t pid, json_int_t cid)
{
	record(kind, pid, "vsock", json_pack("{s:I}", "cid", cid));
}

static void assert_holder(const char *except, uint32_t cid, const char *wanted)
{
	_cleanup_free_ char *holder = cid_holder(base, except, cid);

	if (!streq_null(holder, wanted) && (holder || wanted))
		fail_msg("%s has CID %u, not %s", holder ?: "nobody", cid, wanted ?: "nobody");
}

static void test_the_record_tells(void **context)
{
	record_cid(VMM_QEMU, getpid(), 7);
	assert_holder("db", 7, "web1");
	assert_holder("db", 8, NULL);
	assert_holder("db", DERIVED_CID, NULL);
}

static void test_its_own_is_its_own(void **context)
{
	record_cid(VMM_QEMU, getpid(), 7);
	assert_holder("web1", 7, NULL);
}

static void test_one_that_is_not_written(void **context)
{
	record(VMM_QEMU, getpid(), "vsock", json_object());
	assert_holder("db", DERIVED_CID, "web1");
	record(VMM_QEMU, getpid(), "ready", json_string("guest"));
	assert_holder("db", DERIVED_CID, "web1");
	record(VMM_QEMU, getpid(), "description", json_string("without a vsock"));
	assert_holder("db", DERIVED_CID, NULL);
}

/* Its vsock is a socket of its own. */
static void test_cloud_hypervisor_has_none(void **context)
{
	record_cid(VMM_CLOUD_HYPERVISOR, getpid(), 7);
	assert_holder("db", 7, NULL);
}

/* A VMM that cannot be seen lives where its supervisor has the lock. */
static void test_one_that_ended(void **context)
{
	pid_t pid = fork(), supervisor;
	int pipes[2], r, status;
	Fault fault = { 0 };
	char byte;

	if (pid == 0)
		_exit(0);
	assert_true(pid > 0);
	record_cid(VMM_QEMU, pid, 7); /* before it is waited for, so that it is there */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_holder("db", 7, NULL);

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	supervisor = fork();
	if (supervisor == 0) {
		r = vm_lock(&places, &status, &fault);
		(void) !write(pipes[1], r == 0 ? "y" : "n", 1);
		for (;;)
			(void) pause();
	}
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_holder("db", 7, "web1");
	(void) kill(supervisor, SIGKILL);
	assert_int_equal(waitpid(supervisor, &status, 0), supervisor);
	assert_holder("db", 7, NULL);
	(void) close(pipes[0]);
	(void) close(pipes[1]);
}

static void test_what_cannot_be_read_tells_nothing(void **context)
{
	int fd;

	assert_holder("db", 7, NULL);
	fd = open(places.state_file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "{", 1), 1);
	(void) close(fd);
	assert_holder("db", 7, NULL);
}

static void test_the_words(void **context)
{
	Fault fault = { 0 };

	assert_int_equal(fault_cid_taken("db", 7, "web1", &fault), -EADDRINUSE);
	assert_string_equal(fault.id, "cid-taken");
	assert_int_equal(fault.exit_code, MVMD_EXIT_BUSY);
	assert_string_equal(fault.what, "web1, which runs, has the vsock CID 7 of db");
	assert_string_equal(fault_evidence_get(&fault, "holder_vm"), "web1");
	assert_non_null(strstr(fault.remedy, "mvmd stop web1;"));
	fault_done(&fault);

	assert_int_equal(fault_cid_taken("db", 4294967294, NULL, &fault), -EADDRINUSE);
	assert_string_equal(fault.what, "somebody else has the vsock CID 4294967294 of db");
	assert_string_equal(fault_evidence_get(&fault, "cid"), "4294967294");
	assert_null(fault_evidence_get(&fault, "holder_vm"));
	fault_done(&fault);
}

/* Whoever only tries it keeps nothing. */
static void test_the_kernel(void **context)
{
	if (access(VHOST_VSOCK_DEVICE, R_OK | W_OK) < 0) {
		assert_int_equal(vhost_vsock_try_cid(7), -errno);
		return;
	}
	assert_int_equal(vhost_vsock_try_cid(DERIVED_CID), 0);
	assert_int_equal(vhost_vsock_try_cid(DERIVED_CID), 0);
	assert_int_equal(vhost_vsock_try_cid(1), -EINVAL); /* loopback */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_record_tells, setup, teardown),
		cmocka_unit_test_setup_teardown(test_its_own_is_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_that_is_not_written, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cloud_hypervisor_has_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_that_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_read_tells_nothing, setup,
						teardown),
		cmocka_unit_test(test_the_words),
		cmocka_unit_test(test_the_kernel),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
