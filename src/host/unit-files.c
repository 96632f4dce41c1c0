/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/text-file.h"
#include "host/unit-files.h"
#include "model/unit-dropin.h"

#define TEMPORARY_NAME "." UNIT_DROPIN_NAME ".new"
#define DROPIN_MAX_BYTES                                                                           \
	(256 * KIB) /* the longest that a spec can lead to: 20 devices with 4 KiB of path each */

static int write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : write_all(fd, text, strlen(text));
}

int unit_dropin_write(const char *directory, const char *name, const char *text)
{
	_cleanup_free_ char *folder = str_printf("%s/mvmd@%s.service.d", directory, name);
	_cleanup_free_ char *path = str_printf("%s/" UNIT_DROPIN_NAME, folder ?: "");
	_cleanup_free_ char *temporary = str_printf("%s/" TEMPORARY_NAME, folder ?: "");
	int r;

	if (!folder || !path || !temporary)
		return -ENOMEM;
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return -errno;
	r = write_file(temporary, text);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		(void) unlink(temporary);
	return r;
}

int unit_dropin_read(const char *directory, const char *name, char **ret)
{
	_cleanup_free_ char *path =
		str_printf("%s/mvmd@%s.service.d/" UNIT_DROPIN_NAME, directory, name);
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -EBADF;
	size_t length = 0;
	ssize_t n;

	if (!path)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	text = malloc(DROPIN_MAX_BYTES + 1);
	if (!text)
		return -ENOMEM;
	while ((n = read(fd, text + length, DROPIN_MAX_BYTES - length)) != 0) {
		if (n < 0 && errno != EINTR)
			return -errno;
		length += n > 0 ? (size_t) n : 0;
	}
	text[length] = '\0';
	*ret = TAKE_PTR(text);
	return 0;
}
