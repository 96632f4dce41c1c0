/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One VM behind the VMM interface, for tests: a plan made by hand, a console, and a record of all that was
 * told. Include <cmocka.h> and what it needs first.
 */
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "host/sock.h"
#include "host/tap.h"
#include "run/vmm.h"

#define TEST_LIMIT_USEC (60 * USEC_PER_SEC)
#define QUIT_USEC	(20 * USEC_PER_SEC)
#define HISTORY_MAX	256

/* The spec and the plan hold strings that can be written to. */
static char vm_name[] = "test";
static char guest_path[4096], self_path[4096];

/* One VM from start to end: its plan, and all that was told about it. */
typedef struct Machine {
	sd_event *event;
	Vmm *vmm;
	char directory[64];
	Spec spec;
	SpecInterface interface;
	Facts facts;
	Program program;
	Plan plan;
	PlanNic nic;
	Tap tap;
	int console_fd, terminal_fd; /* the guest's side, ours */
	sd_event_source *terminal;
	StrBuf console;
	VmmEventKind history[HISTORY_MAX];
	size_t n_history;
	unsigned counts[_VMM_EVENT_MAX];
	Fault fault;
	ChildEnd end;
	bool by_hand; /* do not create and boot as the events come */
	uint64_t started_usec, ready_usec, booted_usec;
} Machine;

static inline void on_event(Vmm *vmm, const VmmEvent *event, void *userdata)
{
	Machine *m = userdata;

	assert_true(m->n_history < HISTORY_MAX);
	assert_int_equal(m->counts[VMM_EXITED], 0);
	m->history[m->n_history++] = event->kind;
	m->counts[event->kind]++;

	if (event->kind == VMM_FAILED) {
		fault_copy(&m->fault, event->fault);
	} else if (event->kind == VMM_EXITED) {
		m->end = *event->end;
	} else if (event->kind == VMM_READY) {
		m->ready_usec = now_usec();
		if (!m->by_hand)
			assert_int_equal(vmm_create(vmm), 0);
	} else if (event->kind == VMM_CREATED && !m->by_hand) {
		assert_int_equal(vmm_boot(vmm), 0);
	} else if (event->kind == VMM_BOOTED) {
		m->booted_usec = now_usec();
	}
}

/* Reads what is there; false at the end. */
static inline bool read_terminal(Machine *m)
{
	char buffer[4096];
	ssize_t n;

	while ((n = read(m->terminal_fd, buffer, sizeof(buffer))) > 0)
		str_buf_add_bytes(&m->console, buffer, (size_t) n);
	return n < 0 && errno == EAGAIN;
}

static inline int on_terminal(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	Machine *m = userdata;

	if (!read_terminal(m))
		m->terminal = sd_event_source_disable_unref(m->terminal);
	return 0;
}

static inline uint64_t count_console_bytes(void *userdata)
{
	Machine *m = userdata;

	(void) read_terminal(m);
	return m->console.length;
}

