/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/fifo.h"

int fifo_open(const char *path, int *ret_reader)
{
	_cleanup_close_ int fd =
		open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISFIFO(st.st_mode))
		return -EEXIST;
	*ret_reader = TAKE_FD(fd);
	return 0;
}

int fifo_make(const char *path, int *ret_reader, int *ret_writer)
{
	_cleanup_close_ int writer = -EBADF;
	int r;

	if (mkfifo(path, 0600) < 0 &&
	    (errno != EEXIST || unlink(path) < 0 || mkfifo(path, 0600) < 0))
		return -errno;
	writer = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (writer < 0)
		return -errno;
	r = fifo_open(path, ret_reader);
	if (r == 0)
		*ret_writer = TAKE_FD(writer);
	return r;
}
