/* SPDX-License-Identifier: Apache-2.0 */
/* The two VMM drivers with the real programs and the tiny guest. */
#include <limits.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "host/nl.h"
#include "mvmd/exit-codes.h"
#include "parts/machine.h"

static char nic_id[] = "net0", nic_alias[] = "mvmd:test/net0";
static char share_id[] = "data";
static char disk_id[] = "root", disk_serial[] = "serial-1", missing_disk[] = "/nonexistent/disk,1";

/* Writes the program's path to path; false where it is not installed. */
static bool find_program(const char *name, char path[PATH_MAX])
{
	char *list = strdup(getenv("PATH") ?: ""), *rest = list, *directory;
	bool found = false;

	while (!found && (directory = strsep(&rest, ":"))) {
		(void) snprintf(path, PATH_MAX, "%s/%s", directory, name);
		found = access(path, X_OK) == 0;
	}
	free(list);
	return found;
}

static void skip_because(const char *reason)
{
	printf("# SKIP: %s\n", reason);
	skip();
}

static const char *real_vmm(VmmKind kind)
{
	static char path[PATH_MAX];
	bool is_qemu = kind == VMM_QEMU;

	if (access(guest_path, R_OK) < 0)
		skip_because("there is no tiny guest for this machine");
	if (!find_program(is_qemu ? "qemu-system-x86_64" : "cloud-hypervisor", path))
		skip_because(is_qemu ? "qemu-system-x86_64 is not installed" :
				       "cloud-hypervisor is not installed");
	if (!is_qemu && access("/dev/kvm", R_OK | W_OK) < 0)
		skip_because("/dev/kvm cannot be opened");
	return path;
}

static size_t first_of(const Machine *m, VmmEventKind kind)
{
	size_t i = 0;

	while (i < m->n_history && m->history[i] != kind)
		i++;
	return i;
}

static void tell_times(const Machine *m, const char *name)
{
	printf("# %s %s: ready after %.1f ms, booted after %.1f ms\n", name, vmm_version(m->vmm),
	       (double) (m->ready_usec - m->started_usec) / 1000,
	       (double) (m->booted_usec - m->started_usec) / 1000);
}

/* start → ready → create → boot → the guest powers off; the process stays until it is told to go. */
static void whole_life(VmmKind kind)
{
	Machine m;

	machine_init(&m, kind, real_vmm(kind), "print=hello poweroff");
	machine_must_start(&m);
	assert_null(vmm_version(m.vmm));
	run_until(&m, VMM_GUEST_OFF, 1);

	assert_true(first_of(&m, VMM_READY) < first_of(&m, VMM_CREATED));
	assert_true(first_of(&m, VMM_CREATED) < first_of(&m, VMM_BOOTED));
	assert_true(first_of(&m, VMM_BOOTED) < first_of(&m, VMM_GUEST_OFF));
	assert_int_equal(m.counts[VMM_REBOOTING], 0);
	assert_int_equal(kill(vmm_pid(m.vmm), 0), 0);
	tell_times(&m, kind == VMM_QEMU ? "QEMU" : "cloud-hypervisor");

	quit(&m);
	assert_non_null(m.console.text);
	assert_non_null(strstr(m.console.text, "tiny: life 1\n"));
	assert_non_null(strstr(m.console.text, "hello\n"));
	machine_done(&m);
}

static void test_ch_whole_life(void **state)
{
	whole_life(VMM_CLOUD_HYPERVISOR);
}

static void test_qemu_whole_life(void **state)
{
	whole_life(VMM_QEMU);
}

