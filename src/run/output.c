/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run/output.h"

#define LOST_TEXT_MAX 64

struct Output {
	sd_event *event;
	sd_event_source *writable; /* enabled while something waits; NULL for a regular file */
	int fd;
	bool broken;
	char *waiting;
	size_t n_waiting;
	size_t n_lost;
	OutputBroken on_broken;
	OutputEmpty on_empty;
	void *userdata;
};

static bool has_room(int fd)
{
	struct pollfd out = { .fd = fd, .events = POLLOUT };

	return poll(&out, 1, 0) > 0;
}

/*
 * A pipe that polls writable takes PIPE_BUF bytes without blocking (pipe(7)). A terminal does not: what it has
 * no room for it waits with (n_tty.c:n_tty_write), so that it is opened anew, see output_new().
 */
static ssize_t write_some(int fd, const char *bytes, size_t n)
{
	ssize_t written;

	if (!has_room(fd))
		return -EAGAIN;
	if (n > PIPE_BUF)
		n = PIPE_BUF;
	written = send(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (written < 0 && errno == ENOTSOCK)
		written = write(fd, bytes, n);
	return written < 0 ? -errno : written;
}

static void output_break(Output *output)
{
	output->broken = true;
	output->n_waiting = 0;
	if (output->writable)
		(void) sd_event_source_set_enabled(output->writable, SD_EVENT_OFF);
	if (output->on_broken)
		output->on_broken(output, output->userdata);
}

static void keep(Output *output, const char *bytes, size_t n)
{
	size_t room;

	if (n > OUTPUT_BUFFER_MAX_BYTES) {
		output->n_lost += n - OUTPUT_BUFFER_MAX_BYTES;
		bytes += n - OUTPUT_BUFFER_MAX_BYTES;
		n = OUTPUT_BUFFER_MAX_BYTES;
	}
	room = OUTPUT_BUFFER_MAX_BYTES - output->n_waiting;
	if (n > room) {
		size_t drop = n - room;

		output->n_lost += drop;
		output->n_waiting -= drop;
		memmove(output->waiting, output->waiting + drop, output->n_waiting);
	}
	memcpy(output->waiting + output->n_waiting, bytes, n);
	output->n_waiting += n;
}

/* Where the stream has a gap, once what came before it is out. */
static void tell_what_was_lost(Output *output)
{
	char text[LOST_TEXT_MAX];
	int n = snprintf(text, sizeof(text), "\r\n[mvmd: %zu bytes lost]\r\n", output->n_lost);

	output->n_lost = 0;
	keep(output, text, (size_t) n);
}

/* 0: all is out, or the descriptor takes no more now. -errno: it broke. */
static int write_waiting(Output *output)
{
	size_t done = 0;
	int r = 0;

	while (r == 0 && done < output->n_waiting) {
		ssize_t n =
			write_some(output->fd, output->waiting + done, output->n_waiting - done);

		if (n < 0)
			r = (int) n;
		else
			done += (size_t) n;
	}
	output->n_waiting -= done;
	memmove(output->waiting, output->waiting + done, output->n_waiting);
	return r == -EAGAIN || r == -EINTR ? 0 : r;
}

/* Writes what can be written now. The output may be gone afterwards: on_broken may free it. */
static void output_flush(Output *output)
{
	int r = write_waiting(output);

	if (r == 0 && output->n_waiting == 0 && output->n_lost > 0) {
		tell_what_was_lost(output);
		r = write_waiting(output);
	}
	if (r < 0) {
		output_break(output);
		return;
	}
	if (output->writable)
		(void) sd_event_source_set_enabled(
			output->writable, output->n_waiting > 0 ? SD_EVENT_ON : SD_EVENT_OFF);
	if (output->on_empty && output->n_waiting == 0)
		output->on_empty(output, output->userdata);
}

static int on_writable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	output_flush(userdata);
	return 0;
}

void output_write(Output *output, const void *bytes, size_t n)
{
	if (output->broken)
		return;
	keep(output, bytes, n);
	output_flush(output);
}

void output_set_on_empty(Output *output, OutputEmpty on_empty)
{
	output->on_empty = on_empty;
}

bool output_is_empty(const Output *output)
{
	return output->n_waiting == 0;
}

int output_new(sd_event *event, int fd, OutputBroken on_broken, void *userdata, Output **ret)
{
	_cleanup_(output_free_p) Output *output = calloc(1, sizeof(*output));
	int r;

	if (!output)
		return -ENOMEM;
	output->fd = -EBADF;
	output->event = sd_event_ref(event);
	/* An fd of its own: an event loop watches each one once, and the owner watches his for input. */
	output->fd = fd_open_nonblocking(fd);
	if (output->fd < 0)
		return output->fd;
	output->on_broken = on_broken;
	output->userdata = userdata;
	output->waiting = malloc(OUTPUT_BUFFER_MAX_BYTES);
	if (!output->waiting)
		return -ENOMEM;

	r = sd_event_add_io(event, &output->writable, output->fd, EPOLLOUT, on_writable, output);
	if (r == -EPERM) /* epoll_ctl(2): a regular file, which always takes what is written */
		output->writable = NULL;
	else if (r < 0)
		return r;
	else
		(void) sd_event_source_set_enabled(output->writable, SD_EVENT_OFF);
	*ret = TAKE_PTR(output);
	return 0;
}

Output *output_free(Output *output)
{
	if (!output)
		return NULL;
	/* What still finds room goes out; nobody waits for a reader here. */
	output->on_broken = NULL;
	output->on_empty = NULL;
	if (!output->broken && output->waiting)
		output_flush(output);
	(void) sd_event_source_disable_unref(output->writable);
	(void) sd_event_unref(output->event);
	(void) close_fd(output->fd);
	free(output->waiting);
	free(output);
	return NULL;
}
