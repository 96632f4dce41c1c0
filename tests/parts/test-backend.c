/* SPDX-License-Identifier: Apache-2.0 */
/* Real backends on a listener that stays ours, with a client that says one vhost-user message. */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/sock.h"
#include "mvmd/exit-codes.h"
#include "run/backend.h"

#define TEST_LIMIT_USEC	 (60 * USEC_PER_SEC)
#define STRANGER	 54321
#define DISK_BYTES	 (1024 * 1024)
#define TEXT(text)	 ((char *) (uintptr_t) (text)) /* string literals, which nobody writes to */
#define VHOST_USER_REPLY 20 /* bytes: header and one u64 */

typedef struct World {
	char directory[32];
	Spec spec;
	Facts facts;
	Plan plan;
	PlanBackend planned;
	SpecDisk disk;
	SpecShare share;
	PathFact path;
	sd_event *event;
	Backend *backend;
	unsigned crashes, lost, stopped;
	Fault last;
	bool awake; /* the client's socket has something */
} World;

static void keep(World *world, const Fault *fault)
{
	fault_copy(&world->last, fault);
}

static void on_crash(Backend *backend, const Fault *fault, void *userdata)
{
	World *world = userdata;

	world->crashes++;
	assert_int_equal(backend_pid(backend), 0);
	keep(world, fault);
}

static void on_lost(Backend *backend, const Fault *fault, void *userdata)
{
	World *world = userdata;

	world->lost++;
	keep(world, fault);
}

static void on_stopped(Backend *backend, void *userdata)
{
	((World *) userdata)->stopped++;
}

static int setup(void **state)
{
	World *world = calloc(1, sizeof(*world));
	uid_t uid = geteuid() == 0 ? STRANGER : geteuid();
	char path[64];
	int fd;

	assert_non_null(world);
	(void) strcpy(world->directory, "/tmp/mvmd-test-XXXXXX");
	assert_non_null(mkdtemp(world->directory));
	assert_int_equal(chmod(world->directory, 0755), 0);
	(void) snprintf(path, sizeof(path), "%s/disk,1.raw", world->directory);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, DISK_BYTES), 0);
	assert_int_equal(fchown(fd, uid, (gid_t) -1), 0);
	(void) close(fd);

	world->disk = (SpecDisk){ .id = TEXT("root"), .path = strdup(path) };
	world->share = (SpecShare){ .id = TEXT("data"), .tag = TEXT("data") };
	world->share.source = world->directory;
	world->path = (PathFact){ .role = PATH_DISK, .mode = S_IFREG | 0600 };
	world->spec = (Spec){ .name = TEXT("t"), .cpus = 2, .disks = &world->disk, .n_disks = 1 };
	world->facts = (Facts){ .paths = &world->path, .n_paths = 1 };
	world->plan = (Plan){ .spec = &world->spec, .facts = &world->facts };
	world->planned.socket = str_printf("%s/s", world->directory);
	world->planned.identity =
		(Identity){ .uid = uid, .gid = geteuid() == 0 ? STRANGER : getegid() };
	assert_int_equal(sd_event_new(&world->event), 0);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	World *world = *state;
	char path[64];

	world->backend = backend_free(world->backend);
	world->event = sd_event_unref(world->event);
	(void) unlink(world->planned.socket);
	(void) unlink(world->disk.path);
	(void) snprintf(path, sizeof(path), "%s/fake", world->directory);
	(void) unlink(path);
	(void) snprintf(path, sizeof(path), "%s.log", world->planned.socket);
	(void) unlink(path);
	assert_int_equal(rmdir(world->directory), 0);
	free(world->planned.socket);
	free(world->disk.path);
	fault_done(&world->last);
	free(world);
	return 0;
}

static void start_planned(World *world, BackendOnExit on_exit)
{
	const BackendHandler handler = { .on_crash = on_crash,
					 .on_lost = on_lost,
					 .on_stopped = on_stopped,
					 .userdata = world };
	const BackendConfig config = { .plan = &world->plan, .backend = &world->planned };
	const SockAccess access = { .mode = 0600, .user = (uid_t) -1 };
	Fault fault = { 0 };
	int listener;

	world->planned.on_exit = on_exit;
	assert_int_equal(sock_listen(world->planned.socket, &access, &listener), 0);
	if (backend_start(world->event, &config, listener, &handler, &world->backend, &fault) < 0)
		fail_msg("%s", fault.what);
}

static void start_share(World *world, const char *program, BackendOnExit on_exit)
{
	world->facts.virtiofsd.path = (char *) (uintptr_t) program;
	world->planned.kind = BACKEND_VIRTIOFSD;
	world->planned.id = world->share.id;
	world->planned.share = &world->share;
	start_planned(world, on_exit);
}

