/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "run/kept.h"

typedef struct KeptFd {
	char *name;
	int fd; /* left to us and not taken; else -EBADF */
} KeptFd;

struct Kept {
	KeptFd *items;
	size_t n;
};

static KeptFd *kept_find(Kept *kept, const char *name)
{
	for (size_t i = 0; i < kept->n; i++)
		if (streq(kept->items[i].name, name))
			return &kept->items[i];
	return NULL;
}

/* Takes fd. 0 or -ENOMEM. */
static int kept_append(Kept *kept, const char *name, int fd)
{
	char *copy = strdup(name);

	if (!copy || array_grow(&kept->items, kept->n, sizeof(*kept->items)) < 0) {
		free(copy);
		(void) close_fd(fd);
		return -ENOMEM;
	}
	kept->items[kept->n++] = (KeptFd){ copy, fd };
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
			r = kept_append(kept, names[i], fd);
		else
			(void) close_fd(fd);
		free(names[i]);
	}
	free(names);
	return r;
}

int kept_new(Kept **ret)
{
	_cleanup_(kept_free_p) Kept *kept = calloc(1, sizeof(*kept));
	int r = kept ? take_stored(kept) : -ENOMEM;

	if (r == 0)
		*ret = TAKE_PTR(kept);
	return r;
}

int kept_take(Kept *kept, const char *name)
{
	KeptFd *item = kept_find(kept, name);

	return item ? TAKE_FD(item->fd) : -EBADF;
}

void kept_add(Kept *kept, const char *name, int fd)
{
	_cleanup_free_ char *state = str_printf("FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);

	if (!state || kept_find(kept, name) || kept_append(kept, name, -EBADF) < 0)
		return;
	(void) sd_pid_notify_with_fds(0, false, state, &fd, 1);
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
