/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/nl.h"

/* net/netlink/af_netlink.c: a dump fills at most 32 KiB at once; single answers are far smaller. */
#define NL_BUFFER_BYTES (32 * KIB)

/* Room for a burst of some thousand link notifications (systemd issue 14417: 200 overran the default). */
#define NL_MONITOR_RECEIVE_BYTES (2 * MIB)

struct Nl {
	int fd;
	uint32_t sequence;
	int error; /* of the last request */
	char *error_text; /* its extack text; NULL: the kernel sent none */
	_Alignas(struct nlmsghdr) uint8_t buffer[NL_BUFFER_BYTES];
};

/* Extended and short acknowledgements, and requests checked to the letter: Linux 4.12, 4.3, 4.20. */
static int socket_set_options(int fd)
{
	const int on = 1;

	if (setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

int nl_connection_new(int protocol, Nl **ret)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	_cleanup_close_ int fd = -EBADF;
	Nl *nl;
	int r;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		return -errno;
	r = socket_set_options(fd);
	if (r < 0)
		return r;
	if (bind(fd, (const struct sockaddr *) &any, sizeof(any)) < 0)
		return -errno;

	/* Not calloc(): pages of the buffer that no answer fills are never touched. */
	nl = malloc(sizeof(*nl));
	if (!nl)
		return -ENOMEM;
	nl->fd = TAKE_FD(fd);
	nl->sequence = 0;
	nl->error = 0;
	nl->error_text = NULL;
	*ret = nl;
	return 0;
}

Nl *nl_connection_free(Nl *nl)
{
	if (!nl)
		return NULL;
	(void) close_fd(nl->fd);
	free(nl->error_text);
	free(nl);
	return NULL;
}

struct nl_msg *nl_message_new(int type, int flags, const void *header, size_t size)
{
	struct nl_msg *message = nlmsg_alloc_simple(type, flags);
	void *to = message ? nlmsg_reserve(message, size, NLMSG_ALIGNTO) : NULL;

	if (!to) {
		nlmsg_free(message);
		return NULL;
	}
	memcpy(to, header, size);
	return message;
}

const char *nl_error_text(const Nl *nl)
{
	return nl->error_text ?: strerror(-nl->error);
}

/* Without words of the kernel's: what fails on this side of the socket. */
static int nl_set_error(Nl *nl, int error)
{
	nl->error = error;
	free(nl->error_text);
	nl->error_text = NULL;
	return error;
}

/* Keeps the error and the kernel's words, which are attributes behind 'skip' bytes of payload. */
static int nl_keep_error(Nl *nl, int error, const struct nlmsghdr *message, int skip)
{
	int rest = nlmsg_attrlen(message, skip);
	const struct nlattr *text = NULL;

	nl->error = error;
	free(nl->error_text);
	nl->error_text = NULL;

	if (error < 0 && (message->nlmsg_flags & NLM_F_ACK_TLVS) && rest > 0)
		text = nla_find(nlmsg_attrdata(message, skip), rest, NLMSGERR_ATTR_MSG);
	if (text && nla_len(text) > 0)
		nl->error_text = strndup(nla_data(text), (size_t) nla_len(text));
	return error;
}

/* The end of a request, NLMSG_ERROR or NLMSG_DONE: both begin with an int, 0 or -errno. */
static int nl_read_end(Nl *nl, const struct nlmsghdr *message)
{
	int length = nlmsg_datalen(message), skip = sizeof(int), error;

	if (length < (int) sizeof(error))
		return nl_set_error(nl, -EBADMSG);
	memcpy(&error, nlmsg_data(message), sizeof(error));

	if (message->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *end = nlmsg_data(message);

		if (length < (int) sizeof(*end))
			return nl_set_error(nl, -EBADMSG);
		skip = sizeof(*end);
		/* An error repeats the request's payload before the attributes, unless it is capped. */
		if (!(message->nlmsg_flags & NLM_F_CAPPED))
			skip += nlmsg_datalen(&end->msg);
		if (skip > length)
			return nl_set_error(nl, -EBADMSG);
	}
	return nl_keep_error(nl, error, message, skip);
}

/* Receives one datagram from the kernel. Its length, or -errno (-EAGAIN: none, with MSG_DONTWAIT). */
static ssize_t nl_receive_datagram(Nl *nl, int flags)
{
	for (;;) {
		struct sockaddr_nl from = { 0 };
		struct iovec data = { .iov_base = nl->buffer, .iov_len = sizeof(nl->buffer) };
		struct msghdr header = { .msg_name = &from,
					 .msg_namelen = sizeof(from),
					 .msg_iov = &data,
					 .msg_iovlen = 1 };
		ssize_t n = recvmsg(nl->fd, &header, flags);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (from.nl_pid != 0) /* another process may write to us, too */
			continue;
		if (header.msg_flags & MSG_TRUNC)
			return -EMSGSIZE;
		return n;
	}
}

/* Hands the answers in the first n bytes of the buffer on. 1: more to come, 0: the end, -errno. */
static int nl_read_answers(Nl *nl, ssize_t n, NlAnswer on_answer, void *userdata)
{
	struct nlmsghdr *message = (struct nlmsghdr *) (void *) nl->buffer;

	for (int left = (int) n; nlmsg_ok(message, left); message = nlmsg_next(message, &left)) {
		if (message->nlmsg_seq != nl->sequence)
			continue;
		if (message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE)
			return nl_read_end(nl, message);
		if (on_answer)
			on_answer(message, userdata);
	}
	return 1;
}

int nl_query(Nl *nl, struct nl_msg *message, NlAnswer on_answer, void *userdata)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nlmsghdr *header = nlmsg_hdr(message);
	int r;

	header->nlmsg_seq = ++nl->sequence;
	header->nlmsg_flags |= NLM_F_REQUEST;
	if ((header->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		header->nlmsg_flags |= NLM_F_ACK;

	if (sendto(nl->fd, header, header->nlmsg_len, MSG_NOSIGNAL,
		   (const struct sockaddr *) &kernel, sizeof(kernel)) < 0)
		return nl_set_error(nl, -errno);

	do {
		ssize_t n = nl_receive_datagram(nl, 0);

		if (n < 0)
			return nl_set_error(nl, (int) n);
		r = nl_read_answers(nl, n, on_answer, userdata);
	} while (r > 0);
	return r;
}

int nl_request(Nl *nl, struct nl_msg *message)
{
	return nl_query(nl, message, NULL, NULL);
}

int nl_subscribe(Nl *nl, int group)
{
	const int bytes = NL_MONITOR_RECEIVE_BYTES;

	/* Past the host's limit only with CAP_NET_ADMIN; a smaller one costs resyncs, no notification. */
	if (setsockopt(nl->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void) setsockopt(nl->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return -errno;
	return 0;
}

int nl_fd(const Nl *nl)
{
	return nl->fd;
}

int nl_receive(Nl *nl, NlAnswer on_message, void *userdata)
{
	for (;;) {
		ssize_t n = nl_receive_datagram(nl, MSG_DONTWAIT);
		struct nlmsghdr *message;

		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return (int) n;
		message = (struct nlmsghdr *) (void *) nl->buffer;
		for (int left = (int) n; nlmsg_ok(message, left);
		     message = nlmsg_next(message, &left))
			on_message(message, userdata);
	}
}
