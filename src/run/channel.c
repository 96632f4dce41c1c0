/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "host/sock.h"
#include "run/channel.h"

#define READ_BYTES 8192

struct Channel {
	ChannelHandler handler;
	int fd; /* -EBADF: it ended */
	sd_event_source *source;
	StrBuf out;
	size_t sent; /* of out */
	int *fds; /* go with the next byte */
	size_t n_fds;
};

static void channel_end(Channel *channel, int error)
{
	channel->source = sd_event_source_disable_unref(channel->source);
	channel->fd = close_fd(channel->fd);
	channel->handler.on_closed(channel, error, channel->handler.userdata);
}

/* The guest's credentials pass here. */
static void forget_sent(Channel *channel)
{
	if (channel->out.text)
		explicit_bzero(channel->out.text, channel->out.length);
	str_buf_done(&channel->out);
	channel->sent = 0;
}

static int channel_write(Channel *channel)
{
	while (channel->sent < channel->out.length) {
		ssize_t n = sock_send_fds(channel->fd, channel->out.text + channel->sent,
					  channel->out.length - channel->sent, channel->fds,
					  channel->n_fds);

		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return (int) n;
		channel->sent += (size_t) n;
		channel->n_fds = 0;
	}

	forget_sent(channel);
	return sd_event_source_set_io_events(channel->source, EPOLLIN);
}

/* Returns 1 after data, 0 where there is none now or at the end of the stream, or -errno. */
static int channel_read(Channel *channel, bool *ret_end)
{
	char buffer[READ_BYTES];
	ssize_t n = recv(channel->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
	int r;

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0) {
		*ret_end = true;
		return 0;
	}
	r = channel->handler.on_bytes(channel, buffer, (size_t) n, channel->handler.userdata);
	return r < 0 ? r : 1;
}

/*
 * Reading comes first: who answers and then closes is heard. A write that fails does not end the channel
 * while there still is something to read.
 */
static int channel_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	Channel *channel = userdata;
	bool end = false;
	int r = 0;

	if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
		r = channel_read(channel, &end);
	if (r >= 0 && !end && (revents & EPOLLOUT)) {
		int written = channel_write(channel);

		if (r == 0)
			r = written;
	}
	if (r < 0 || end)
		channel_end(channel, r);
	return 0;
}

int channel_new(sd_event *event, int fd, const ChannelHandler *handler, Channel **ret)
{
	_cleanup_(channel_free_p) Channel *channel = calloc(1, sizeof(*channel));
	int r;

	if (!channel) {
		(void) close_fd(fd);
		return -ENOMEM;
	}
	channel->fd = fd;
	channel->handler = *handler;
	r = sd_event_add_io(event, &channel->source, fd, EPOLLIN, channel_on_io, channel);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(channel);
	return 0;
}

static int channel_take_fds(Channel *channel, const int *fds, size_t n_fds)
{
	int *copy;

	if (n_fds == 0)
		return 0;
	copy = reallocarray(channel->fds, n_fds, sizeof(*fds));
	if (!copy)
		return -ENOMEM;
	memcpy(copy, fds, n_fds * sizeof(*fds));
	channel->fds = copy;
	channel->n_fds = n_fds;
	return 0;
}

int channel_fd(const Channel *channel)
{
	return channel->fd;
}

int channel_send(Channel *channel, const char *bytes, size_t n, const int *fds, size_t n_fds)
{
	int r;

	if (channel->fd < 0)
		return -ENOTCONN;
	if (n_fds > 0 && channel->out.length > 0)
		return -EBUSY;

	str_buf_add_bytes(&channel->out, bytes, n);
	if (channel->out.failed)
		return -ENOMEM;
	r = channel_take_fds(channel, fds, n_fds);
	if (r < 0)
		return r;
	return sd_event_source_set_io_events(channel->source, EPOLLIN | EPOLLOUT);
}

Channel *channel_free(Channel *channel)
{
	if (!channel)
		return NULL;

	channel->source = sd_event_source_disable_unref(channel->source);
	channel->fd = close_fd(channel->fd);
	forget_sent(channel);
	free(channel->fds);
	free(channel);
	return NULL;
}
