/* SPDX-License-Identifier: Apache-2.0 */
/* What is swept away of a VM that nobody is to adopt: processes, taps, folder. */
#include <net/if.h>
#include <signal.h>
#include <sys/stat.h>

#include "host/sweep.h"
#include "host/vm-dir.h"
#include "mvmd/exit-codes.h"
#include "net/network.h"

static char base[] = "/tmp/mvmd-test-sweep-XXXXXX";
static VmPlaces web1;
static int lock_fd;

static int setup(void **context)
{
	const Identity vm = { .uid = getuid(), .gid = getgid() };
	char runtime[sizeof(base) + 8];
	Fault fault = { 0 };

	memcpy(base + sizeof(base) - 7, "XXXXXX", 6);
	if (unshare(CLONE_NEWNET) < 0 || !mkdtemp(base))
		return -1;
	(void) snprintf(runtime, sizeof(runtime), "%s/run", base);
	assert_int_equal(vm_places_init(runtime, "web1", &web1), 0);
	assert_int_equal(vm_lock(&web1, &lock_fd, &fault), 0);
	assert_int_equal(vm_directory_make(&web1, &vm, &fault), 0);
	return 0;
}

static int teardown(void **context)
{
	vm_unlock(&web1, lock_fd);
	vm_places_done(&web1);
	return rmdir(base); /* fails where a test left anything */
}

/* A process that obeys SIGTERM, or not, from its begin on. */
static pid_t start_process(bool obeys)
{
	void (*before)(int) = obeys ? signal(SIGTERM, SIG_DFL) : signal(SIGTERM, SIG_IGN);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		for (;;)
			(void) pause();
	(void) signal(SIGTERM, before);
	return pid;
}

static void record(pid_t vmm, pid_t backend, json_t *spec)
{
	StateFile state = { .spec = spec, .state = VM_RUNNING };

	if (vmm)
		assert_int_equal(state_process_set(&state.vmm, "qemu", vmm), 0);
	if (backend)
		assert_int_equal(
			state_file_add_backend(&state, "data", "virtiofsd[data]", backend, 0), 0);
	assert_int_equal(state_file_write(web1.state_file, &state), 0);
	state_file_done(&state);
}

static void make_tap(const char *name, const char *alias)
{
	ip("tuntap add dev %s mode tap", name);
	if (alias)
		ip("link set dev %s alias %s", name, alias);
}

static bool exists(const char *link)
{
	return if_nametoindex(link) != 0;
}

/* How the process ended: the signal. */
static int signal_of(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	return WTERMSIG(status);
}

static void test_all_of_it_goes(void **context)
{
	_cleanup_free_ char *found = NULL;
	pid_t vmm = start_process(true), backend = start_process(false);
	Fault fault = { 0 };

	make_tap("vm-web1-net0", "mvmd:web1/net0");
	make_tap("lan", "mvmd:web1/net1");
	record(vmm, backend,
	       json_pack("{s:[{s:s}, {s:s, s:s}]}", "interfaces", "id", "net0", "id", "net1", "tap",
			 "lan"));
	assert_int_equal(vm_sweep(&web1, &found, &fault), 0);
	assert_int_equal(signal_of(vmm), SIGTERM);
	assert_int_equal(signal_of(backend), SIGKILL);
	assert_false(exists("vm-web1-net0"));
	assert_false(exists("lan"));
	assert_int_equal(access(web1.directory, F_OK), -1);
	assert_non_null(strstr(found, "qemu (pid "));
	assert_non_null(strstr(found, "virtiofsd[data] (pid "));
	assert_non_null(strstr(found, "tap vm-web1-net0, tap lan"));
	assert_non_null(strstr(found, web1.directory));
}

static void test_what_is_not_ours_stays(void **context)
{
	_cleanup_free_ char *found = NULL;
	Fault fault = { 0 };

	make_tap("vm-web1-net0", NULL);
	make_tap("lan", "mvmd:web2/net1");
	ip("link add br0 type bridge");
	ip("link set dev br0 alias mvmd:web1/net2");
	record(0, 0,
	       json_pack("{s:[{s:s}, {s:s, s:s}, {s:s, s:s}]}", "interfaces", "id", "net0", "id",
			 "net1", "tap", "lan", "id", "net2", "tap", "br0"));
	assert_int_equal(vm_sweep(&web1, &found, &fault), 0);
	assert_true(exists("vm-web1-net0") && exists("lan") && exists("br0"));
	assert_null(strstr(found, "tap"));
}