static void start_disk(World *world, const char *program, BackendOnExit on_exit)
{
	world->facts.storage_daemon.path = (char *) (uintptr_t) program;
	world->planned.kind = BACKEND_STORAGE_DAEMON;
	world->planned.id = world->disk.id;
	world->planned.disk = &world->disk;
	start_planned(world, on_exit);
}

static const char *find_program(const char *const *places)
{
	for (; *places; places++)
		if (access(*places, X_OK) == 0)
			return *places;
	return NULL;
}

static const char *need_virtiofsd(void)
{
	static const char *const places[] = { "/usr/local/bin/virtiofsd", "/usr/libexec/virtiofsd",
					      "/usr/lib/virtiofsd", NULL };
	const char *program = find_program(places);

	if (!program) {
		print_message("# the Rust virtiofsd is not installed\n");
		skip();
	}
	return program;
}

static const char *need_storage_daemon(void)
{
	static const char *const places[] = { "/usr/bin/qemu-storage-daemon",
					      "/usr/local/bin/qemu-storage-daemon", NULL };
	const char *program = find_program(places);

	if (!program) {
		print_message("# qemu-storage-daemon is not installed\n");
		skip();
	}
	return program;
}

static void turn(World *world)
{
	if (sd_event_run(world->event, TEST_LIMIT_USEC) <= 0)
		fail_msg("nothing happened for a minute");
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	((World *) userdata)->awake = true;
	return 0;
}

static int client_connect(const World *world)
{
	int fd;

	assert_int_equal(sock_connect(world->planned.socket, &fd), 0);
	return fd;
}

/* Runs the loop until the socket has something to say; returns what recv(2) does. */
static ssize_t client_wait(World *world, int fd)
{
	sd_event_source *source = NULL;
	char reply[64];
	ssize_t n;

	world->awake = false;
	assert_true(sd_event_add_io(world->event, &source, fd, EPOLLIN, on_readable, world) >= 0);
	while (!world->awake)
		turn(world);
	source = sd_event_source_disable_unref(source);
	n = recv(fd, reply, sizeof(reply), 0);
	return n < 0 ? -errno : n;
}

/* VHOST_USER_GET_FEATURES: the first message of every frontend. */
static void client_ask(World *world, int fd)
{
	const uint32_t message[3] = { 1, 1, 0 };
	ssize_t got = 0;

	assert_int_equal(send(fd, message, sizeof(message), MSG_NOSIGNAL), sizeof(message));
	while (got < VHOST_USER_REPLY) { /* qemu-storage-daemon sends header and body apart */
		ssize_t n = client_wait(world, fd);

		assert_true(n > 0);
		got += n;
	}
}

static void connect_and_ask(World *world)
{
	int fd = client_connect(world);

	client_ask(world, fd);
	(void) close(fd);
}

static void wait_for_restart(World *world, unsigned restarts)
{
	while (backend_restarts(world->backend) < restarts)
		turn(world);
}

static bool is_in_our_user_namespace(pid_t pid)
{
	char path[64], ours[64] = "", theirs[64] = "";

	(void) snprintf(path, sizeof(path), "/proc/%d/ns/user", (int) pid);
	assert_true(readlink("/proc/self/ns/user", ours, sizeof(ours) - 1) > 0);
	assert_true(readlink(path, theirs, sizeof(theirs) - 1) > 0);
	return strcmp(ours, theirs) == 0;
}

