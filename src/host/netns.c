/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/netns.h"

/* ip-netns(8) */
#define NETNS_DIRECTORY "/run/netns"
#define OWN_NETNS	"/proc/self/ns/net"

static bool is_same(int a, int b)
{
	struct stat first, second;

	return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

int netns_enter(const char *name, int *ret_back)
{
	_cleanup_free_ char *path = str_printf(NETNS_DIRECTORY "/%s", name);
	_cleanup_close_ int there = -EBADF, here = -EBADF;

	if (!path)
		return -ENOMEM;
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (there < 0)
		return -errno;
	here = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
	if (here < 0)
		return -errno;
	*ret_back = -EBADF;
	if (is_same(there, here))
		return 0;
	if (setns(there, CLONE_NEWNET) < 0)
		return -errno;
	*ret_back = TAKE_FD(here);
	return 0;
}

void netns_leave(int back)
{
	if (back >= 0)
		(void) setns(back, CLONE_NEWNET);
	(void) close_fd(back);
}
