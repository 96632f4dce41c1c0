/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "host/tap.h"

#define PROC_LINK_MAX	128
#define PROC_PATH_MAX	(NAME_MAX + sizeof("fdinfo/"))
#define PROC_COMM_MAX	32
#define PROC_FDINFO_MAX 512

/* What is searched for, and the two answers: taps of that name exist in every network namespace. */
typedef struct HolderSearch {
	char line[sizeof("iff:\t") + TAP_NAME_MAX];
	char namespace[PROC_LINK_MAX]; /* ours */
	StrBuf here, elsewhere; /* ", pid 1 (a), pid 2 (b)" */
	pid_t first_here, first_elsewhere;
} HolderSearch;

/* Reads the start of a file of /proc; "" where that fails. */
static void read_start(int directory, const char *path, char *ret, size_t size)
{
	_cleanup_close_ int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, ret, size - 1) : -1;

	ret[n > 0 ? n : 0] = '\0';
}

static void read_target(int directory, const char *path, char ret[PROC_LINK_MAX])
{
	ssize_t n = readlinkat(directory, path, ret, PROC_LINK_MAX - 1);

	ret[n > 0 ? n : 0] = '\0';
}

/* True where the descriptor is our tap. fdinfo alone can tell; the link's target is the quicker no. */
static bool descriptor_matches(int process, const char *number, const char *wanted)
{
	char path[PROC_PATH_MAX], target[PROC_LINK_MAX], info[PROC_FDINFO_MAX];
	const char *slash, *line;

	(void) snprintf(path, sizeof(path), "fd/%s", number);
	read_target(process, path, target);
	slash = strrchr(target, '/');
	if (!slash || !streq(slash, "/tun"))
		return false;

	(void) snprintf(path, sizeof(path), "fdinfo/%s", number);
	read_start(process, path, info, sizeof(info));
	line = strstr(info, wanted);
	return line && line[strlen(wanted)] == '\n';
}

static bool process_matches(int process, const char *wanted)
{
	int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	bool found = false;

	if (!directory) {
		(void) close_fd(fd);
		return false;
	}
	while (!found && (entry = readdir(directory)))
		found = isdigit((unsigned char) entry->d_name[0]) &&
			descriptor_matches(process, entry->d_name, wanted);
	(void) closedir(directory);
	return found;
}

static void look_at_process(int proc, const char *pid, HolderSearch *search)
{
	_cleanup_close_ int process = openat(proc, pid, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char namespace[PROC_LINK_MAX], name[PROC_COMM_MAX];
	_cleanup_free_ char *unit = NULL;
	bool here;

	if (process < 0 || !process_matches(process, search->line))
		return;
	read_target(process, "ns/net", namespace);
	read_start(process, "comm", name, sizeof(name));
	name[strcspn(name, "\n")] = '\0';
	(void) sd_pid_get_unit((pid_t) strtol(pid, NULL, 10), &unit);
	here = streq(namespace, search->namespace);
	if (here && search->first_here == 0)
		search->first_here = (pid_t) strtol(pid, NULL, 10);
	else if (!here && search->first_elsewhere == 0)
		search->first_elsewhere = (pid_t) strtol(pid, NULL, 10);
	str_buf_add(here ? &search->here : &search->elsewhere, ", pid %s (%s%s%s)%s", pid, name,
		    unit ? " of " : "", unit ?: "", here ? "" : " of another network namespace");
}

char *tap_holder(const char *name, pid_t *ret_pid)
{
	HolderSearch search = { 0 };
	const struct dirent *entry;
	char *holder = NULL;
	StrBuf *answer;
	DIR *proc;

	proc = opendir("/proc");
	if (!proc)
		return NULL;
	(void) snprintf(search.line, sizeof(search.line), "iff:\t%s", name);
	read_target(dirfd(proc), "self/ns/net", search.namespace);
	while ((entry = readdir(proc)))
		if (isdigit((unsigned char) entry->d_name[0]))
			look_at_process(dirfd(proc), entry->d_name, &search);
	(void) closedir(proc);

	/* A VMM may live in a namespace of its own, so that one counts where nobody of ours has it. */
	answer = search.here.length > 0 ? &search.here : &search.elsewhere;
	if (answer->length > 0 && !answer->failed)
		holder = strdup(answer->text + strlen(", "));
	if (holder)
		*ret_pid = search.first_here ?: search.first_elsewhere;
	str_buf_done(&search.here);
	str_buf_done(&search.elsewhere);
	return holder;
}