static bool has_status(pid_t pid, const char *line_expected)
{
	char path[64], line[256];
	bool found = false;
	FILE *file;

	(void) snprintf(path, sizeof(path), "/proc/%d/status", (int) pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		found |= strncmp(line, line_expected, strlen(line_expected)) == 0;
	(void) fclose(file);
	return found;
}

static void assert_status(pid_t pid, const char *line_expected)
{
	if (!has_status(pid, line_expected))
		fail_msg("no \"%s\" in the status of process %d", line_expected, (int) pid);
}

/*
 * virtiofsd makes a user namespace of its own, and in there it has every right: what counts is that it has none
 * in ours. It may enter its own at any moment, so what it has is looked at first: where it still is in ours after
 * that, it had that in ours.
 */
static void assert_no_capabilities(pid_t pid)
{
	bool none = has_status(pid, "CapEff:\t0000000000000000") &&
		    has_status(pid, "CapPrm:\t0000000000000000");

	assert_true(none || !is_in_our_user_namespace(pid));
}

/* What a reboot of the guest does: the client leaves, virtiofsd exits 0, the next client is served. */
static void test_share_outlives_client(void **state)
{
	World *world = *state;
	pid_t first;

	start_share(world, need_virtiofsd(), BACKEND_RESPAWN);
	first = backend_pid(world->backend);
	connect_and_ask(world);
	wait_for_restart(world, 1);
	assert_true(backend_pid(world->backend) > 0 && backend_pid(world->backend) != first);
	connect_and_ask(world);
	wait_for_restart(world, 2);
	assert_int_equal(world->crashes, 0);
	assert_int_equal(world->lost, 0);
}

/* One that connects before the respawn is served, too: its connection waits in the backlog. */
static void test_client_in_backlog(void **state)
{
	World *world = *state;
	int first, second;

	start_share(world, need_virtiofsd(), BACKEND_RESPAWN);
	first = client_connect(world);
	client_ask(world, first);
	second = client_connect(world);
	(void) close(first);
	client_ask(world, second);
	(void) close(second);
	assert_int_equal(backend_restarts(world->backend), 1);
}

static void test_share_has_no_rights(void **state)
{
	World *world = *state;
	char uid[64];
	pid_t pid;

	start_share(world, need_virtiofsd(), BACKEND_RESPAWN);
	connect_and_ask(world);
	wait_for_restart(world, 1);
	pid = backend_pid(world->backend);
	(void) snprintf(uid, sizeof(uid), "Uid:\t%u\t", (unsigned) world->planned.identity.uid);
	assert_status(pid, uid);
	assert_no_capabilities(pid);
	assert_status(pid, "NoNewPrivs:\t1");
}

static void test_share_served_by_root(void **state)
{
	World *world = *state;

	if (geteuid() != 0) {
		print_message("# serving as root needs root\n");
		skip();
	}
	world->planned.identity = (Identity){ 0 };
	start_share(world, need_virtiofsd(), BACKEND_RESPAWN);
	connect_and_ask(world);
	wait_for_restart(world, 1);
	assert_int_equal(world->crashes, 0);
}

static void test_share_crash(void **state)
{
	World *world = *state;

	start_share(world, need_virtiofsd(), BACKEND_RESPAWN);
	assert_int_equal(kill(backend_pid(world->backend), SIGKILL), 0);
	wait_for_restart(world, 1);
	assert_int_equal(world->crashes, 1);
	assert_string_equal(world->last.id, "backend-crashed");
	assert_string_equal(world->last.what, "virtiofsd[data] ended: signal 9 (SIGKILL)");
	assert_non_null(strstr(world->last.remedy, "mount -t virtiofs data"));
	assert_string_equal(fault_evidence_get(&world->last, "signal"), "SIGKILL");
	assert_string_equal(fault_evidence_get(&world->last, "tag"), "data");
	assert_string_equal(fault_evidence_get(&world->last, "crashes"), "1");
	connect_and_ask(world);
	assert_int_equal(world->lost, 0);
}

/* It cannot start; after the limit the one who waits in the backlog hears of it. */
static void test_limit(void **state)
{
	World *world = *state;
	int client;

	start_share(world, "/bin/false", BACKEND_RESPAWN);
	client = client_connect(world);
	assert_true(client_wait(world, client) <= 0);
	(void) close(client);
	assert_int_equal(world->lost, 1);
	assert_int_equal(world->crashes, 4);
	assert_int_equal(world->last.exit_code, MVMD_EXIT_BACKEND);
	assert_string_equal(world->last.what, "given up after 5 crashes in a row: virtiofsd[data] "
					      "ended: exit status 1");
	assert_string_equal(world->last.id, "backend-lost");
	assert_string_equal(fault_evidence_get(&world->last, "crashes"), "5");
	assert_string_equal(fault_evidence_get(&world->last, "exit_status"), "1");
	assert_int_equal(sock_connect(world->planned.socket, &client), -ECONNREFUSED);
}

/* The process that serves is a child of ours: virtiofsd's sandbox. 0: it has none, or the kernel does not tell. */
static pid_t inner_process(pid_t pid)
{
	char path[64];
	int inner = 0;
	FILE *file;

	(void) snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int) pid, (int) pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%d", &inner) != 1)
		inner = 0;
	(void) fclose(file);
	return inner;
}

/*
 * The OOM killer would take the process that serves, in the midst of a client's words. What ended it is told, and
 * not the outer process's status; the next client is served by the next process.
 */
