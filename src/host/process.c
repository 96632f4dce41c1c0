/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/process.h"

#define PROC_PATH_MAX 64
#define PROC_TEXT_MAX 512
#define PROC_LINK_MAX 64

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

bool process_is_stopped(pid_t pid)
{
	char path[PROC_PATH_MAX], text[PROC_TEXT_MAX];
	const char *name_end;

	(void) snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
	if (read_text(path, text) < 0)
		return false;
	/* proc(5): the state follows the name in parentheses, which may hold anything. */
	name_end = strrchr(text, ')');
	return name_end && (name_end[2] == 'T' || name_end[2] == 't');
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
