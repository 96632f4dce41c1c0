/* SPDX-License-Identifier: Apache-2.0 */
/* How a VMM or backend ended, and what that is called. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/backend-end.h"
#include "model/vmm-end.h"
#include "mvmd/exit-codes.h"

#define TEXT(text) ((char *) (uintptr_t) (text)) /* string literals, which nobody writes to */

typedef struct World {
	Spec spec;
	SpecShare share;
	SpecDisk disk;
	Facts facts;
	Program vmm;
	Plan plan;
	PlanBackend backend;
	Fault fault;
} World;

static int setup(void **state)
{
	static World world;

	world = (World){
		.share = { .id = TEXT("data"), .tag = TEXT("data"), .source = TEXT("/srv") },
		.disk = { .id = TEXT("root"), .path = TEXT("/d.raw") },
		.vmm = { .path = TEXT("/bin/vmm") }
	};
	world.spec = (Spec){ .name = TEXT("web1"), .memory = { .size_bytes = 64 * MIB } };
	world.facts.virtiofsd.path = TEXT("/bin/virtiofsd");
	world.facts.storage_daemon.path = TEXT("/bin/qsd");
	world.plan = (Plan){ .spec = &world.spec,
			     .facts = &world.facts,
			     .vmm = VMM_CLOUD_HYPERVISOR,
			     .vmm_program = &world.vmm };
	world.backend = (PlanBackend){ .kind = BACKEND_VIRTIOFSD,
				       .id = world.share.id,
				       .share = &world.share,
				       .identity = { .uid = 4711 } };
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	fault_done(&((World *) *state)->fault);
	return 0;
}

static EndFacts exited(int status, const char *last_words)
{
	return (EndFacts){ .end = { CLD_EXITED, status }, .last_words = last_words };
}

static EndFacts killed(int signal)
{
	return (EndFacts){ .end = { CLD_KILLED, signal }, .last_words = "" };
}

/* How many were killed for want of memory before and after; in our group or on the host. */
static EndFacts killed_with_count(bool of_group, uint64_t before, uint64_t after)
{
	EndFacts facts = killed(SIGKILL);

	facts.oom_before = (OomKills){ true, of_group, before };
	facts.oom_after = (OomKills){ true, of_group, after };
	return facts;
}

static void test_causes_of_signals(void **state)
{
	static const int crashes[] = { SIGSEGV, SIGABRT, SIGILL, SIGFPE, SIGTRAP };
	EndFacts facts;

	for (size_t i = 0; i < ELEMENTSOF(crashes); i++) {
		facts = killed(crashes[i]);
		assert_int_equal(end_cause(&facts), END_CRASH);
		facts.end.code = CLD_DUMPED;
		assert_int_equal(end_cause(&facts), END_CRASH);
	}
	facts = killed(SIGBUS);
	assert_int_equal(end_cause(&facts), END_BUS_ERROR);
	facts = killed(SIGSYS);
	assert_int_equal(end_cause(&facts), END_SECCOMP);
	facts = killed(SIGTERM);
	assert_int_equal(end_cause(&facts), END_KILLED);
	facts = killed(SIGKILL);
	assert_int_equal(end_cause(&facts), END_KILLED);
}

/* Only a count of our own group's proves anything, and only one that grew. */
static void test_oom_kill_is_proven(void **state)
{
	EndFacts facts = killed_with_count(true, 3, 4);

	assert_int_equal(end_cause(&facts), END_OOM_KILL);
	facts = killed_with_count(true, 3, 3);
	assert_int_equal(end_cause(&facts), END_KILLED);
	facts = killed_with_count(false, 3, 9);
	assert_int_equal(end_cause(&facts), END_KILLED);
	facts = killed_with_count(true, 3, 4);
	facts.oom_before.known = false;
	assert_int_equal(end_cause(&facts), END_KILLED);
	facts = killed_with_count(true, 3, 4);
	facts.end.status = SIGSEGV;
	assert_int_equal(end_cause(&facts), END_CRASH);
}

