/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/cgroup.h"

#define CGROUP_ROOT  "/sys/fs/cgroup"
#define PID_LINE_MAX 32

/* Reads our group's path, "/mvmd.slice/mvmd@web1.service". 0 or -errno. */
static int read_path(char ret[PATH_MAX])
{
	static const char unified[] = "0::";
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX + sizeof(unified)];
	bool found = false;

	if (!file)
		return -errno;
	while (!found && fgets(line, sizeof(line), file))
		found = strncmp(line, unified, strlen(unified)) == 0;
	(void) fclose(file);
	if (!found)
		return -ENOENT;
	line[strcspn(line, "\n")] = '\0';
	memcpy(ret, line + strlen(unified), strlen(line + strlen(unified)) + 1);
	return 0;
}

int cgroup_processes(pid_t **ret, size_t *ret_n)
{
	_cleanup_free_ pid_t *pids = NULL;
	_cleanup_free_ char *file_name = NULL;
	char path[PATH_MAX], line[PID_LINE_MAX];
	FILE *file;
	size_t n = 0;
	int r = read_path(path);

	if (r < 0)
		return r;
	file_name = str_printf(CGROUP_ROOT "%s/cgroup.procs", path);
	file = file_name ? fopen(file_name, "re") : NULL;
	if (!file)
		return file_name ? -errno : -ENOMEM;
	while (r == 0 && fgets(line, sizeof(line), file)) {
		r = array_grow(&pids, n, sizeof(*pids));
		if (r == 0)
			pids[n++] = (pid_t) strtol(line, NULL, 10);
	}
	(void) fclose(file);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(pids);
	*ret_n = n;
	return 0;
}

bool cgroup_has(pid_t pid)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;

	if (cgroup_processes(&pids, &n) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

/* systemd.exec(5): every process of a unit has the variable; without it there is no need to look. */
bool cgroup_is_of_unit(const char *unit)
{
	char path[PATH_MAX];
	const char *slash =
		getenv("INVOCATION_ID") && read_path(path) == 0 ? strrchr(path, '/') : NULL;

	return slash && streq(slash + 1, unit);
}
