/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"
#include "host/memory-file.h"

#define NAME "mvmd"

int memory_file(const char *text)
{
	_cleanup_close_ int fd = memfd_create(NAME, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t length = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, length);
	if (n < 0)
		return -errno;
	if ((size_t) n != length)
		return -ENOSPC;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -errno;
	return TAKE_FD(fd);
}