/* cloud-hypervisor keeps no CMOS over a reboot: its guest reboots for ever, so it is stopped after some. */
static void test_ch_guest_reboots(void **state)
{
	Machine m;

	machine_init(&m, VMM_CLOUD_HYPERVISOR, real_vmm(VMM_CLOUD_HYPERVISOR), "reboot");
	machine_must_start(&m);
	run_until(&m, VMM_REBOOTED, 3);
	assert_true(m.counts[VMM_REBOOTING] >= m.counts[VMM_REBOOTED]);
	assert_true(first_of(&m, VMM_BOOTED) < first_of(&m, VMM_REBOOTING));
	assert_int_equal(m.counts[VMM_BOOTED], 1);
	assert_int_equal(m.counts[VMM_GUEST_OFF], 0);
	quit(&m);
	machine_done(&m);
}

/* Three reboots are three, however often the firmware resets the machine in between. */
static void test_qemu_guest_reboots(void **state)
{
	Machine m;

	machine_init(&m, VMM_QEMU, real_vmm(VMM_QEMU), "reboot=3 poweroff");
	machine_must_start(&m);
	run_until(&m, VMM_GUEST_OFF, 1);
	assert_non_null(strstr(m.console.text, "tiny: life 4\n"));
	assert_int_equal(m.counts[VMM_REBOOTING], 3);
	assert_int_equal(m.counts[VMM_REBOOTED], 3);
	quit(&m);
	machine_done(&m);
}

/* A guest that dies without a word, over and over, is seen to do so. */
static void test_qemu_silent_crash_loop(void **state)
{
	Machine m;

	machine_init(&m, VMM_QEMU, real_vmm(VMM_QEMU), "silent triplefault");
	machine_must_start(&m);
	run_until(&m, VMM_REBOOTED, 3);
	vmm_kill(m.vmm);
	run_until_exit(&m);
	machine_done(&m);
}

static void test_qemu_guest_panics(void **state)
{
	Machine m;

	machine_init(&m, VMM_QEMU, real_vmm(VMM_QEMU), "panic hang");
	machine_must_start(&m);
	run_until(&m, VMM_GUEST_PANIC, 1);
	assert_int_equal(m.counts[VMM_GUEST_OFF], 0);
	quit(&m);
	machine_done(&m);
}

static void power_button(VmmKind kind)
{
	Machine m;

	machine_init(&m, kind, real_vmm(kind), "powerbutton poweroff");
	machine_must_start(&m);
	run_until(&m, VMM_BOOTED, 1);
	run_until_console(&m, "awaiting the power button");
	assert_int_equal(vmm_power_button(m.vmm), 0);
	run_until(&m, VMM_GUEST_OFF, 1);
	quit(&m);
	machine_done(&m);
}

static void test_ch_power_button(void **state)
{
	power_button(VMM_CLOUD_HYPERVISOR);
}

static void test_qemu_power_button(void **state)
{
	power_button(VMM_QEMU);
}

static void type_in(VmmKind kind)
{
	Machine m;

	machine_init(&m, kind, real_vmm(kind), "print=ready echo poweroff");
	machine_must_start(&m);
	run_until_console(&m, "ready");
	assert_int_equal(write(m.terminal_fd, "moin q", 6), 6);
	run_until_console(&m, "moin");
	run_until(&m, VMM_GUEST_OFF, 1);
	quit(&m);
	machine_done(&m);
}

static void test_ch_console_takes_input(void **state)
{
	type_in(VMM_CLOUD_HYPERVISOR);
}

static void test_qemu_console_takes_input(void **state)
{
	type_in(VMM_QEMU);
}

static void kill_running(VmmKind kind)
{
	Machine m;

	machine_init(&m, kind, real_vmm(kind), "hang");
	machine_must_start(&m);
	run_until(&m, VMM_BOOTED, 1);
	vmm_kill(m.vmm);
	run_until_exit(&m);
	assert_int_equal(m.end.code, CLD_KILLED);
	assert_int_equal(m.end.status, SIGKILL);
	machine_done(&m);
}

static void test_ch_is_killed(void **state)
{
	kill_running(VMM_CLOUD_HYPERVISOR);
}

static void test_qemu_is_killed(void **state)
{
	kill_running(VMM_QEMU);
}