static inline void open_pty(Machine *m)
{
	struct termios settings;

	m->terminal_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	assert_true(m->terminal_fd >= 0);
	assert_int_equal(unlockpt(m->terminal_fd), 0);
	m->console_fd = open(ptsname(m->terminal_fd), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(m->console_fd >= 0);
	assert_int_equal(tcgetattr(m->console_fd, &settings), 0);
	cfmakeraw(&settings);
	assert_int_equal(tcsetattr(m->console_fd, TCSANOW, &settings), 0);
}

static inline void open_console(Machine *m)
{
	if (m->plan.vmm == VMM_CLOUD_HYPERVISOR) {
		open_pty(m);
	} else {
		assert_int_equal(sock_listen(m->plan.console_socket, NULL, &m->console_fd), 0);
		assert_int_equal(sock_connect(m->plan.console_socket, &m->terminal_fd), 0);
	}
	assert_true(sd_event_add_io(m->event, &m->terminal, m->terminal_fd, EPOLLIN, on_terminal,
				    m) >= 0);
}

static inline char *path_in(const Machine *m, const char *name)
{
	char *path = str_printf("%s/%s", m->directory, name);

	assert_non_null(path);
	return path;
}

/* A VM of 64 MiB with the tiny guest. */
static inline void machine_init(Machine *m, VmmKind kind, const char *program, const char *cmdline)
{
	*m = (Machine){ .directory = "/tmp/mvmd-test-vmm-XXXXXX" };
	m->tap = (Tap){ 0 };
	m->console_fd = m->terminal_fd = -EBADF;
	assert_int_equal(sd_event_new(&m->event), 0);
	assert_non_null(mkdtemp(m->directory));

	m->program = (Program){ .path = strdup(program) };
	if (kind == VMM_QEMU)
		m->program.major = 7, m->program.minor = 2;
	m->facts.landlock_abi = (int) syscall(SYS_landlock_create_ruleset, NULL, 0,
					      LANDLOCK_CREATE_RULESET_VERSION);
	m->spec = (Spec){
		.name = vm_name,
		.timeouts = { .boot_usec = TEST_LIMIT_USEC },
		.boot = { .kernel = guest_path, .cmdline = strdup(cmdline) },
		.cpus = 1,
		.memory = { .size_bytes = 64 * MIB },
	};
	m->plan = (Plan){
		.spec = &m->spec,
		.facts = &m->facts,
		.vmm = kind,
		.accel = kind == VMM_QEMU ? ACCEL_TCG : ACCEL_KVM,
		.vmm_program = &m->program,
		.vmm_socket = path_in(m, "vmm.sock"),
		.console_socket = path_in(m, "console.sock"),
	};
}

static inline int machine_start(Machine *m, Fault *fault)
{
	const VmmHandler handler = { .on_event = on_event, .userdata = m };
	VmmResources resources = { .plan = &m->plan,
				   .taps = &m->tap,
				   .console_bytes = count_console_bytes,
				   .userdata = m };

	open_console(m);
	resources.console_fd = m->console_fd;
	m->started_usec = now_usec();
	return vmm_start(m->event, &resources, &handler, &m->vmm, fault);
}

static inline void machine_must_start(Machine *m)
{
	Fault fault = { 0 };

	if (machine_start(m, &fault) < 0)
		fail_msg("%s", fault.what);
}

static inline void run_until(Machine *m, VmmEventKind kind, unsigned count)
{
	while (m->counts[kind] < count) {
		if (m->counts[VMM_EXITED] > 0)
			fail_msg("the VMM ended early; its last words: %s", vmm_last_line(m->vmm));
		if (kind != VMM_FAILED && m->counts[VMM_FAILED] > 0)
			fail_msg("%s", m->fault.what);
		if (sd_event_run(m->event, TEST_LIMIT_USEC) <= 0)
			fail_msg("nothing happened for 60 s; on the console: %s", m->console.text);
	}
	/* What the guest wrote before that has its own way to us, and its turn may come later. */
	(void) read_terminal(m);
}

static inline void run_until_console(Machine *m, const char *text)
{
	while (!m->console.text || !strstr(m->console.text, text)) {
		if (m->counts[VMM_EXITED] > 0 || m->counts[VMM_FAILED] > 0)
			fail_msg("it ended before it said \"%s\"", text);
		if (sd_event_run(m->event, TEST_LIMIT_USEC) <= 0)
			fail_msg("nothing happened for 60 s");
	}
}

/* Whatever it is in the midst of, its end comes, and comes last. */
static inline void run_until_exit(Machine *m)
{
	while (m->counts[VMM_EXITED] == 0)
		if (sd_event_run(m->event, TEST_LIMIT_USEC) <= 0)
			fail_msg("the VMM did not end within 60 s");
	assert_int_equal(vmm_pid(m->vmm), 0);
}

static inline void quit(Machine *m)
{
	vmm_quit(m->vmm, QUIT_USEC);
	run_until_exit(m);
	assert_int_equal(m->end.code, CLD_EXITED);
	assert_int_equal(m->end.status, 0);
}

static inline void remove_directory(const Machine *m)
{
	static const char *const names[] = { "vmm.sock",   "console.sock", "vsock.sock",
					     "disk.raw",   "kernel",	   "kernel.new",
					     "share.sock", "vmm.sock.log", "vmm.sock.events" };

	if (strncmp(m->program.path, m->directory, strlen(m->directory)) == 0)
		(void) unlink(m->program.path);
	for (size_t i = 0; i < ELEMENTSOF(names); i++) {
		_cleanup_free_ char *path = path_in(m, names[i]);

		(void) unlink(path);
	}
	assert_int_equal(rmdir(m->directory), 0);
}

static inline void machine_done(Machine *m)
{
	m->vmm = vmm_free(m->vmm);
	m->terminal = sd_event_source_disable_unref(m->terminal);
	m->console_fd = close_fd(m->console_fd);
	m->terminal_fd = close_fd(m->terminal_fd);
	tap_close(&m->tap);
	str_buf_done(&m->console);
	fault_done(&m->fault);
	remove_directory(m);
	free(m->program.path);
	free(m->spec.boot.cmdline);
	free(m->plan.vmm_socket);
	free(m->plan.console_socket);
	free(m->plan.vsock_socket);
	m->event = sd_event_unref(m->event);
}

/* The guest lies beside this program in the build directory. */
static inline void find_paths(void)
{
	ssize_t n = readlink("/proc/self/exe", self_path, sizeof(self_path) - 1);
	char *slash;

	if (n < 0)
		exit(1);
	memcpy(guest_path, self_path, (size_t) n);
	slash = strrchr(guest_path, '/');
	(void) snprintf(slash, sizeof(guest_path) - (size_t) (slash - guest_path),
			"/../guest/tiny.elf");
}