/* The words are those that the programs really said; a status that merely looks like one of usage is unknown. */
static void test_causes_of_exits(void **state)
{
	static const char *const usages[] = {
		"error: unexpected argument '--frobnicate' found / Usage: virtiofsd [OPTIONS]",
		"qemu-storage-daemon: unrecognized option '--frobnicate'",
		"qemu-storage-daemon: --export type=x: Parameter 'frob' is unexpected",
		"qemu-system-x86_64: -frobnicate: invalid option",
	};
	EndFacts facts;

	for (size_t i = 0; i < ELEMENTSOF(usages); i++) {
		facts = exited(1, usages[i]);
		assert_int_equal(end_cause(&facts), END_USAGE);
		facts = exited(0, usages[i]);
		assert_int_equal(end_cause(&facts), END_UNKNOWN);
	}
	facts = exited(64, "");
	assert_int_equal(end_cause(&facts), END_USAGE);
	facts = exited(247, "virtiofsd::util] Child process terminated by signal 9");
	assert_int_equal(end_cause(&facts), END_KILLED);
	facts.oom_before = (OomKills){ true, true, 0 };
	facts.oom_after = (OomKills){ true, true, 1 };
	assert_int_equal(end_cause(&facts), END_OOM_KILL);
	facts = exited(2, "");
	assert_int_equal(end_cause(&facts), END_UNKNOWN);
	facts = exited(0, "thread 'vcpu0' panicked at vmm/src/cpu.rs:1: no");
	assert_int_equal(end_cause(&facts), END_PANIC);
	facts = exited(0, "");
	assert_int_equal(end_cause(&facts), END_UNKNOWN);
}

/* Each end of a VMM: its id, whether it had answered before, and words of its why and remedy. */
typedef struct VmmCase {
	EndFacts facts;
	bool answered;
	VmmKind vmm;
	const char *id, *why, *remedy;
} VmmCase;

static void test_ends_of_a_vmm(void **state)
{
	World *world = *state;
	const VmmCase cases[] = {
		{ killed(SIGKILL), true, VMM_CLOUD_HYPERVISOR, "vmm-killed", "cannot be read",
		  "journalctl" },
		{ killed_with_count(true, 1, 1), true, VMM_CLOUD_HYPERVISOR, "vmm-killed",
		  "not the OOM killer", "journalctl" },
		{ killed_with_count(false, 1, 3), true, VMM_CLOUD_HYPERVISOR, "vmm-killed",
		  "not known; the kernel killed 2", "journalctl" },
		{ killed_with_count(true, 1, 2), true, VMM_CLOUD_HYPERVISOR, "vmm-oom-killed",
		  "ended 1 of", "MemoryMax=" },
		{ killed(SIGSYS), true, VMM_CLOUD_HYPERVISOR, "vmm-seccomp",
		  "SystemCallFilter=", "/bin/vmm" },
		{ killed(SIGBUS), true, VMM_CLOUD_HYPERVISOR, "vmm-bus-error", "cut short",
		  "df /dev/shm" },
		{ killed(SIGSEGV), true, VMM_CLOUD_HYPERVISOR, "vmm-crashed", NULL,
		  "coredumpctl info /bin/vmm" },
		{ killed(SIGABRT), true, VMM_QEMU, "vmm-crashed", NULL, "this host's KVM" },
		{ exited(0, "thread 'x' panicked at a.rs:1"), true, VMM_CLOUD_HYPERVISOR,
		  "vmm-crashed", "panicked at", "update" },
		{ exited(0, ""), true, VMM_CLOUD_HYPERVISOR, "vmm-exited", "SIGTERM", "-v web1" },
		{ exited(1, "Error: no"), true, VMM_CLOUD_HYPERVISOR, "vmm-exited", "Error: no",
		  "mvmd check web1" },
		{ exited(1, ""), false, VMM_QEMU, "vmm-exited", "not known", "mvmd check web1" },
		{ exited(0, "qemu-system-x86_64: terminating on signal 15 from pid 7 (bash)"), true,
		  VMM_QEMU, "vmm-killed", "from pid 7 (bash)", "journalctl" },
		{ exited(1, "qemu-system-x86_64: -blockdev x: Image is not in qcow2 format"), false,
		  VMM_QEMU, "vmm-refused", NULL, "qemu-img info" },
		{ exited(1, "qemu-system-x86_64: -zz: invalid option"), false, VMM_QEMU,
		  "vmm-refused", NULL, "/bin/vmm --version" },
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		const VmmCase *c = &cases[i];
		const VmmEnd end = { .facts = c->facts, .answered = c->answered };

		world->plan.vmm = c->vmm;
		assert_true(fault_vmm_ended(&world->plan, &end, &world->fault) < 0);
		assert_string_equal(world->fault.id, c->id);
		assert_int_equal(world->fault.exit_code, MVMD_EXIT_VMM);
		if (c->why)
			assert_non_null(strstr(world->fault.why, c->why));
		assert_non_null(strstr(world->fault.remedy, c->remedy));
		assert_non_null(fault_evidence_get(&world->fault, "vmm"));
		assert_non_null(fault_evidence_get(
			&world->fault, c->facts.end.code == CLD_EXITED ? "exit_status" : "signal"));
	}
}

