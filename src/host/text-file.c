/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "host/text-file.h"

#define FILE_MODE 0644

static bool says(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	size_t length = strlen(text);
	_cleanup_free_ char *there = malloc(length + 1);

	/* One more than there should be shows a longer one. */
	return fd >= 0 && there && read(fd, there, length + 1) == (ssize_t) length &&
	       memcmp(there, text, length) == 0;
}

int write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			length -= (size_t) n;
		}
	}
	return 0;
}

static int write_new(const char *path, const char *text)
{
	_cleanup_close_ int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	int r = fd < 0 ? -errno : write_all(fd, text, strlen(text));

	if (r < 0)
		return r;
	return fchmod(fd, FILE_MODE) < 0 || fsync(fd) < 0 ? -errno : 0;
}

int text_file_write(const char *folder, const char *name, const char *text)
{
	_cleanup_free_ char *path = str_printf("%s/%s", folder, name);
	_cleanup_free_ char *temporary = str_printf("%s/.%s.new", folder, name);
	int r;

	if (!path || !temporary)
		return -ENOMEM;
	if (says(path, text))
		return 0;
	r = write_new(temporary, text);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		(void) unlink(temporary);
	return r < 0 ? r : 1;
}
