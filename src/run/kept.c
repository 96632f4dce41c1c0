/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "run/kept.h"

/* "lock:9 console:12": not LISTEN_FDS=, which demands that they follow each other from 3 on. */
#define KEPT_VARIABLE "MVMD_KEPT_FDS"

typedef struct KeptFd {
	char *name;
	int fd; /* left to us and not taken; else -EBADF */
	int used; /* whoever has it; -EBADF: nobody here */
} KeptFd;

struct Kept {
	KeptFd *items;
	size_t n;
	bool reload;
};

static KeptFd *kept_find(Kept *kept, const char *name)
{
	for (size_t i = 0; i < kept->n; i++)
		if (streq(kept->items[i].name, name))
			return &kept->items[i];
	return NULL;
}

/* Takes fd, but not the one that is used. 0 or -ENOMEM. */
static int kept_append(Kept *kept, const char *name, int fd, int used)
{
	char *copy = strdup(name);

	if (!copy || array_grow(&kept->items, kept->n, sizeof(*kept->items)) < 0) {
		free(copy);
		(void) close_fd(fd);
		return -ENOMEM;
	}
	kept->items[kept->n++] = (KeptFd){ copy, fd, used };
	return 0;
}

/* sd_listen_fds(3): from SD_LISTEN_FDS_START on, in an order that means nothing. */
static int take_stored(Kept *kept)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(true, &names), r = n < 0 ? n : 0;

	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (r == 0)
			r = kept_append(kept, names[i], fd, -EBADF);
		else
			(void) close_fd(fd);
		free(names[i]);
	}
	free(names);
	return r;
}

/* What this process had before the reload: "NAME:NUMBER" each. */
static int take_own(Kept *kept)
{
	const char *value = getenv(KEPT_VARIABLE);
	_cleanup_free_ char *list = value ? strdup(value) : NULL;
	char *rest = NULL;
	int r = 0;

	(void) unsetenv(KEPT_VARIABLE);
	kept->reload = list != NULL;
	for (char *item = list ? strtok_r(list, " ", &rest) : NULL; item && r == 0;
	     item = strtok_r(NULL, " ", &rest)) {
		char *colon = strrchr(item, ':');
		int fd = colon ? (int) strtol(colon + 1, NULL, 10) : -EBADF;

		if (fd <= STDERR_FILENO || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			continue;
		*colon = '\0';
		r = kept_append(kept, item, fd, -EBADF);
	}
	return r;
}

int kept_new(Kept **ret)
{
	_cleanup_(kept_free_p) Kept *kept = calloc(1, sizeof(*kept));
	int r = kept ? take_own(kept) : -ENOMEM;

	if (r == 0)
		r = take_stored(kept);
	if (r == 0)
		*ret = TAKE_PTR(kept);
	return r;
}

int kept_take(Kept *kept, const char *name)
{
	KeptFd *item = kept_find(kept, name);

	if (!item)
		return -EBADF;
	item->used = item->fd;
	return TAKE_FD(item->fd);
}

void kept_pass_on(const char *name, int fd)
{
	_cleanup_free_ char *state = str_printf("FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);

	if (state)
		(void) sd_pid_notify_with_fds(0, false, state, &fd, 1);
}

void kept_add(Kept *kept, const char *name, int fd)
{
	if (!kept_find(kept, name) && kept_append(kept, name, -EBADF, fd) == 0)
		kept_pass_on(name, fd);
}

const char *kept_name(const Kept *kept, size_t i)
{
	return i < kept->n ? kept->items[i].name : NULL;
}

void kept_add_for_reload(Kept *kept, const char *name, int fd)
{
	if (!kept_find(kept, name))
		(void) kept_append(kept, name, -EBADF, fd);
}

bool kept_is_reload(const Kept *kept)
{
	return kept->reload;
}

static int set_flags(const Kept *kept, int flags)
{
	for (size_t i = 0; i < kept->n; i++)
		if (kept->items[i].used >= 0 && fcntl(kept->items[i].used, F_SETFD, flags) < 0)
			return -errno;
	return 0;
}

int kept_begin_exec(const Kept *kept)
{
	_cleanup_(str_buf_done) StrBuf list = { 0 };

	for (size_t i = 0; i < kept->n; i++)
		if (kept->items[i].used >= 0)
			str_buf_add(&list, "%s%s:%d", list.length > 0 ? " " : "",
				    kept->items[i].name, kept->items[i].used);
	if (list.failed || setenv(KEPT_VARIABLE, list.text ?: "", true) < 0)
		return -ENOMEM;
	return set_flags(kept, 0);
}

void kept_cancel_exec(const Kept *kept)
{
	(void) unsetenv(KEPT_VARIABLE);
	(void) set_flags(kept, FD_CLOEXEC);
}

static void item_remove(KeptFd *item)
{
	(void) sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", item->name);
	(void) close_fd(item->fd);
	free(item->name);
}

void kept_remove(Kept *kept, const char *name)
{
	KeptFd *item = kept_find(kept, name);

	if (!item)
		return;
	item_remove(item);
	*item = kept->items[--kept->n];
}

void kept_remove_but(Kept *kept, const char *prefix)
{
	for (size_t i = kept->n; i-- > 0;)
		if (strncmp(kept->items[i].name, prefix, strlen(prefix)) != 0)
			kept_remove(kept, kept->items[i].name);
}

void kept_remove_all(Kept *kept)
{
	while (kept->n > 0)
		item_remove(&kept->items[--kept->n]);
}

Kept *kept_free(Kept *kept)
{
	if (!kept)
		return NULL;
	for (size_t i = 0; i < kept->n; i++) {
		(void) close_fd(kept->items[i].fd);
		free(kept->items[i].name);
	}
	free(kept->items);
	free(kept);
	return NULL;
}