static void test_what_qemu_refused(void **state)
{
	World *world = *state;
	VmmEnd end = { .facts = exited(1, "qemu-system-x86_64: unable to map backing store for "
					  "guest RAM: Cannot allocate memory") };

	world->plan.vmm = VMM_QEMU;
	world->spec.memory.hugepages = HUGE_PAGES_2MIB;
	(void) fault_vmm_ended(&world->plan, &end, &world->fault);
	assert_string_equal(fault_evidence_get(&world->fault, "vmm_error"),
			    "unable to map backing store for guest RAM: Cannot allocate memory");
	assert_non_null(strstr(world->fault.remedy, "32 free pages"));
	world->spec.memory.hugepages = HUGE_PAGES_NONE;
	(void) fault_vmm_ended(&world->plan, &end, &world->fault);
	assert_non_null(strstr(world->fault.remedy, "free -m"));
}

static void test_a_share_must_be_mounted_again(void **state)
{
	World *world = *state;
	EndFacts facts = killed(SIGSEGV);
	FaultList findings = { 0 };
	Fault other = { 0 };

	(void) fault_backend_ended(&world->plan, &world->backend, &facts, &world->fault);
	assert_string_equal(world->fault.id, "backend-crashed");
	assert_string_equal(world->fault.what, "virtiofsd[data] ended: signal 11 (SIGSEGV)");
	assert_false(backend_end_is_hopeless(&world->fault));
	backend_end_is_survived(&world->backend, 2, &world->fault);
	assert_non_null(strstr(world->fault.remedy, "mount -t virtiofs data"));
	assert_string_equal(fault_evidence_get(&world->fault, "crashes"), "2");

	/* A boot of the guest mounts it: that finding goes, and no other. */
	(void) fault_set(&other, -EIO, 0, "bridge-down", "x");
	(void) fault_list_take(&findings, &world->fault);
	(void) fault_list_take(&findings, &other);
	findings_new_life(&findings);
	assert_int_equal(findings.n, 1);
	assert_string_equal(findings.items[0].id, "bridge-down");
	fault_list_done(&findings);
}

/* What its guest does about a disk's crash is nothing: it stays a finding. */
static void test_a_disks_crash_stays(void **state)
{
	World *world = *state;
	EndFacts facts = exited(1, "");
	FaultList findings = { 0 };

	world->backend = (PlanBackend){ .kind = BACKEND_STORAGE_DAEMON,
					.id = world->disk.id,
					.disk = &world->disk };
	(void) fault_backend_ended(&world->plan, &world->backend, &facts, &world->fault);
	backend_end_is_survived(&world->backend, 1, &world->fault);
	assert_non_null(strstr(world->fault.remedy, "/d.raw"));
	(void) fault_list_take(&findings, &world->fault);
	findings_new_life(&findings);
	assert_int_equal(findings.n, 1);
	fault_list_done(&findings);
}

/* Neither its user nor the folder is what keeps it from its own namespaces. */
static void test_a_sandbox_that_cannot_be_made(void **state)
{
	World *world = *state;
	EndFacts facts = exited(1, "[2026-11-22T10:06:26Z ERROR virtiofsd] Error entering sandbox: "
				   "MountProc(Os { code: 1, kind: PermissionDenied })");

	(void) fault_backend_ended(&world->plan, &world->backend, &facts, &world->fault);
	assert_string_equal(world->fault.id, "backend-crashed");
	assert_non_null(strstr(world->fault.remedy, "findmnt -R /proc"));
}

