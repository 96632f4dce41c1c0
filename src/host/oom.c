/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/oom.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

/* The files are small; vmstat is the largest, with some 5 KiB. */
#define FILE_MAX_BYTES (16 * KIB)

/* The whole text of a file in /proc or /sys; NULL where it cannot be read. */
static char *read_text(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd < 0 ? NULL : malloc(FILE_MAX_BYTES + 1);
	size_t length = 0;
	ssize_t n = 1;

	while (text && n > 0 && length < FILE_MAX_BYTES) {
		n = read(fd, text + length, FILE_MAX_BYTES - length);
		if (n > 0)
			length += (size_t) n;
	}
	if (text)
		text[length] = '\0';
	return text;
}

/* The line "oom_kill N" of memory.events, memory.oom_control and vmstat. */
static bool read_count(const char *path, uint64_t *ret)
{
	static const char key[] = "oom_kill ";
	_cleanup_free_ char *text = read_text(path);
	const char *line = text;

	while (line) {
		if (strncmp(line, key, strlen(key)) == 0) {
			*ret = strtoull(line + strlen(key), NULL, 10);
			return true;
		}
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return false;
}

/*
 * A line of /proc/self/cgroup: "0::/system.slice/x.service" (version 2), "4:memory:/user" (version 1). Of
 * version 1 and the hybrid of both the memory controller's own line is the one that counts.
 */
static bool read_group_count(const char *line, uint64_t *ret)
{
	char path[PATH_MAX], controllers[64] = "";
	int at = 0;

	if (sscanf(line, "%*u:%63[^:\n]:%n", controllers, &at) < 1 || at == 0) {
		controllers[0] = '\0';
		if (sscanf(line, "0::%n", &at) < 0 || at == 0)
			return false;
	}
	if (controllers[0] == '\0')
		(void) snprintf(path, sizeof(path), CGROUP_ROOT "%s/memory.events", line + at);
	else if (streq(controllers, "memory"))
		(void) snprintf(path, sizeof(path), CGROUP_ROOT "/memory%s/memory.oom_control",
				line + at);
	else
		return false;
	return read_count(path, ret);
}

void oom_kills_read(OomKills *ret)
{
	_cleanup_free_ char *groups = read_text("/proc/self/cgroup");
	char *rest = groups, *line;
	OomKills kills = { 0 };

	while (!kills.known && rest && (line = strsep(&rest, "\n")))
		kills.known = kills.of_group = read_group_count(line, &kills.n);
	if (!kills.known)
		kills.known = read_count("/proc/vmstat", &kills.n);
	*ret = kills;
}
