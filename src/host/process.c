/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "host/process.h"

#define PROC_PATH_MAX 64
#define PROC_TEXT_MAX 512
#define PROC_LINK_MAX 64

/* proc(5): state is field 3, starttime field 22; both counted from behind the name in parentheses. */
#define FIELDS_FROM_STATE_TO_STARTTIME 19

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

/* Reads the start of a file of /proc as a text. 0 or -errno. */
static int read_text(const char *path, char ret[PROC_TEXT_MAX])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, ret, PROC_TEXT_MAX - 1) : -1;

	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return 0;
}

/*
 * Reads /proc/PID/stat from its state on, NULL where there is none: that follows the name in parentheses, which may
 * hold anything, a ")" too. The result lies in text.
 */
static const char *read_state(pid_t pid, char text[PROC_TEXT_MAX])
{
	char path[PROC_PATH_MAX];
	const char *name_end;

	(void) snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
	if (read_text(path, text) < 0)
		return NULL;
	name_end = strrchr(text, ')');
	return name_end && name_end[1] == ' ' ? name_end + 2 : NULL;
}

static bool is_zombie(const char *state)
{
	return *state == 'Z' || *state == 'X';
}

bool process_is_zombie(pid_t pid)
{
	char text[PROC_TEXT_MAX];
	const char *at = read_state(pid, text);

	return at && is_zombie(at);
}

uint64_t process_start_ticks(pid_t pid)
{
	char text[PROC_TEXT_MAX];
	const char *at = read_state(pid, text);

	if (!at || is_zombie(at))
		return 0;
	for (int i = 0; i < FIELDS_FROM_STATE_TO_STARTTIME; i++) {
		at = strchr(at, ' ');
		if (!at)
			return 0;
		at++;
	}
	return strtoull(at, NULL, 10);
}

bool process_is_stopped(pid_t pid)
{
	char text[PROC_TEXT_MAX];
	const char *state = read_state(pid, text);

	return state && (*state == 'T' || *state == 't');
}

void boot_id_read(char ret[BOOT_ID_MAX])
{
	char text[PROC_TEXT_MAX] = "";
	size_t length;

	(void) read_text(BOOT_ID_FILE, text);
	length = strcspn(text, "\n");
	if (length >= BOOT_ID_MAX)
		length = BOOT_ID_MAX - 1;
	memcpy(ret, text, length);
	ret[length] = '\0';
}

/*
 * include/uapi/linux/pidfd.h of Linux 6.15, which the C library's headers do not have yet: struct pidfd_info in its
 * first size, which every later kernel takes, too.
 */
typedef struct PidfdInfo {
	uint64_t mask; /* in: what is asked for; out: what is there */
	uint64_t cgroup_id;
	uint32_t pid, tgid, ppid;
	uint32_t ids[8]; /* ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid */
	int32_t exit_code; /* as wait(2) has it */
} PidfdInfo;
_Static_assert(sizeof(PidfdInfo) == 64, "PIDFD_INFO_SIZE_VER0");

#define PIDFD_INFO_WITH_EXIT (UINT64_C(1) << 3) /* PIDFD_INFO_EXIT */
#define PIDFD_ASK_INFO	     _IOWR(0xFF, 11, PidfdInfo) /* PIDFD_GET_INFO */

static bool is_reaped(int pidfd)
{
	struct pollfd end = { .fd = pidfd };

	return poll(&end, 1, 0) > 0 && (end.revents & POLLHUP);
}

static ChildEnd end_of_wait_status(int status)
{
	if (WIFEXITED(status))
		return (ChildEnd){ CLD_EXITED, WEXITSTATUS(status) };
	return (ChildEnd){ WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED, WTERMSIG(status) };
}

/*
 * Of a process that was reaped kernels from 6.13 to 6.14 know the call and say ESRCH, older ones do not know it
 * (ENOTTY, EINVAL). fs/pidfs.c: pidfd_info().
 */
