/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries what a VMM that its guest has taken over would try, and tells how each try ended: a line "NAME done", or
 * "NAME EACCES", "NAME SIGSYS". Started as QEMU (with words behind its name) it is in a VMM's own place and writes to
 * /srv/results/UID; by hand it prints, which shows what the same tries give elsewhere. No try changes the host, also
 * where it is allowed: what would, has an argument that the kernel refuses after its rights.
 *
 * The other VM is described by /srv/other.raw, its disk, /srv/other-pid, and its folder /run/mvmd/other.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ELEMENTSOF(array) (sizeof(array) / sizeof((array)[0]))

#define PAGE_BYTES     4096
#define SYSLOG_SIZE    10 /* SYSLOG_ACTION_SIZE_BUFFER of syslog(2) */
#define WORD_AM_I_ROOT "--am-i-root"

/* 0 or errno of a call that gave result. */
static int errno_of(long result)
{
	return result < 0 ? errno : 0;
}

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	int error = errno_of(fd);

	if (fd >= 0)
		(void) close(fd);
	return error;
}

static pid_t other_pid(void)
{
	FILE *file = fopen("/srv/other-pid", "re");
	char text[32] = "";

	if (!file || !fgets(text, sizeof(text), file))
		exit(EXIT_FAILURE);
	(void) fclose(file);
	return (pid_t) strtol(text, NULL, 10);
}

static int try_new_file(const char *path)
{
	int error = try_open(path, O_WRONLY | O_CREAT | O_EXCL);

	if (error == 0)
		(void) unlink(path);
	return error;
}

/* What is another VM's. */

static int other_disk(void)
{
	return try_open("/srv/other.raw", O_RDONLY);
}

static int other_folder(void)
{
	return try_open("/run/mvmd/other/vmm", O_RDONLY | O_DIRECTORY);
}

static int other_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX,
				       .sun_path = "/run/mvmd/other/qmp.sock" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return errno_of(connect(fd, (const struct sockaddr *) &address, sizeof(address)));
}

static int other_signal(void)
{
	return errno_of(kill(other_pid(), 0));
}

/* The tracer's end lets it go on; it was never stopped. */
static int other_trace(void)
{
	return errno_of(ptrace(PTRACE_SEIZE, other_pid(), NULL, NULL));
}

static int other_process(void)
{
	char path[64];

	(void) snprintf(path, sizeof(path), "/proc/%d/cmdline", (int) other_pid());
	return try_open(path, O_RDONLY);
}

static int other_state(void)
{
	return try_open("/var/lib/mvmd/other", O_RDONLY | O_DIRECTORY);
}

/* A share's unit has a whole /proc there. */
static int other_processes_of_a_share(void)
{
	return try_open("/run/mvmd-proc/proc/1/cmdline", O_RDONLY);
}

/* What is the host's. */

static int host_passwords(void)
{
	return try_open("/etc/shadow", O_RDONLY);
}

static int host_temporary_files(void)
{
	return try_open("/tmp/left-by-somebody", O_RDONLY);
}

static int host_programs(void)
{
	return try_new_file("/usr/bin/mvmd-test");
}

static int host_settings(void)
{
	return try_new_file("/etc/mvmd-test");
}

static int host_kernel_settings(void)
{
	return try_open("/proc/sys/kernel/core_pattern", O_WRONLY);
}

static int host_control_groups(void)
{
	return try_open("/sys/fs/cgroup/cgroup.procs", O_WRONLY);
}

static int host_modules(void)
{
	return errno_of(syscall(SYS_init_module, "", 0UL, ""));
}

static int host_kernel_log(void)
{
	return errno_of(klogctl(SYSLOG_SIZE, NULL, 0));
}

static int host_clock(void)
{
	const struct timespec never = { .tv_nsec = -1 };

	/* glibc would refuse that itself. */
	return errno_of(syscall(SYS_clock_settime, CLOCK_REALTIME, &never));
}

