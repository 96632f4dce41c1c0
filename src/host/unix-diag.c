/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#include "base/util.h"
#include "host/nl.h"
#include "host/unix-diag.h"

/* include/linux/kdev_t.h: in the kernel a device number is 12 bits of major and 20 of minor. */
#define KERNEL_MINOR_BITS 20

/* The sockets that belong to one socket file: the kernel gives an accepted one the path of its listener. */
typedef struct FileSearch {
	const char *name; /* the path's last part */
	uint32_t device; /* as the kernel counts */
	uint32_t inode; /* its low half: the answer has no more */
	int error;
	UnixListener *listener;
} FileSearch;

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
static bool file_matches(struct nlattr **attributes, const FileSearch *search)
{
	const struct unix_diag_vfs *file;

	if (!attributes[UNIX_DIAG_VFS] ||
	    nla_len(attributes[UNIX_DIAG_VFS]) < (int) sizeof(struct unix_diag_vfs))
		return false;
	file = nla_data(attributes[UNIX_DIAG_VFS]);
	if (file->udiag_vfs_ino != search->inode)
		return false;
	return file->udiag_vfs_dev == search->device ||
	       (attributes[UNIX_DIAG_NAME] &&
		name_matches(attributes[UNIX_DIAG_NAME], search->name));
}

static void add_client(FileSearch *search, uint32_t inode, bool accepted)
{
	UnixListener *listener = search->listener;

	if (inode == 0) /* it has left already */
		return;
	if (array_grow(&listener->clients, listener->n_clients, sizeof(*listener->clients)) < 0) {
		search->error = -ENOMEM;
		return;
	}
	listener->clients[listener->n_clients++] =
		(UnixClient){ .inode = inode, .accepted = accepted };
}

/* UNIX_DIAG_ICONS lists those that wait for an accept(2); they have no socket of their own yet. */
static void add_waiting(FileSearch *search, const struct nlattr *attribute)
{
	const uint32_t *inodes = nla_data(attribute);

	for (size_t i = 0; i < (size_t) nla_len(attribute) / sizeof(*inodes); i++)
		add_client(search, inodes[i], false);
}

/* net/unix/af_unix.c, unix_recvq_full(): of a listener the two are how many wait, and how many may. */
static bool queue_is_full(const struct nlattr *attribute)
{
	const struct unix_diag_rqlen *queues = nla_data(attribute);

	return nla_len(attribute) >= (int) sizeof(*queues) &&
	       queues->udiag_rqueue > queues->udiag_wqueue;
}

static void on_socket(struct nlmsghdr *answer, void *userdata)
{
	FileSearch *search = userdata;
	struct nlattr *attributes[UNIX_DIAG_MAX + 1];
	const struct unix_diag_msg *message = nlmsg_data(answer);

	if (answer->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    nlmsg_parse(answer, sizeof(*message), attributes, UNIX_DIAG_MAX, NULL) < 0 ||
	    !file_matches(attributes, search))
		return;
	if (message->udiag_state == TCP_LISTEN) {
		search->listener->inode = message->udiag_ino;
		if (attributes[UNIX_DIAG_RQLEN])
			search->listener->full = queue_is_full(attributes[UNIX_DIAG_RQLEN]);
		if (attributes[UNIX_DIAG_ICONS])
			add_waiting(search, attributes[UNIX_DIAG_ICONS]);
	} else if (attributes[UNIX_DIAG_PEER]) {
		add_client(search, nla_get_u32(attributes[UNIX_DIAG_PEER]), true);
	}
}

static int ask(Nl *nl, struct unix_diag_req *request, int flags, NlAnswer on_answer, void *userdata)
{
	_cleanup_(nlmsg_free_p) struct nl_msg *message =
		nlmsg_alloc_simple(SOCK_DIAG_BY_FAMILY, flags);

	if (!message || nlmsg_append(message, request, sizeof(*request), NLMSG_ALIGNTO) < 0)
		return -ENOMEM;
	return nl_query(nl, message, on_answer, userdata);
}

/* Looks for the sockets of the file in those states. */
static int search_file(Nl *nl, const char *path, const struct stat *status, uint32_t states,
		       UnixListener *ret)
{
	struct unix_diag_req request = {
		.sdiag_family = AF_UNIX,
		.udiag_states = states,
		.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER |
			      UDIAG_SHOW_ICONS | UDIAG_SHOW_RQLEN,
		.udiag_cookie = { UINT32_MAX, UINT32_MAX }, /* INET_DIAG_NOCOOKIE */
	};
	FileSearch search = {
		.name = last_part(path, strlen(path)),
		.device = major(status->st_dev) << KERNEL_MINOR_BITS | minor(status->st_dev),
		.inode = (uint32_t) status->st_ino,
		.listener = ret,
	};
	int r = ask(nl, &request, NLM_F_DUMP, on_socket, &search);

	return r < 0 ? r : search.error;
}

static void on_client(struct nlmsghdr *answer, void *userdata)
{
	UnixClient *client = userdata;
	struct nlattr *attributes[UNIX_DIAG_MAX + 1];
	const struct unix_diag_rqlen *queues;

	if (answer->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    nlmsg_parse(answer, sizeof(struct unix_diag_msg), attributes, UNIX_DIAG_MAX, NULL) <
		    0 ||
	    !attributes[UNIX_DIAG_RQLEN] ||
	    nla_len(attributes[UNIX_DIAG_RQLEN]) < (int) sizeof(*queues))
		return;
	queues = nla_data(attributes[UNIX_DIAG_RQLEN]);
	client->unread = queues->udiag_wqueue > 0;
}

/* Only the client's side tells of a connection that is not accepted yet. One that is gone now has sent nothing. */
static void look_at_client(Nl *nl, UnixClient *client)
{
	struct unix_diag_req request = {
		.sdiag_family = AF_UNIX,
		.udiag_ino = client->inode,
		.udiag_show = UDIAG_SHOW_RQLEN,
		.udiag_cookie = { UINT32_MAX, UINT32_MAX },
	};

	(void) ask(nl, &request, 0, on_client, client);
}

int unix_diag_is_listening(const char *path, const struct stat *status)
{
	_cleanup_(nl_connection_free_p) Nl *nl = NULL;
	UnixListener listener = { 0 };
	int r;

	r = nl_connection_new(NETLINK_SOCK_DIAG, &nl);
	if (r == 0)
		r = search_file(nl, path, status, 1 << TCP_LISTEN, &listener);
	unix_listener_done(&listener);
	return r < 0 ? r : listener.inode != 0;
}

int unix_diag_listener(const char *path, const struct stat *status, UnixListener *ret)
{
	_cleanup_(nl_connection_free_p) Nl *nl = NULL;
	int r;

	r = nl_connection_new(NETLINK_SOCK_DIAG, &nl);
	if (r == 0)
		r = search_file(nl, path, status, 1 << TCP_LISTEN | 1 << TCP_ESTABLISHED, ret);
	for (size_t i = 0; r == 0 && i < ret->n_clients; i++)
		look_at_client(nl, &ret->clients[i]);
	return r;
}

void unix_listener_done(UnixListener *listener)
{
	free(listener->clients);
	listener->clients = NULL;
	listener->n_clients = 0;
}
