/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/listener-take.h"
#include "host/state-process.h"

static int take(int pidfd, int number)
{
	_cleanup_close_ int fd =
		pidfd < 0 ? -EBADF : (int) syscall(SYS_pidfd_getfd, pidfd, number, 0);
	int listens = 0;
	socklen_t length = sizeof(listens);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) < 0 || !listens)
		return -EBADF;
	return TAKE_FD(fd);
}

/* proc(5), /proc/PID/task/TID/children: pids with a space behind each. */
static int take_from_child(pid_t parent, int number)
{
	_cleanup_free_ char *path =
		str_printf("/proc/%d/task/%d/children", (int) parent, (int) parent);
	FILE *file = path ? fopen(path, "re") : NULL;
	_cleanup_free_ char *word = NULL;
	size_t room = 0;
	ssize_t length;
	int fd = -EBADF;

	while (file && fd < 0 && (length = getdelim(&word, &room, ' ', file)) > 0) {
		_cleanup_close_ int pidfd = -EBADF;
		uint64_t child;

		word[length - 1] = '\0';
		if (parse_u64(word, INT_MAX, &child) < 0)
			continue;
		pidfd = (int) syscall(SYS_pidfd_open, (pid_t) child, 0);
		fd = take(pidfd, number);
	}
	if (file)
		(void) fclose(file);
	return fd;
}

int listener_take(const StateProcess *process, int number)
{
	_cleanup_close_ int pidfd = state_process_open(process);
	int fd = take(pidfd, number);

	return fd >= 0 || pidfd < 0 ? fd : take_from_child(process->pid, number);
}
