/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/self.h"

/* fs/d_path.c: behind the path of a file that was removed, as by whoever puts a new one in its place. */
#define DELETED " (deleted)"

int self_path(char **ret)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	size_t suffix = strlen(DELETED);

	if (n < 0)
		return -errno;
	path[n] = '\0';
	if ((size_t) n > suffix && streq(path + n - suffix, DELETED))
		path[(size_t) n - suffix] = '\0';
	*ret = strdup(path);
	return *ret ? 0 : -ENOMEM;
}

int self_arguments(StrList *ret)
{
	FILE *file = fopen("/proc/self/cmdline", "re");
	_cleanup_free_ char *argument = NULL;
	size_t size = 0;

	if (!file)
		return -errno;
	while (getdelim(&argument, &size, '\0', file) > 0)
		str_list_add(ret, "%s", argument);
	(void) fclose(file);
	return ret->failed ? -ENOMEM : 0;
}
