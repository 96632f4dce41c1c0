/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <sys/sysmacros.h>

#include "base/util.h"
#include "host/nl.h"
#include "host/unix-diag.h"

/* include/linux/kdev_t.h: in the kernel a device number is 12 bits of major and 20 of minor. */
#define KERNEL_MINOR_BITS 20

typedef struct ListenerSearch {
	const char *name; /* the path's last part */
	uint32_t device; /* as the kernel counts */
	uint32_t inode; /* its low half: the answer has no more */
	bool found;
} ListenerSearch;

static const char *last_part(const char *path, size_t length)
{
	const char *slash = memrchr(path, '/', length);

	return slash ? slash + 1 : path;
}

static bool name_matches(const struct nlattr *attribute, const char *name)
{
	const char *path = nla_data(attribute);
	size_t length = strnlen(path, (size_t) nla_len(attribute));
	const char *last = last_part(path, length);
	size_t last_length = length - (size_t) (last - path);

	return last_length == strlen(name) && memcmp(last, name, last_length) == 0;
}

/*
 * A listener's own path may be relative, or from before a rename or a bind mount, so the inode decides.
 * The device stat(2) shows is not the kernel's on btrfs and overlayfs: there the last part of the path
 * must be the same.
 */
static void on_listener(struct nlmsghdr *answer, void *userdata)
{
	ListenerSearch *search = userdata;
	struct nlattr *attributes[UNIX_DIAG_MAX + 1];
	const struct unix_diag_vfs *file;

	if (answer->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    nlmsg_parse(answer, sizeof(struct unix_diag_msg), attributes, UNIX_DIAG_MAX, NULL) < 0)
		return;
	if (!attributes[UNIX_DIAG_VFS] ||
	    nla_len(attributes[UNIX_DIAG_VFS]) < (int) sizeof(struct unix_diag_vfs))
		return;
	file = nla_data(attributes[UNIX_DIAG_VFS]);
	if (file->udiag_vfs_ino != search->inode)
		return;
	if (file->udiag_vfs_dev == search->device ||
	    (attributes[UNIX_DIAG_NAME] && name_matches(attributes[UNIX_DIAG_NAME], search->name)))
		search->found = true;
}

int unix_diag_is_listening(const char *path, const struct stat *status)
{
	struct unix_diag_req request = {
		.sdiag_family = AF_UNIX,
		.udiag_states = 1 << TCP_LISTEN,
		.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS,
		.udiag_cookie = { UINT32_MAX, UINT32_MAX }, /* INET_DIAG_NOCOOKIE */
	};
	ListenerSearch search = {
		.name = last_part(path, strlen(path)),
		.device = major(status->st_dev) << KERNEL_MINOR_BITS | minor(status->st_dev),
		.inode = (uint32_t) status->st_ino,
	};
	_cleanup_(nl_connection_free_p) Nl *nl = NULL;
	_cleanup_(nlmsg_free_p) struct nl_msg *message = NULL;
	int r;

	r = nl_connection_new(NETLINK_SOCK_DIAG, &nl);
	if (r < 0)
		return r;
	message = nlmsg_alloc_simple(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
	if (!message || nlmsg_append(message, &request, sizeof(request), NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	r = nl_query(nl, message, on_listener, &search);
	if (r < 0)
		return r;
	return search.found;
}