/* Somebody else's kill is told, too, once and last. */
static void killed_by_others(VmmKind kind)
{
	Machine m;

	machine_init(&m, kind, real_vmm(kind), "hang");
	machine_must_start(&m);
	run_until(&m, VMM_BOOTED, 1);
	assert_int_equal(kill(vmm_pid(m.vmm), SIGKILL), 0);
	run_until_exit(&m);
	assert_int_equal(m.counts[VMM_FAILED], 0);
	assert_int_equal(m.counts[VMM_GUEST_OFF], 0);
	machine_done(&m);
}

static void test_ch_killed_by_others(void **state)
{
	killed_by_others(VMM_CLOUD_HYPERVISOR);
}

static void test_qemu_killed_by_others(void **state)
{
	killed_by_others(VMM_QEMU);
}

/* Gives the machine a tap in this process's network namespace. */
static void add_tap(Machine *m, uint32_t queues)
{
	_cleanup_(nl_connection_free_p) Nl *nl = NULL;
	Fault fault = { 0 };

	if (geteuid() != 0)
		skip_because("a tap needs root");
	m->interface = (SpecInterface){ .id = nic_id };
	m->nic = (PlanNic){
		.spec = &m->interface,
		.tap = "vm-test-net0",
		.alias = nic_alias,
		.mac = { { 2, 0, 0, 0, 0, 1 } },
		.tap_mac = { { 0xfe, 0, 0, 0, 0, 1 } },
		.queues = queues,
	};
	m->spec.cpus = queues;
	m->plan.nics = &m->nic;
	m->plan.n_nics = 1;

	assert_int_equal(nl_connection_new(NETLINK_ROUTE, &nl), 0);
	if (tap_create(nl, &m->nic, &m->tap, &fault) < 0)
		fail_msg("%s", fault.what);
}

/* The VMM holds the tap, and with the VMM it goes. */
static void tap_by_fd(VmmKind kind, uint32_t queues, const char *cmdline)
{
	Machine m;

	machine_init(&m, kind, real_vmm(kind), cmdline);
	add_tap(&m, queues);
	machine_must_start(&m);
	run_until(&m, VMM_BOOTED, 1);
	tap_close(&m.tap);
	assert_int_not_equal(if_nametoindex("vm-test-net0"), 0);
	run_until(&m, VMM_REBOOTED, 1);
	assert_int_not_equal(if_nametoindex("vm-test-net0"), 0);
	quit(&m);
	assert_int_equal(if_nametoindex("vm-test-net0"), 0);
	machine_done(&m);
}

static void test_ch_tap(void **state)
{
	tap_by_fd(VMM_CLOUD_HYPERVISOR, 1, "reboot");
}

static void test_ch_tap_with_two_queues(void **state)
{
	tap_by_fd(VMM_CLOUD_HYPERVISOR, 2, "reboot");
}

static void test_qemu_tap(void **state)
{
	tap_by_fd(VMM_QEMU, 1, "reboot=1 hang");
}

static void test_qemu_tap_with_two_queues(void **state)
{
	tap_by_fd(VMM_QEMU, 2, "reboot=1 hang");
}

/* A virtiofsd on a listener of ours, serving the machine's own directory; SIGTERM ends it with us. */
static pid_t start_virtiofsd(const Machine *m, const char *program, const char *socket_path)
{
	_cleanup_close_ int listener = -EBADF;
	char number[16];
	pid_t pid;

	assert_int_equal(sock_listen(socket_path, NULL, &listener), 0);
	(void) snprintf(number, sizeof(number), "%d", listener);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void) prctl(PR_SET_PDEATHSIG, SIGTERM);
		(void) fcntl(listener, F_SETFD, 0);
		(void) execl(program, program, "--fd", number, "--shared-dir", m->directory,
			     "--sandbox", "none", "--log-level", "error", NULL);
		_exit(127);
	}
	return pid;
}

