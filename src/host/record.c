/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/util.h"
#include "host/record.h"

#define FOLDER_MODE 0700
#define STATE_MODE  0755 /* as the uid table makes it: other records lie there, too */
#define FILE_MODE   0600

/* Makes the folder where it is missing and opens it; nobody else writes in STATE, so links are of the owner's making. */
static int folder_open(int at, const char *path, mode_t mode)
{
	int fd, r = directory_make(at, path, mode);

	if (r < 0)
		return r;
	fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int json_write_fd(int fd, const json_t *json, size_t more_flags)
{
	_cleanup_free_ char *text = json_dumps(json, JSON_INDENT(2) | more_flags);
	struct iovec parts[] = { { text, text ? strlen(text) : 0 }, { (char[]){ "\n" }, 1 } };
	ssize_t n;

	if (!text)
		return -ENOMEM;
	n = writev(fd, parts, ELEMENTSOF(parts));
	if (n < 0)
		return -errno;
	/* A short write is a full disk's. */
	return (size_t) n == parts[0].iov_len + 1 ? 0 : -ENOSPC;
}

static int json_write(int folder, const char *file, const json_t *json)
{
	_cleanup_free_ char *temporary = str_printf(".%s.new", file);
	_cleanup_close_ int fd = -EBADF;
	int r;

	if (!temporary)
		return -ENOMEM;
	fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		    FILE_MODE);
	if (fd < 0)
		return -errno;
	r = json_write_fd(fd, json, 0);
	if (r == 0 && renameat(folder, temporary, folder, file) < 0)
		r = -errno;
	if (r < 0)
		(void) unlinkat(folder, temporary, 0);
	return r;
}

int record_write(const char *state_directory, const char *vm, const char *file, const json_t *json)
{
	const char *slash = strchr(file, '/');
	_cleanup_free_ char *below = strndup(file, slash ? (size_t) (slash - file) : 0);
	_cleanup_close_ int state = -EBADF, folder = -EBADF, inner = -EBADF;

	if (!below)
		return -ENOMEM;
	state = folder_open(AT_FDCWD, state_directory, STATE_MODE);
	if (state < 0)
		return state;
	folder = folder_open(state, vm, FOLDER_MODE);
	if (folder < 0)
		return folder;
	if (!slash)
		return json_write(folder, file, json);
	inner = folder_open(folder, below, FOLDER_MODE);
	return inner < 0 ? inner : json_write(inner, slash + 1, json);
}

int record_remove(const char *state_directory, const char *vm, const char *file)
{
	_cleanup_free_ char *path = str_printf("%s/%s/%s", state_directory, vm, file);

	if (!path)
		return -ENOMEM;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}