static int host_name(void)
{
	return errno_of(syscall(SYS_sethostname, "x", -1));
}

static int host_reboot(void)
{
	return errno_of(syscall(SYS_reboot, 0, 0, LINUX_REBOOT_CMD_CAD_OFF, NULL));
}

static int host_swap(void)
{
	return errno_of(swapoff("/nonexistent"));
}

static int host_bpf(void)
{
	return errno_of(syscall(SYS_bpf, -1, NULL, 0));
}

static int host_device(void)
{
	return try_open("/dev/mvmd-test", O_RDONLY);
}

static int new_device(void)
{
	static const char path[] = "/srv/results/device";
	int error = errno_of(mknod(path, S_IFBLK | 0666, 0));

	if (error == 0)
		(void) unlink(path);
	return error;
}

/* Ways to become more than it is. */

static int become_root(void)
{
	return errno_of(setuid(0));
}

/* A program of root's with the set-user-id bit tells whether it is root. */
static int run_set_uid(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void) execl("/srv/set-uid", "/srv/set-uid", WORD_AM_I_ROOT, NULL);
		_exit(EXIT_FAILURE);
	}
	(void) waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : EPERM;
}

static int make_set_uid(void)
{
	char path[] = "/srv/results/XXXXXX";
	int fd = mkstemp(path), error;

	if (fd < 0)
		return errno;
	error = errno_of(fchmod(fd, 04755));
	(void) unlink(path);
	(void) close(fd);
	return error;
}

static int new_root(void)
{
	return errno_of(chroot("/nonexistent"));
}

static int new_mount(void)
{
	return errno_of(mount("", "", "", 0, NULL));
}

static int user_namespace(void)
{
	return errno_of(unshare(CLONE_NEWUSER));
}

static int mount_namespace(void)
{
	return errno_of(unshare(CLONE_NEWUSER | CLONE_NEWNS));
}

static int host_name_namespace(void)
{
	return errno_of(unshare(CLONE_NEWUSER | CLONE_NEWUTS));
}

/* The flags lie in memory, where a filter cannot see them. */
static int cloned_namespace(void)
{
	const struct clone_args arguments = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (pid == 0)
		_exit(0);
	return errno_of(pid);
}

static int joined_namespace(void)
{
	return errno_of(setns(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), CLONE_NEWNET));
}

static int execute_what_is_written(void)
{
	return mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ?
		       errno :
		       0;
}

static int execute_what_was_written(void)
{
	void *page =
		mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return errno_of(mprotect(page, PAGE_BYTES, PROT_READ | PROT_EXEC));
}

static int run_in_realtime(void)
{
	const struct sched_param never = { .sched_priority = 0 };

	return errno_of(sched_setscheduler(0, SCHED_FIFO, &never));
}

static int old_personality(void)
{
	return errno_of(personality(ADDR_NO_RANDOMIZE));
}

/* getpid() of 32 bits. */
static int foreign_call(void)
{
#ifdef __x86_64__
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
	return result > 0 ? 0 : (int) -result;
#else
	return ENOSYS;
#endif
}

/* Ways out into the network. */

static int try_socket(int family)
{
	return errno_of(socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static int socket_ipv4(void)
{
	return try_socket(AF_INET);
}

static int socket_ipv6(void)
{
	return try_socket(AF_INET6);
}

static int socket_packet(void)
{
	return try_socket(AF_PACKET);
}

static int socket_bluetooth(void)
{
	return errno_of(socket(AF_BLUETOOTH, SOCK_RAW | SOCK_CLOEXEC, 0));
}

/* systemd takes the state of a unit from its main process alone: the message goes out, and nothing follows. */
static int forged_status(void)
{
	static const char text[] = "READY=1\nSTATUS=forged";
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/notify" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return errno_of(sendto(fd, text, sizeof(text) - 1, 0, (const struct sockaddr *) &address,
			       sizeof(address)));
}

