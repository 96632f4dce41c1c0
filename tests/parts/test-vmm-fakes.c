/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two VMM drivers with programs that are no VMM, are too old, or misbehave. This program itself plays the
 * latter, under the names of the table of fakes.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "mvmd/exit-codes.h"
#include "parts/machine.h"

static char old_version[] = "40.0";

static void test_program_is_missing(void **state)
{
	Fault fault = { 0 };
	Machine m;

	machine_init(&m, VMM_CLOUD_HYPERVISOR, "/nonexistent/vmm", "hang");
	assert_int_equal(machine_start(&m, &fault), -ENOENT);
	assert_non_null(strstr(fault.what, "/nonexistent/vmm"));
	assert_null(m.vmm);
	fault_done(&fault);
	machine_done(&m);
}

static void exits_at_once(VmmKind kind)
{
	Machine m;

	machine_init(&m, kind, "/bin/false", "hang");
	machine_must_start(&m);
	run_until_exit(&m);
	assert_int_equal(m.end.status, 1);
	assert_int_equal(m.n_history, 1);
	assert_int_equal(vmm_create(m.vmm), -ESRCH);
	vmm_quit(m.vmm, QUIT_USEC);
	machine_done(&m);
}

static void test_ch_exits_at_once(void **state)
{
	exits_at_once(VMM_CLOUD_HYPERVISOR);
}

static void test_qemu_exits_at_once(void **state)
{
	exits_at_once(VMM_QEMU);
}

/* By what the probe was told: it is not even started. */
static void test_ch_is_known_to_be_too_old(void **state)
{
	Fault fault = { 0 };
	Machine m;

	machine_init(&m, VMM_CLOUD_HYPERVISOR, "/bin/false", "hang");
	m.program.version = old_version;
	m.program.major = 40;
	assert_true(machine_start(&m, &fault) < 0);
	assert_int_equal(fault.exit_code, MVMD_EXIT_UNAVAILABLE);
	assert_non_null(strstr(fault.what, "40.0"));
	assert_non_null(strstr(fault.why, "52"));
	assert_non_null(fault.remedy);
	fault_done(&fault);
	machine_done(&m);
}

/*
 * This program as a VMM: what it reads does not matter, it answers a request with the next of these texts and,
 * after the last, closes the connection and lives on. The monitor's greeting comes unasked.
 */
typedef struct Fake {
	const char *name;
	bool greets; /* the first text is not an answer */
	const char *texts[4];
} Fake;

#define PING(version) "HTTP/1.1 200 \r\nContent-Length: 20\r\n\r\n{\"version\":\"" version "\"}"
#define GREETING      "{\"QMP\":{\"version\":{\"qemu\":{\"major\":7,\"minor\":2,\"micro\":22}}}}\r\n"

static const Fake fakes[] = {
	{ "old", false, { PING("51.0.0"), NULL } },
	{ "deaf", false, { NULL } },
	{ "garbage", false, { "SSH-2.0-OpenSSH_9.2\r\n", NULL } },
	{ "ignores", false, { PING("53.0.0"), NULL } },
	{ "hangs-up", false, { PING("53.0.0"), "", NULL } },
	{ "refuses",
	  false,
	  { PING("53.0.0"), "HTTP/1.1 500 \r\nContent-Length: 16\r\n\r\n[\"Ah\",\"Oh dear\"]",
	    NULL } },
	{ "qmp-running",
	  true,
	  { GREETING, "{\"return\":{},\"id\":1}\r\n",
	    "{\"return\":{\"status\":\"running\"},\"id\":2}\r\n", NULL } },
	{ "qmp-garbage", true, { "HTTP/1.1 200 OK\r\n", NULL } },
};

/* An empty text hangs up; after the last one nothing more is said. */
__attribute__((noreturn)) static void fake_main(const Fake *fake)
{
	char buffer[4096];
	int fd = accept(3, NULL, NULL);

	for (size_t i = 0; i < ELEMENTSOF(fake->texts) && fake->texts[i]; i++) {
		const char *text = fake->texts[i];

		if (!(fake->greets && i == 0) && read(fd, buffer, sizeof(buffer)) <= 0)
			exit(1);
		if (!text[0])
			(void) close(fd);
		else if (write(fd, text, strlen(text)) < 0)
			exit(1);
	}
	for (;;)
		(void) pause();
}

/* Its process ends, but one that it forked goes on with the events for as long as somebody reads them. */
#define HEIR "heir"

__attribute__((noreturn)) static void heir_main(void)
{
	char bytes[4096];

	memset(bytes, ' ', sizeof(bytes));
	if (fork() != 0)
		exit(0);
	(void) signal(SIGPIPE, SIG_DFL);
	for (;;)
		(void) !write(4, bytes, sizeof(bytes));
}

static void machine_init_fake(Machine *m, VmmKind kind, const char *name)
{
	machine_init(m, kind, "", "hang");
	free(m->program.path);
	m->program.path = str_printf("%s/fake-%s", m->directory, name);
	assert_non_null(m->program.path);
	assert_int_equal(symlink(self_path, m->program.path), 0);
}

/* Starts the fake and waits for the fault that its behaviour comes out as. */
static void fails(Machine *m, VmmKind kind, const char *name, const char *id, const char *what)
{
	machine_init_fake(m, kind, name);
	machine_must_start(m);
	run_until(m, VMM_FAILED, 1);
	printf("# %s\n", m->fault.what);
	assert_string_equal(m->fault.id, id);
	assert_non_null(strstr(m->fault.what, what));
	assert_non_null(m->fault.remedy);
	vmm_kill(m->vmm);
	run_until_exit(m);
	assert_int_equal(m->counts[VMM_FAILED], 1);
	assert_int_equal(m->counts[VMM_BOOTED], 0);
}