static void test_the_policys_exit_code(void **state)
{
	World *world = *state;
	EndFacts crash = killed(SIGSEGV), usage = exited(1, "x: unrecognized option '--fd=3'");

	world->backend.on_exit = BACKEND_RESTART_VM;
	(void) fault_backend_ended(&world->plan, &world->backend, &crash, &world->fault);
	backend_end_is_the_vms(&world->plan, &world->backend, &world->fault);
	assert_string_equal(world->fault.id, "backend-lost");
	assert_int_equal(world->fault.exit_code, MVMD_EXIT_RESTART);

	/* A new start of the VM cannot cure that. */
	(void) fault_backend_ended(&world->plan, &world->backend, &usage, &world->fault);
	backend_end_is_the_vms(&world->plan, &world->backend, &world->fault);
	assert_string_equal(world->fault.id, "backend-usage");
	assert_int_equal(world->fault.exit_code, MVMD_EXIT_UNAVAILABLE);
	assert_non_null(strstr(world->fault.remedy, "/bin/virtiofsd --version"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Of an adopted process an older kernel tells that it ended, and no more. */
static void test_an_end_that_is_not_known(void **state)
{
	World *world = *state;
	VmmEnd end = { .facts = { .last_words = "" }, .answered = true };
	EndFacts *facts = &end.facts;
	char text[CHILD_END_MAX];

	assert_true(child_end_is_unknown(&facts->end));
	assert_false(child_end_is_clean(&facts->end));
	assert_false(child_end_is_signal(&facts->end));
	assert_non_null(strstr(child_end_to_text(text, &facts->end), "not known"));
	assert_int_equal(end_cause(facts), END_UNKNOWN);

	/* Neither a status nor a signal is named, and no cause. */
	(void) fault_vmm_ended(&world->plan, &end, &world->fault);
	assert_string_equal(world->fault.id, "vmm-exited");
	assert_non_null(strstr(world->fault.what, "how is not known"));
	assert_non_null(strstr(world->fault.why, "not known"));
	assert_string_equal(fault_evidence_get(&world->fault, "exit_status"), "unknown");
	assert_null(fault_evidence_get(&world->fault, "signal"));
	fault_done(&world->fault);
	(void) fault_backend_ended(&world->plan, &world->backend, facts, &world->fault);
	assert_string_equal(world->fault.id, "backend-crashed");
	assert_non_null(strstr(world->fault.what, "how is not known"));
	assert_string_equal(fault_evidence_get(&world->fault, "exit_status"), "unknown");
}

/* Its last words tell what its status would have told. */
static void test_last_words_of_an_end_that_is_not_known(void **state)
{
	World *world = *state;
	VmmEnd end = { .facts = { .last_words = "thread 'vmm' panicked at vmm.rs" },
		       .answered = true };

	(void) fault_vmm_ended(&world->plan, &end, &world->fault);
	assert_string_equal(world->fault.id, "vmm-crashed");
	fault_done(&world->fault);
	end.facts.last_words = "Child process terminated by signal 9";
	assert_int_equal(end_cause(&end.facts), END_KILLED);
	end.facts.last_words = "qemu: terminating on signal 15 from pid 7 (kill)";
	(void) fault_vmm_ended(&world->plan, &end, &world->fault);
	assert_string_equal(world->fault.id, "vmm-killed");
	fault_done(&world->fault);
	end.facts.last_words = "";
	end.facts.oom_before = (OomKills){ true, true, 0 };
	end.facts.oom_after = (OomKills){ true, true, 1 };
	(void) fault_vmm_ended(&world->plan, &end, &world->fault);
	assert_string_equal(world->fault.id, "vmm-exited"); /* it may have been another process */
	assert_non_null(strstr(fault_evidence_get(&world->fault, "oom_kills"), "1 "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_causes_of_signals),
		TEST(test_oom_kill_is_proven),
		TEST(test_causes_of_exits),
		TEST(test_ends_of_a_vmm),
		TEST(test_what_qemu_refused),
		TEST(test_a_share_must_be_mounted_again),
		TEST(test_a_disks_crash_stays),
		TEST(test_a_sandbox_that_cannot_be_made),
		TEST(test_the_policys_exit_code),
		TEST(test_an_end_that_is_not_known),
		TEST(test_last_words_of_an_end_that_is_not_known),
	};

	(void) cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
