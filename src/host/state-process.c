/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "host/cgroup.h"
#include "host/process.h"
#include "host/state-process.h"

/* include/uapi/linux/magic.h: PIDFS_MAGIC; before it a pidfd was an anonymous inode, the same for all. */
#define PIDFS_MAGIC 0x50494446

/* The threads of a process that was killed are gone by then. */
#define ZOMBIE_MSEC 2000

/* The inode that no other process has; 0: the kernel has no such. */
static uint64_t pidfd_inode(int pidfd)
{
	struct statfs fs;
	struct stat st;

	if (fstatfs(pidfd, &fs) < 0 || fs.f_type != PIDFS_MAGIC || fstat(pidfd, &st) < 0)
		return 0;
	return st.st_ino;
}

/* A process that was killed is a zombie before the last of its threads is gone: that is awaited, it has its files open. */
static bool has_ended(pid_t pid, int pidfd)
{
	struct pollfd gone = { .fd = pidfd, .events = POLLIN };

	if (poll(&gone, 1, 0) > 0)
		return true;
	if (!process_is_zombie(pid))
		return false;
	(void) poll(&gone, 1, ZOMBIE_MSEC);
	return true;
}

int state_process_open(const StateProcess *process)
{
	_cleanup_close_ int fd = -EBADF;
	uint64_t inode, start_ticks;
	bool same;

	if (process->pid <= 0)
		return -ESRCH;
	fd = (int) syscall(SYS_pidfd_open, process->pid, 0);
	if (fd < 0)
		return errno == EINVAL ? -ESRCH : -errno; /* EINVAL: it leads no thread group */

	inode = pidfd_inode(fd);
	start_ticks = process_start_ticks(process->pid);
	if (process->pidfd_inode > 0 && inode > 0 && inode != process->pidfd_inode)
		same = false;
	else if (process->start_ticks > 0 && start_ticks > 0)
		same = start_ticks == process->start_ticks;
	else
		same = (process->pidfd_inode > 0 && inode > 0) || cgroup_has(process->pid);
	if (!same || has_ended(process->pid, fd))
		return -ESRCH;
	return TAKE_FD(fd);
}

bool state_process_is_alive(const StateProcess *process)
{
	_cleanup_close_ int fd = state_process_open(process);

	return fd >= 0;
}

/* 0: it ended in time; -ETIMEDOUT; or -errno. */
static int signal_and_wait(int pidfd, int signal, uint64_t timeout_usec)
{
	struct pollfd gone = { .fd = pidfd, .events = POLLIN };
	int r;

	if (pidfd_send_signal(pidfd, signal, NULL, 0) < 0)
		return errno == ESRCH ? 0 : -errno;
	r = poll(&gone, 1, (int) (timeout_usec / USEC_PER_MSEC));
	if (r < 0)
		return -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

int state_process_end(const StateProcess *process, uint64_t grace_usec, uint64_t timeout_usec)
{
	_cleanup_close_ int fd = state_process_open(process);
	int r = -ETIMEDOUT;

	if (fd < 0)
		return fd == -ESRCH ? 0 : fd;
	if (grace_usec > 0)
		r = signal_and_wait(fd, SIGTERM, grace_usec);
	return r == -ETIMEDOUT ? signal_and_wait(fd, SIGKILL, timeout_usec) : r;
}

int state_process_set(StateProcess *process, const char *label, pid_t pid)
{
	_cleanup_close_ int fd = (int) syscall(SYS_pidfd_open, pid, 0);
	int r = str_set(&process->label, label);

	if (r < 0)
		return r;
	process->pid = pid;
	process->start_ticks = process_start_ticks(pid);
	process->pidfd_inode = fd >= 0 ? pidfd_inode(fd) : 0;
	return 0;
}