static void test_nothing_is_there(void **context)
{
	_cleanup_free_ char *found = NULL;
	Fault fault = { 0 };

	assert_int_equal(vm_directory_remove(&web1), 0);
	assert_int_equal(vm_sweep(&web1, &found, &fault), 0);
	assert_null(found);
}

/* Without a record the folder goes all the same. */
static void test_no_record(void **context)
{
	_cleanup_free_ char *found = NULL;
	Fault fault = { 0 };

	assert_int_equal(vm_sweep(&web1, &found, &fault), 0);
	assert_string_equal(found, web1.directory);
	assert_int_equal(access(web1.directory, F_OK), -1);
}

/* Only the mvmd that wrote it knows what is the VM's. */
static void test_a_newer_record_keeps_all(void **context)
{
	_cleanup_free_ char *found = NULL;
	pid_t vmm = start_process(true);
	Fault fault = { 0 };
	json_t *json;

	record(vmm, 0, NULL);
	json = json_load_file(web1.state_file, 0, NULL);
	(void) json_object_set_new(json, "version", json_integer(77));
	assert_int_equal(json_dump_file(json, web1.state_file, 0), 0);
	json_decref(json);
	assert_int_equal(vm_sweep(&web1, &found, &fault), -EPROTONOSUPPORT);
	assert_string_equal(fault.id, "record-newer");
	assert_null(found);
	assert_int_equal(kill(vmm, 0), 0);
	fault_done(&fault);
	assert_int_equal(kill(vmm, SIGKILL), 0);
	assert_int_equal(signal_of(vmm), SIGKILL);
	assert_int_equal(vm_directory_remove(&web1), 0);
}

/* Without the right to remove it, as nobody; 0 where that is told as it should be. */
static int sweep_as_nobody(void *data)
{
	_cleanup_free_ char *found = NULL;
	Fault fault = { 0 };
	bool told;

	if (chown(web1.directory, NOBODY, NOBODY) < 0 ||
	    chown(web1.state_file, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return 1;
	told = vm_sweep(&web1, &found, &fault) == -EPERM && streq(fault.id, "leftover-tap") &&
	       fault.exit_code == MVMD_EXIT_PERMISSION && strstr(fault.what, "vm-web1-net0");
	fault_done(&fault);
	return told ? 0 : 2;
}

/* One that mvmd made goes with its last port; one that has others, and one that somebody else made, stay. */
static void test_bridges_that_mvmd_made(void **context)
{
	_cleanup_free_ char *found = NULL;
	Fault fault = { 0 };

	ip("link add vms type bridge");
	ip("link set vms alias mvmd:bridge");
	ip("link add shared type bridge");
	ip("link set shared alias mvmd:bridge");
	ip("link add br0 type bridge");
	make_tap("vm-web1-net0", "mvmd:web1/net0");
	make_tap("vm-web2-net0", "mvmd:web2/net0");
	ip("link set vm-web1-net0 master vms");
	ip("link set vm-web2-net0 master shared");
	record(0, 0,
	       json_pack("{s:[{s:s, s:s, s:{}}, {s:s, s:s, s:{}}, {s:s, s:s, s:{}}]}", "interfaces",
			 "id", "net0", "bridge", "vms", "create_bridge", "id", "net1", "bridge",
			 "shared", "create_bridge", "id", "net2", "bridge", "br0",
			 "create_bridge"));
	assert_int_equal(vm_sweep(&web1, &found, &fault), 0);
	assert_false(exists("vms"));
	assert_true(exists("shared"));
	assert_true(exists("br0"));
	assert_non_null(strstr(found, "tap vm-web1-net0, bridge vms"));
	assert_null(strstr(found, "br0"));
}

static void test_a_tap_that_cannot_be_removed(void **context)
{
	_cleanup_free_ char *found = NULL;
	Fault fault = { 0 };

	make_tap("vm-web1-net0", "mvmd:web1/net0");
	record(0, 0, json_pack("{s:[{s:s}]}", "interfaces", "id", "net0"));
	assert_int_equal(chmod(base, 0755), 0);
	assert_int_equal(in_child(sweep_as_nobody, NULL), 0);
	/* The record is still there, so that another sweep knows of it. */
	assert_int_equal(vm_sweep(&web1, &found, &fault), 0);
	assert_false(exists("vm-web1-net0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_all_of_it_goes),
		TEST(test_what_is_not_ours_stays),
		TEST(test_nothing_is_there),
		TEST(test_no_record),
		TEST(test_a_newer_record_keeps_all),
		TEST(test_bridges_that_mvmd_made),
		TEST(test_a_tap_that_cannot_be_removed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!network_enter())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