int process_exit_status(int pidfd, ChildEnd *ret)
{
	PidfdInfo info = { .mask = PIDFD_INFO_WITH_EXIT };
	bool reaped = is_reaped(pidfd);

	if (ioctl(pidfd, PIDFD_ASK_INFO, &info) < 0)
		return -ENODATA;
	if (info.mask & PIDFD_INFO_WITH_EXIT) {
		*ret = end_of_wait_status(info.exit_code);
		return 0;
	}
	return reaped ? -ENODATA : -EAGAIN;
}

/* True where the descriptor in that directory, "/proc/PID/fd", is the socket. */
static bool is_socket(int directory, const char *number, uint32_t inode)
{
	char target[PROC_LINK_MAX], wanted[PROC_LINK_MAX];
	ssize_t n = readlinkat(directory, number, target, sizeof(target) - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	(void) snprintf(wanted, sizeof(wanted), "socket:[%" PRIu32 "]", inode);
	return streq(target, wanted);
}

int process_has_socket(pid_t pid, uint32_t inode)
{
	char path[PROC_PATH_MAX];
	const struct dirent *entry;
	DIR *directory;
	int found = 0;

	(void) snprintf(path, sizeof(path), "/proc/%d/fd", (int) pid);
	directory = opendir(path);
	if (!directory)
		return -errno;
	while (!found && (entry = readdir(directory)))
		found = is_socket(dirfd(directory), entry->d_name, inode);
	(void) closedir(directory);
	return found;
}

/* proc(5), /proc/PID/syscall: number and arguments of the call that a thread waits in; else "running" or -1. */
static int read_descriptor(const char *path)
{
	char text[PROC_TEXT_MAX], *end;
	long number;
	int r;

	r = read_text(path, text);
	if (r < 0)
		return r;
	number = strtol(text, &end, 10);
	if (end == text || (number != SYS_read && number != SYS_recvfrom && number != SYS_recvmsg))
		return -ENOENT;
	return (int) strtol(end, NULL, 16);
}

/* As process_reads_socket(), for one thread. */
static int thread_reads_socket(pid_t pid, const char *thread, uint32_t inode)
{
	char path[PROC_PATH_MAX + NAME_MAX], number[PROC_LINK_MAX];
	_cleanup_close_ int directory = -EBADF;
	int fd;

	(void) snprintf(path, sizeof(path), "/proc/%d/task/%s/syscall", (int) pid, thread);
	fd = read_descriptor(path);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	(void) snprintf(path, sizeof(path), "/proc/%d/fd", (int) pid);
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	(void) snprintf(number, sizeof(number), "%d", fd);
	return is_socket(directory, number, inode);
}

int process_reads_socket(pid_t pid, uint32_t inode)
{
	char path[PROC_PATH_MAX];
	const struct dirent *entry;
	DIR *directory;
	int r = 0;

	(void) snprintf(path, sizeof(path), "/proc/%d/task", (int) pid);
	directory = opendir(path);
	if (!directory)
		return -errno;
	while (r == 0 && (entry = readdir(directory)))
		if (isdigit((unsigned char) entry->d_name[0]))
			r = thread_reads_socket(pid, entry->d_name, inode);
	(void) closedir(directory);
	return r;
}

pid_t socket_holder(uint32_t inode)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	pid_t holder = 0;

	while (proc && holder == 0 && (entry = readdir(proc))) {
		pid_t pid = (pid_t) strtol(entry->d_name, NULL, 10);

		if (pid > 0 && pid != getpid() && process_has_socket(pid, inode) > 0)
			holder = pid;
	}
	if (proc)
		(void) closedir(proc);
	return holder;
}

char *process_to_words(pid_t pid)
{
	char path[PROC_PATH_MAX], name[PROC_TEXT_MAX] = "";
	_cleanup_free_ char *unit = NULL;

	(void) snprintf(path, sizeof(path), "/proc/%d/comm", (int) pid);
	(void) read_text(path, name);
	name[strcspn(name, "\n")] = '\0';
	(void) sd_pid_get_unit(pid, &unit);
	return str_printf("pid %d (%s%s%s)", (int) pid, name, unit ? " of " : "", unit ?: "");
}