static const struct {
	const char *name;
	int (*try)(void);
} tries[] = {
	{ "other-disk", other_disk },
	{ "other-folder", other_folder },
	{ "other-socket", other_socket },
	{ "other-signal", other_signal },
	{ "other-trace", other_trace },
	{ "other-process", other_process },
	{ "other-state", other_state },
	{ "other-processes-of-a-share", other_processes_of_a_share },
	{ "host-passwords", host_passwords },
	{ "host-temporary-files", host_temporary_files },
	{ "host-programs", host_programs },
	{ "host-settings", host_settings },
	{ "host-kernel-settings", host_kernel_settings },
	{ "host-control-groups", host_control_groups },
	{ "host-modules", host_modules },
	{ "host-kernel-log", host_kernel_log },
	{ "host-clock", host_clock },
	{ "host-name", host_name },
	{ "host-reboot", host_reboot },
	{ "host-swap", host_swap },
	{ "host-bpf", host_bpf },
	{ "host-device", host_device },
	{ "new-device", new_device },
	{ "become-root", become_root },
	{ "run-set-uid", run_set_uid },
	{ "make-set-uid", make_set_uid },
	{ "new-root", new_root },
	{ "new-mount", new_mount },
	{ "user-namespace", user_namespace },
	{ "mount-namespace", mount_namespace },
	{ "host-name-namespace", host_name_namespace },
	{ "cloned-namespace", cloned_namespace },
	{ "joined-namespace", joined_namespace },
	{ "execute-what-is-written", execute_what_is_written },
	{ "execute-what-was-written", execute_what_was_written },
	{ "run-in-realtime", run_in_realtime },
	{ "old-personality", old_personality },
	{ "foreign-call", foreign_call },
	{ "socket-ipv4", socket_ipv4 },
	{ "socket-ipv6", socket_ipv6 },
	{ "socket-packet", socket_packet },
	{ "socket-bluetooth", socket_bluetooth },
	{ "forged-status", forged_status },
};

/* In a child: a try may change it, or end it. */
static void tell(FILE *output, const char *name, int (*try)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(try());
	(void) waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		(void) fprintf(output, "%s SIG%s\n", name, sigabbrev_np(WTERMSIG(status)));
	else if (WEXITSTATUS(status) == 0)
		(void) fprintf(output, "%s done\n", name);
	else
		(void) fprintf(output, "%s %s\n", name, strerrorname_np(WEXITSTATUS(status)));
}

/* The lines of /proc/self/status that say what the process may, as "CapEff 0000000000000000". */
static void tell_rights(FILE *output)
{
	static const char *const wanted[] = { "CapInh:", "CapPrm:",	"CapEff:",
					      "CapAmb:", "NoNewPrivs:", "Seccomp:" };
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
			if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
				(void) fprintf(output, "%.*s %s", (int) strlen(wanted[i]) - 1, line,
					       line + strlen(wanted[i]) + 1);
	if (file)
		(void) fclose(file);
}

static FILE *results(int argc)
{
	char path[64];

	if (argc == 1)
		return stdout;
	(void) snprintf(path, sizeof(path), "/srv/results/%u", geteuid());
	return fopen(path, "we");
}

int main(int argc, char **argv)
{
	FILE *output;

	if (argc == 2 && strcmp(argv[1], WORD_AM_I_ROOT) == 0)
		return geteuid() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts("QEMU emulator version 7.2.22") < 0;

	output = results(argc);
	if (!output)
		return EXIT_FAILURE;
	(void) setvbuf(output, NULL, _IOLBF, 0);
	tell_rights(output);
	for (size_t i = 0; i < ELEMENTSOF(tries); i++)
		tell(output, tries[i].name, tries[i].try);
	(void) fprintf(output, "end 0\n");
	if (argc > 1)
		(void) pause(); /* as a VMM that says nothing */
	return EXIT_SUCCESS;
}