static void test_a_share_that_is_killed_while_it_serves(void **state)
{
	World *world = *state;
	pid_t inner;
	int fd;

	start_share(world, need_virtiofsd(), BACKEND_RESPAWN);
	fd = client_connect(world);
	client_ask(world, fd);
	inner = inner_process(backend_pid(world->backend));
	if (inner == 0) {
		(void) close(fd);
		print_message("# there is no inner process, or no /proc/PID/task/TID/children\n");
		skip();
	}
	assert_int_equal(kill(inner, SIGKILL), 0);
	wait_for_restart(world, 1);
	(void) close(fd);
	assert_int_equal(world->crashes, 1);
	assert_non_null(fault_evidence_get(&world->last, "signal"));
	assert_string_equal(fault_evidence_get(&world->last, "signal"), "SIGKILL");
	connect_and_ask(world);
}

/* It would do the same again: it is not tried again, and who waits in the backlog hears of it at once. */
static void test_wrong_options(void **state)
{
	World *world = *state;
	int client;

	start_share(world, "/bin/ls", BACKEND_RESPAWN);
	client = client_connect(world);
	assert_true(client_wait(world, client) <= 0);
	(void) close(client);
	assert_int_equal(world->lost, 1);
	assert_int_equal(world->crashes, 0);
	assert_string_equal(world->last.id, "backend-usage");
	assert_string_equal(fault_evidence_get(&world->last, "backend"), "virtiofsd[data]");
	assert_string_equal(fault_evidence_get(&world->last, "exit_status"), "2");
}

/* Exit status 0 without a client, over and over: a loop, not a reboot. */
static void test_clean_loop(void **state)
{
	World *world = *state;

	start_share(world, "/bin/true", BACKEND_RESPAWN);
	while (!world->lost)
		turn(world);
	assert_true(world->crashes > 0);
	assert_non_null(strstr(world->last.why, "its client has left it"));
}

static void test_last_words(void **state)
{
	World *world = *state;

	start_share(world, "/bin/ls", BACKEND_RESTART_VM); /* which does not know --fd */
	while (!world->lost)
		turn(world);
	assert_int_equal(world->crashes, 0);
	assert_string_equal(world->last.id, "backend-usage");
	assert_non_null(strstr(world->last.why, "unrecognized option '--fd=3'"));
	assert_non_null(strstr(world->last.remedy, "/bin/ls --version"));
	assert_int_equal(world->last.exit_code, MVMD_EXIT_UNAVAILABLE);
}

static void test_a_share_that_is_not_to_come_back(void **state)
{
	World *world = *state;

	start_share(world, need_virtiofsd(), BACKEND_RESTART_VM);
	connect_and_ask(world);
	while (!world->lost)
		turn(world);
	assert_int_equal(backend_restarts(world->backend), 0);
	assert_non_null(strstr(world->last.what, "virtiofsd[data] ended: exit status 0"));
	assert_non_null(strstr(world->last.what, "the VM needs a restart"));
	assert_int_equal(world->last.exit_code, MVMD_EXIT_RESTART);
	backend_stop(world->backend); /* of one that is gone answers, too */
	while (!world->stopped)
		turn(world);
}

static void test_a_disk_that_crashes_stops_the_vm(void **state)
{
	World *world = *state;

	start_disk(world, need_storage_daemon(), BACKEND_STOP_VM);
	connect_and_ask(world);
	assert_int_equal(kill(backend_pid(world->backend), SIGKILL), 0);
	while (!world->lost)
		turn(world);
	assert_int_equal(world->crashes, 0);
	assert_int_equal(backend_restarts(world->backend), 0);
	assert_non_null(strstr(world->last.what, "the VM is stopped"));
	assert_int_equal(world->last.exit_code, MVMD_EXIT_BACKEND);
}

/* cloud-hypervisor's guest reboots by leaving and coming back, whatever is to happen at a crash. */
static void test_a_reboot_is_no_loss(void **state)
{
	World *world = *state;

	world->plan.vmm = VMM_CLOUD_HYPERVISOR;
	world->share.on_exit = BACKEND_STOP_VM;
	start_share(world, need_virtiofsd(), BACKEND_STOP_VM);
	connect_and_ask(world);
	wait_for_restart(world, 1);
	connect_and_ask(world);
	wait_for_restart(world, 2);
	assert_int_equal(world->crashes + world->lost, 0);

	assert_int_equal(kill(backend_pid(world->backend), SIGKILL), 0);
	while (!world->lost)
		turn(world);
	assert_non_null(strstr(world->last.what, "the VM is stopped, as on_exit says"));
	assert_int_equal(world->last.exit_code, MVMD_EXIT_BACKEND);
}