/* The share's server sees its client come and go: it ends by itself, content. */
static void with_share(VmmKind kind)
{
	_cleanup_free_ char *socket_path = NULL;
	char virtiofsd[PATH_MAX];
	SpecShare share = { .id = share_id, .tag = share_id };
	PlanBackend backend = { .kind = BACKEND_VIRTIOFSD, .id = share_id, .share = &share };
	int status = 0;
	Machine m;
	pid_t pid;

	if (!find_program("virtiofsd", virtiofsd))
		skip_because("virtiofsd is not installed");
	machine_init(&m, kind, real_vmm(kind), "poweroff");
	socket_path = path_in(&m, "share.sock");
	backend.socket = socket_path;
	m.spec.shares = &share;
	m.spec.n_shares = 1;
	m.plan.backends = &backend;
	m.plan.n_backends = 1;
	m.plan.shared_memory = true;

	pid = start_virtiofsd(&m, virtiofsd, socket_path);
	machine_must_start(&m);
	run_until(&m, VMM_GUEST_OFF, 1);
	quit(&m);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	machine_done(&m);
}

static void test_ch_share(void **state)
{
	with_share(VMM_CLOUD_HYPERVISOR);
}

static void test_qemu_share(void **state)
{
	with_share(VMM_QEMU);
}

static void add_disk(Machine *m, SpecDisk *disk)
{
	_cleanup_close_ int fd = -EBADF;

	*disk = (SpecDisk){ .id = disk_id, .path = path_in(m, "disk.raw"), .serial = disk_serial };
	fd = open(disk->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, MIB), 0);
	m->spec.disks = disk;
	m->spec.n_disks = 1;
}

static void with_disk(VmmKind kind)
{
	SpecDisk disk;
	Machine m;

	machine_init(&m, kind, real_vmm(kind), "poweroff");
	add_disk(&m, &disk);
	machine_must_start(&m);
	run_until(&m, VMM_GUEST_OFF, 1);
	quit(&m);
	machine_done(&m);
	free(disk.path);
}

static void test_ch_disk(void **state)
{
	with_disk(VMM_CLOUD_HYPERVISOR);
}

static void test_qemu_disk(void **state)
{
	with_disk(VMM_QEMU);
}

/* What cloud-hypervisor opens at boot and cannot: the path and the reason are in the fault. */
static void test_ch_disk_is_missing(void **state)
{
	SpecDisk disk = { .id = disk_id, .path = missing_disk };
	Machine m;

	machine_init(&m, VMM_CLOUD_HYPERVISOR, real_vmm(VMM_CLOUD_HYPERVISOR), "hang");
	m.spec.disks = &disk;
	m.spec.n_disks = 1;
	machine_must_start(&m);
	run_until(&m, VMM_FAILED, 1);
	printf("# %s\n", m.fault.what);
	assert_int_equal(m.fault.exit_code, MVMD_EXIT_VMM);
	assert_non_null(strstr(m.fault.what, "vm.boot"));
	assert_non_null(strstr(m.fault.what, "No such file or directory"));
	assert_int_equal(m.counts[VMM_BOOTED], 0);
	vmm_kill(m.vmm);
	run_until_exit(&m);
	machine_done(&m);
}

/* What QEMU cannot open ends it; why is in its last words. */
static void test_qemu_disk_is_missing(void **state)
{
	SpecDisk disk = { .id = disk_id, .path = missing_disk };
	Machine m;

	machine_init(&m, VMM_QEMU, real_vmm(VMM_QEMU), "hang");
	m.spec.disks = &disk;
	m.spec.n_disks = 1;
	machine_must_start(&m);
	run_until_exit(&m);
	assert_int_equal(m.counts[VMM_READY], 0);
	assert_int_equal(m.end.status, 1);
	assert_non_null(strstr(vmm_last_line(m.vmm), "'/nonexistent/disk,1': No such file"));
	machine_done(&m);
}

static void bind_stale(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (const struct sockaddr *) &address, sizeof(address)), 0);
	(void) close_fd(fd);
}

