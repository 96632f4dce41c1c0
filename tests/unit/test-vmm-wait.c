/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/vmm-wait.h"

#define VMM_UID 400000

static SpecDisk disk;
static SpecShare share;
static char disk_socket[] = "/run/disk.sock", share_socket[] = "/run/share.sock";
static char program[] = "spdk";
static const PlanBackend disk_backend = { .id = "root", .disk = &disk, .socket = disk_socket };
static const PlanBackend share_backend = { .id = "data", .share = &share, .socket = share_socket };

/* A backend that has served its VMM well: connected, accepted, all read. */
#define WELL(which) .backend = (which), .connected = true, .accepted = true

static void assert_found(const BackendSight *sights, size_t n, VmmWait wait, size_t index,
			 bool certain)
{
	size_t found;
	bool sure;

	assert_int_equal(vmm_wait_find(sights, n, &found, &sure), wait);
	if (wait == VMM_WAIT_UNKNOWN)
		return;
	assert_int_equal(found, index);
	assert_int_equal(sure, certain);
}

static void test_nothing_to_wait_for(void **state)
{
	const BackendSight listening = { .backend = &share_backend };

	assert_found(NULL, 0, VMM_WAIT_UNKNOWN, 0, false);
	assert_found(&listening, 1, VMM_WAIT_UNKNOWN, 0, false);
}

static void test_nobody_listens(void **state)
{
	const BackendSight sights[] = { { WELL(&disk_backend) },
					{ .backend = &share_backend, .absence = "no such file" } };

	assert_found(sights, 2, VMM_WAIT_LISTEN, 1, true);
}

static void test_user_may_not_connect(void **state)
{
	const BackendSight sight = { .backend = &share_backend, .forbidden = true };

	assert_found(&sight, 1, VMM_WAIT_PERMIT, 0, true);
}

static void test_queue_is_full(void **state)
{
	const BackendSight sight = { .backend = &share_backend, .full = true };

	assert_found(&sight, 1, VMM_WAIT_QUEUE, 0, true);
}

static void test_nobody_accepts(void **state)
{
	const BackendSight sights[] = {
		{ .backend = &disk_backend, .connected = true, .unread = true },
		{ .backend = &share_backend },
	};

	assert_found(sights, 2, VMM_WAIT_ACCEPT, 0, true);
}

static void test_nobody_reads(void **state)
{
	const BackendSight sights[] = { { WELL(&disk_backend), .unread = true },
					{ WELL(&share_backend) } };

	assert_found(sights, 2, VMM_WAIT_READ, 0, true);
}

/* What a thread of the VMM is seen to do says more than anything else. */
static void test_nobody_answers(void **state)
{
	const BackendSight sights[] = { { WELL(&disk_backend), .awaited = true },
					{ .backend = &share_backend, .absence = "no such file" } };

	assert_found(sights, 2, VMM_WAIT_ANSWER, 0, true);
}

/* Without the right to look at its threads only the order is left: it connects to one after the other. */
static void test_last_one_connected_is_a_guess(void **state)
{
	const BackendSight both[] = { { WELL(&disk_backend) }, { WELL(&share_backend) } };
	const BackendSight first[] = { { WELL(&disk_backend) }, { .backend = &share_backend } };

	assert_found(both, 2, VMM_WAIT_ANSWER, 1, false);
	assert_found(first, 2, VMM_WAIT_ANSWER, 0, false);
}

static void assert_has(const char *text, const char *words)
{
	if (!text || !strstr(text, words))
		fail_msg("\"%s\" does not say \"%s\"", text ?: "", words);
}

/* What the fault says of one backend; the caller frees it. */
static Fault told(const BackendSight *sight)
{
	const VmmSight vmm = { .uid = VMM_UID, .backends = sight, .n_backends = 1 };
	Fault fault = { 0 };

	(void) fault_set(&fault, -ETIMEDOUT, 82, "vmm-deaf", "it is deaf");
	(void) fault_why(&fault, "not known");
	(void) fault_remedy(&fault, "wait");
	assert_int_equal(vmm_wait_tell(&vmm, &fault), -ETIMEDOUT);
	return fault;
}