/* A daemon of a disk's does not leave with its client: its end is a crash, whatever its status. */
static void test_a_disk_that_is_to_come_back(void **state)
{
	World *world = *state;

	start_disk(world, need_storage_daemon(), BACKEND_RESPAWN);
	connect_and_ask(world);
	assert_int_equal(kill(backend_pid(world->backend), SIGTERM), 0);
	wait_for_restart(world, 1);
	assert_int_equal(world->crashes, 1);
	connect_and_ask(world);
}

static void test_stop(void **state)
{
	World *world = *state;

	start_disk(world, need_storage_daemon(), BACKEND_STOP_VM);
	connect_and_ask(world);
	backend_stop(world->backend);
	assert_int_equal(world->stopped, 0);
	while (!world->stopped)
		turn(world);
	assert_int_equal(world->crashes + world->lost, 0);
	assert_int_equal(backend_pid(world->backend), 0);
}

static void test_stop_while_waiting(void **state)
{
	World *world = *state;

	start_share(world, "/bin/false", BACKEND_RESPAWN);
	while (!world->crashes)
		turn(world);
	backend_stop(world->backend);
	while (!world->stopped)
		turn(world);
	assert_int_equal(world->crashes, 1);
	assert_int_equal(backend_restarts(world->backend), 0);
}

/* It outlives its clients, and has a comma in its path and another user's file. */
static void test_disk_serves(void **state)
{
	World *world = *state;
	pid_t pid;

	start_disk(world, need_storage_daemon(), BACKEND_RESPAWN);
	pid = backend_pid(world->backend);
	connect_and_ask(world);
	connect_and_ask(world);
	assert_int_equal(backend_pid(world->backend), pid);

	assert_int_equal(kill(pid, SIGKILL), 0);
	wait_for_restart(world, 1);
	assert_int_equal(world->crashes, 1);
	assert_string_equal(world->last.what, "storage-daemon[root] ended: signal 9 (SIGKILL)");
	connect_and_ask(world);
}

/* The number of the system call that a process waits in (proc(5), /proc/PID/syscall); -1: in none. */
static long current_syscall(pid_t pid)
{
	char path[64], text[256];
	long number = -1;
	FILE *file;

	(void) snprintf(path, sizeof(path), "/proc/%d/syscall", (int) pid);
	file = fopen(path, "re");
	assert_non_null(file);
	if (fgets(text, sizeof(text), file) && strncmp(text, "running", 7) != 0)
		number = strtol(text, NULL, 10);
	(void) fclose(file);
	return number;
}

/* Its own listener, and /dev/null and the pipe: nothing else of ours is open in it. */
static void test_fds(void **state)
{
	World *world = *state;
	char path[64], target[64] = "";
	FILE *script;
	int n = 0;

	(void) snprintf(path, sizeof(path), "%s/fake", world->directory);
	script = fopen(path, "we");
	assert_non_null(script);
	(void) fputs("#!/bin/sh\nexec sleep 1000\n", script);
	(void) fclose(script);
	assert_int_equal(chmod(path, 0755), 0);
	start_share(world, path, BACKEND_RESPAWN);

	/* Until then its loader has files open of its own. */
	while (current_syscall(backend_pid(world->backend)) != SYS_clock_nanosleep)
		assert_int_equal(sched_yield(), 0);
	for (int i = 0; i < 256; i++) {
		ssize_t length;

		(void) snprintf(path, sizeof(path), "/proc/%d/fd/%d",
				(int) backend_pid(world->backend), i);
		length = readlink(path, target, sizeof(target) - 1);
		if (length < 0)
			continue;
		n++;
		target[length] = '\0';
		if (i == 0)
			assert_string_equal(target, "/dev/null");
		else if (i == 3)
			assert_memory_equal(target, "socket:", 6);
		else
			assert_non_null(strstr(target, "/s.log"));
	}
	assert_int_equal(n, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_share_outlives_client),
		TEST(test_client_in_backlog),
		TEST(test_share_has_no_rights),
		TEST(test_share_served_by_root),
		TEST(test_share_crash),
		TEST(test_a_share_that_is_killed_while_it_serves),
		TEST(test_limit),
		TEST(test_wrong_options),
		TEST(test_clean_loop),
		TEST(test_last_words),
		TEST(test_a_disk_that_crashes_stops_the_vm),
		TEST(test_a_share_that_is_not_to_come_back),
		TEST(test_a_reboot_is_no_loss),
		TEST(test_a_disk_that_is_to_come_back),
		TEST(test_stop),
		TEST(test_stop_while_waiting),
		TEST(test_disk_serves),
		TEST(test_fds),
	};

	(void) cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