/* The guest waits with "echo" until here, so that what is looked at before is that life's. */
static void let_it_go_on(Machine *m)
{
	run_until_console(m, "listening");
	assert_int_equal(write(m->terminal_fd, "q", 1), 1);
}

/* An earlier run's vsock socket is in nobody's way, and after a reboot the new one listens again. */
static void test_ch_vsock(void **state)
{
	SockState look;
	Machine m;

	machine_init(&m, VMM_CLOUD_HYPERVISOR, real_vmm(VMM_CLOUD_HYPERVISOR), "echo reboot");
	m.plan.cid = 77;
	m.plan.vsock_socket = path_in(&m, "vsock.sock");
	bind_stale(m.plan.vsock_socket);
	machine_must_start(&m);
	run_until(&m, VMM_BOOTED, 1);
	assert_int_equal(sock_look(m.plan.vsock_socket, &look), 0);
	assert_int_equal(look, SOCK_LISTENING);
	let_it_go_on(&m);
	run_until(&m, VMM_REBOOTED, 1);
	assert_int_equal(sock_look(m.plan.vsock_socket, &look), 0);
	assert_int_equal(look, SOCK_LISTENING);
	quit(&m);
	machine_done(&m);
}

static void copy_file(const char *from, const char *to)
{
	_cleanup_close_ int source = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int target = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(source >= 0 && target >= 0);
	assert_true(copy_file_range(source, NULL, target, NULL, MIB, 0) > 0);
}

/* A package update replaces the kernel under a running guest: its reboot takes the new one. */
static void test_ch_kernel_is_replaced(void **state)
{
	_cleanup_free_ char *kernel = NULL, *update = NULL;
	Machine m;

	machine_init(&m, VMM_CLOUD_HYPERVISOR, real_vmm(VMM_CLOUD_HYPERVISOR), "echo reboot");
	kernel = path_in(&m, "kernel");
	update = path_in(&m, "kernel.new");
	copy_file(guest_path, kernel);
	m.spec.boot.kernel = kernel;
	machine_must_start(&m);
	run_until(&m, VMM_BOOTED, 1);
	copy_file(guest_path, update);
	assert_int_equal(rename(update, kernel), 0);
	let_it_go_on(&m);
	run_until(&m, VMM_REBOOTED, 1);
	quit(&m);
	machine_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ch_whole_life),
		cmocka_unit_test(test_ch_guest_reboots),
		cmocka_unit_test(test_ch_power_button),
		cmocka_unit_test(test_ch_console_takes_input),
		cmocka_unit_test(test_ch_tap),
		cmocka_unit_test(test_ch_tap_with_two_queues),
		cmocka_unit_test(test_ch_share),
		cmocka_unit_test(test_ch_disk),
		cmocka_unit_test(test_ch_disk_is_missing),
		cmocka_unit_test(test_ch_vsock),
		cmocka_unit_test(test_ch_kernel_is_replaced),
		cmocka_unit_test(test_ch_is_killed),
		cmocka_unit_test(test_ch_killed_by_others),
		cmocka_unit_test(test_qemu_whole_life),
		cmocka_unit_test(test_qemu_guest_reboots),
		cmocka_unit_test(test_qemu_silent_crash_loop),
		cmocka_unit_test(test_qemu_guest_panics),
		cmocka_unit_test(test_qemu_power_button),
		cmocka_unit_test(test_qemu_console_takes_input),
		cmocka_unit_test(test_qemu_tap),
		cmocka_unit_test(test_qemu_tap_with_two_queues),
		cmocka_unit_test(test_qemu_share),
		cmocka_unit_test(test_qemu_disk),
		cmocka_unit_test(test_qemu_disk_is_missing),
		cmocka_unit_test(test_qemu_is_killed),
		cmocka_unit_test(test_qemu_killed_by_others),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	find_paths();
	if (geteuid() == 0 && unshare(CLONE_NEWNET) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