static void test_unknown_stays_unknown(void **state)
{
	const BackendSight sight = { .backend = &share_backend };
	Fault fault = told(&sight);

	assert_string_equal(fault.why, "not known");
	assert_string_equal(fault.remedy, "wait");
	assert_null(fault_evidence_get(&fault, "device"));
	fault_done(&fault);
}

static void test_evidence_names_the_device(void **state)
{
	const BackendSight sight = { WELL(&share_backend), .unread = true, .pid = 42,
				     .program = program };
	Fault fault = told(&sight);

	assert_string_equal(fault_evidence_get(&fault, "device"), "share:data");
	assert_string_equal(fault_evidence_get(&fault, "socket"), share_socket);
	assert_string_equal(fault_evidence_get(&fault, "waits_for"), "read");
	assert_string_equal(fault_evidence_get(&fault, "backend_pid"), "42");
	assert_has(fault.why, "share \"data\" at /run/share.sock");
	assert_has(fault.why, "spdk, pid 42, has accepted its connection and does not read");
	assert_has(fault.remedy, "-p 42");
	fault_done(&fault);
}

static void test_stopped_process_is_to_be_continued(void **state)
{
	const BackendSight sight = {
		.backend = &disk_backend, .connected = true, .pid = 42, .stopped = true
	};
	Fault fault = told(&sight);

	assert_string_equal(fault_evidence_get(&fault, "device"), "disk:root");
	assert_has(fault.why, "stopped (SIGSTOP");
	assert_string_equal(fault.remedy, "kill -CONT 42");
	fault_done(&fault);
}

static void test_backend_that_serves_somebody_else(void **state)
{
	const BackendSight sight = { .backend = &share_backend, .connected = true, .others = 1 };
	Fault fault = told(&sight);

	assert_has(fault.why, "it serves another client");
	assert_has(fault.remedy, "ss -xlp src /run/share.sock");
	assert_null(fault_evidence_get(&fault, "backend_pid"));
	fault_done(&fault);
}

static void test_share_without_a_listener(void **state)
{
	const BackendSight sight = { .backend = &share_backend, .absence = "no such file" };
	Fault fault = told(&sight);

	assert_string_equal(fault_evidence_get(&fault, "waits_for"), "listen");
	assert_has(fault.why, "nobody listens there (no such file)");
	assert_has(fault.remedy, "let mvmd serve the share");
	fault_done(&fault);
}

static void test_right_that_is_missing(void **state)
{
	const BackendSight sight = { .backend = &disk_backend, .forbidden = true };
	Fault fault = told(&sight);

	assert_string_equal(fault_evidence_get(&fault, "waits_for"), "permit");
	assert_has(fault.remedy, "setfacl -m u:400000:rw /run/disk.sock");
	fault_done(&fault);
}

static void test_guess_is_called_one(void **state)
{
	const BackendSight sight = { WELL(&share_backend) };
	Fault fault = told(&sight);

	assert_has(fault.why, "it probably waits for share \"data\"");
	fault_done(&fault);
}

static void test_vmm_that_is_gone_waited(void **state)
{
	const BackendSight sight = { .backend = &share_backend, .absence = "no such file" };
	const VmmSight vmm = { .gone = true, .backends = &sight, .n_backends = 1 };
	Fault fault = { 0 };

	(void) fault_set(&fault, -EIO, 82, "vmm-exited", "it ended");
	(void) vmm_wait_tell(&vmm, &fault);
	assert_has(fault.why, "it waited for share \"data\"");
	fault_done(&fault);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_wait_for),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_user_may_not_connect),
		cmocka_unit_test(test_queue_is_full),
		cmocka_unit_test(test_nobody_accepts),
		cmocka_unit_test(test_nobody_reads),
		cmocka_unit_test(test_nobody_answers),
		cmocka_unit_test(test_last_one_connected_is_a_guess),
		cmocka_unit_test(test_unknown_stays_unknown),
		cmocka_unit_test(test_evidence_names_the_device),
		cmocka_unit_test(test_stopped_process_is_to_be_continued),
		cmocka_unit_test(test_backend_that_serves_somebody_else),
		cmocka_unit_test(test_share_without_a_listener),
		cmocka_unit_test(test_right_that_is_missing),
		cmocka_unit_test(test_guess_is_called_one),
		cmocka_unit_test(test_vmm_that_is_gone_waited),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