static void test_ch_says_that_it_is_too_old(void **state)
{
	Machine m;

	fails(&m, VMM_CLOUD_HYPERVISOR, "old", "vmm-too-old", "51.0.0");
	assert_int_equal(m.fault.exit_code, MVMD_EXIT_UNAVAILABLE);
	assert_non_null(m.fault.remedy);
	assert_int_equal(m.counts[VMM_READY], 0);
	machine_done(&m);
}

static void test_ch_speaks_garbage(void **state)
{
	Machine m;

	fails(&m, VMM_CLOUD_HYPERVISOR, "garbage", "vmm-protocol", "does not speak as it should");
	machine_done(&m);
}

static void test_ch_hangs_up(void **state)
{
	Machine m;

	fails(&m, VMM_CLOUD_HYPERVISOR, "hangs-up", "vmm-protocol", "runs on");
	machine_done(&m);
}

static void test_ch_refuses(void **state)
{
	Machine m;

	fails(&m, VMM_CLOUD_HYPERVISOR, "refuses", "vmm-refused", "refused vm.create: Ah: Oh dear");
	assert_int_equal(m.fault.exit_code, MVMD_EXIT_VMM);
	assert_string_equal(fault_evidence_get(&m.fault, "request"), "vm.create");
	assert_string_equal(fault_evidence_get(&m.fault, "vmm_error"), "Ah: Oh dear");
	machine_done(&m);
}

/* What nobody of ours makes there, and what is not ours to remove. */
static void test_vsock_path_is_taken(void **state)
{
	Fault fault = { 0 };
	Machine m;

	machine_init(&m, VMM_CLOUD_HYPERVISOR, "/bin/false", "hang");
	m.plan.vsock_socket = path_in(&m, "vsock.sock");
	assert_int_equal(mkdir(m.plan.vsock_socket, 0700), 0);
	assert_true(machine_start(&m, &fault) < 0);
	assert_string_equal(fault.id, "vsock-path-taken");
	assert_int_equal(fault.exit_code, MVMD_EXIT_BUSY);
	assert_string_equal(fault_evidence_get(&fault, "path"), m.plan.vsock_socket);
	assert_non_null(strstr(fault.remedy, m.plan.vsock_socket));
	assert_int_equal(rmdir(m.plan.vsock_socket), 0);
	fault_done(&fault);
	machine_done(&m);
}

static void test_qemu_did_not_wait(void **state)
{
	Machine m;

	fails(&m, VMM_QEMU, "qmp-running", "vmm-protocol", "\"running\"");
	machine_done(&m);
}

static void test_qemu_speaks_garbage(void **state)
{
	Machine m;

	fails(&m, VMM_QEMU, "qmp-garbage", "vmm-protocol", "does not speak as it should");
	machine_done(&m);
}

/* It cannot be asked to go, since it has not even answered the first question: SIGTERM is not put off. */
static void test_deaf_vmm_is_stopped(void **state)
{
	Machine m;

	machine_init_fake(&m, VMM_CLOUD_HYPERVISOR, "deaf");
	machine_must_start(&m);
	vmm_quit(m.vmm, QUIT_USEC);
	run_until_exit(&m);
	assert_int_equal(m.end.code, CLD_KILLED);
	assert_int_equal(m.end.status, SIGTERM);
	assert_int_equal(m.n_history, 1);
	machine_done(&m);
}

/* It was asked, and did nothing: half of the grace later comes SIGTERM. */
static void test_vmm_that_ignores_quit(void **state)
{
	Machine m;

	machine_init_fake(&m, VMM_CLOUD_HYPERVISOR, "ignores");
	m.by_hand = true;
	machine_must_start(&m);
	run_until(&m, VMM_READY, 1);
	vmm_quit(m.vmm, 200 * USEC_PER_MSEC);
	run_until_exit(&m);
	assert_int_equal(m.end.status, SIGTERM);
	machine_done(&m);
}

static void test_ch_leaves_a_process_behind(void **state)
{
	Machine m;

	machine_init_fake(&m, VMM_CLOUD_HYPERVISOR, HEIR);
	machine_must_start(&m);
	run_until_exit(&m);
	assert_int_equal(m.end.code, CLD_EXITED);
	machine_done(&m);
}

static const Fake *fake_by_name(const char *path)
{
	const char *name = strstr(path, "/fake-");

	for (size_t i = 0; name && i < ELEMENTSOF(fakes); i++)
		if (streq(fakes[i].name, name + strlen("/fake-")))
			return &fakes[i];
	return NULL;
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ch_exits_at_once),
		cmocka_unit_test(test_ch_is_known_to_be_too_old),
		cmocka_unit_test(test_ch_says_that_it_is_too_old),
		cmocka_unit_test(test_ch_speaks_garbage),
		cmocka_unit_test(test_ch_hangs_up),
		cmocka_unit_test(test_ch_refuses),
		cmocka_unit_test(test_vsock_path_is_taken),
		cmocka_unit_test(test_deaf_vmm_is_stopped),
		cmocka_unit_test(test_vmm_that_ignores_quit),
		cmocka_unit_test(test_ch_leaves_a_process_behind),
		cmocka_unit_test(test_program_is_missing),
		cmocka_unit_test(test_qemu_exits_at_once),
		cmocka_unit_test(test_qemu_did_not_wait),
		cmocka_unit_test(test_qemu_speaks_garbage),
	};
	const Fake *fake = fake_by_name(argv[0]);

	if (fake)
		fake_main(fake);
	if (strstr(argv[0], "/fake-" HEIR))
		heir_main();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	find_paths();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
