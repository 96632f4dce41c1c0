/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Before network.h: what a run can leave behind, as a list of words that two looks are compared by. */

#include <dirent.h>
#include <ftw.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/link.h"

#define TRACE_MAX 1024

static StrList *traces_files; /* nftw() hands nothing on to its function */
static size_t traces_root_length;

static void traces_add_links(StrList *list)
{
	_cleanup_(nl_connection_free_p) Nl *nl = NULL;
	struct if_nameindex *links = if_nameindex();

	if (!links || nl_connection_new(NETLINK_ROUTE, &nl) < 0)
		abort();
	for (size_t i = 0; links[i].if_index != 0; i++) {
		LinkInfo link = { 0 };

		if (link_get(nl, links[i].if_name, &link) == 0)
			str_list_add(list, "link %s, master %d", link.name, link.master);
	}
	if_freenameindex(links);
}

/* What another program says of the network, a line each. */
static void traces_add_words(StrList *list, const char *command)
{
	FILE *words = popen(command, "re");
	char line[TRACE_MAX];

	if (!words)
		abort();
	while (fgets(line, sizeof(line), words))
		str_list_add(list, "%.*s", (int) strcspn(line, "\n"), line);
	if (pclose(words) != 0)
		abort();
}

static void traces_add_network(StrList *list)
{
	traces_add_words(list, "ip -o addr show");
	traces_add_words(list, "ip route show table all");
	traces_add_words(list, "tc qdisc show");
	traces_add_words(list, "bridge -d link show");
	traces_add_words(list, "bridge fdb show");
	traces_add_words(list, "nft list ruleset 2>/dev/null; true");
	traces_add_words(list, "grep -r . /proc/sys/net/bridge /proc/sys/net/ipv4/conf "
			       "/proc/sys/net/ipv6/conf 2>/dev/null; true");
}

/* All processes of the namespace but its first and ourselves; a zombie is one that was not waited for. */
static void traces_add_processes(StrList *list)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		abort();
	while ((entry = readdir(proc))) {
		long pid = strtol(entry->d_name, NULL, 10);
		char path[64], name[64] = "";
		FILE *file;

		if (pid <= 1 || pid == getpid())
			continue;
		(void) snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fgets(name, sizeof(name), file))
			name[strcspn(name, "\n")] = '\0';
		(void) fclose(file);
		str_list_add(list, "process %ld (%s)", pid, name);
	}
	(void) closedir(proc);
}

static void traces_add_fds(StrList *list)
{
	DIR *fds = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!fds)
		abort();
	while ((entry = readdir(fds))) {
		char target[TRACE_MAX];
		ssize_t n = readlinkat(dirfd(fds), entry->d_name, target, sizeof(target) - 1);

		if (n < 0 || (int) strtol(entry->d_name, NULL, 10) == dirfd(fds))
			continue;
		target[n] = '\0';
		str_list_add(list, "fd %s: %s", entry->d_name, target);
	}
	(void) closedir(fds);
}

static int traces_on_file(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	if (path[traces_root_length])
		str_list_add(traces_files, "file %s", path + traces_root_length + 1);
	return 0;
}

static void traces_add_locks(StrList *list)
{
	FILE *locks = fopen("/proc/locks", "re");
	char line[TRACE_MAX];

	/* "1: FLOCK  ADVISORY  WRITE 1234 fe:00:1311 0 EOF"; the number in front changes. */
	while (locks && fgets(line, sizeof(line), locks)) {
		const char *kind = strchr(line, ' ');
		int pid = 0;

		if (kind && sscanf(kind, "%*s %*s %*s %d", &pid) == 1 && pid == getpid())
			str_list_add(list, "lock%.*s", (int) strcspn(kind, "\n"), kind);
	}
	if (locks)
		(void) fclose(locks);
}

/* What is there now. folder: whose files count. */
static StrList traces_take(const char *folder)
{
	StrList list = { 0 };

	traces_add_links(&list);
	traces_add_network(&list);
	traces_add_processes(&list);
	traces_add_fds(&list);
	traces_add_locks(&list);
	traces_files = &list;
	traces_root_length = strlen(folder);
	(void) nftw(folder, traces_on_file, 8, FTW_PHYS);
	if (list.failed)
		abort();
	return list;
}

/* Adds what is in the one list only, each as a line "SIGN what". Returns how many. */
static size_t traces_add_missing(const StrList *these, const StrList *those, char sign,
				 StrBuf *report)
{
	size_t n = 0;

	for (size_t i = 0; i < these->n; i++)
		if (!str_list_contains(those, these->items[i])) {
			str_buf_add(report, "#   %c %s\n", sign, these->items[i]);
			n++;
		}
	return n;
}
