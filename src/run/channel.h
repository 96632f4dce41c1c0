/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/util.h"

/*
 * A connected stream socket in the event loop: what is sent waits for room, what arrives is handed on, the end
 * is told once. The bytes of both VMM protocols pass through here.
 */
typedef struct Channel Channel;

typedef struct ChannelHandler {
	/* Takes all n bytes. A negative result ends the channel with that error. Must not free it. */
	int (*on_bytes)(Channel *channel, const char *bytes, size_t n, void *userdata);
	/* The last word: the peer closed (error 0) or -errno. The channel may be freed in it. */
	void (*on_closed)(Channel *channel, int error, void *userdata);
	void *userdata;
} ChannelHandler;

/* Takes ownership of the non-blocking fd, also on failure. 0 or -errno. */
int channel_new(sd_event *event, int fd, const ChannelHandler *handler, Channel **ret);

/*
 * Queues bytes; they leave from the event loop. fds go with the first of them and must stay open until
 * then; with fds the queue must be empty. 0, -ENOTCONN after the end, -EBUSY (fds, but not empty) or -ENOMEM.
 */
int channel_send(Channel *channel, const char *bytes, size_t n, const int *fds, size_t n_fds);

/* It stays the channel's; -EBADF after the end. */
int channel_fd(const Channel *channel);

Channel *channel_free(Channel *channel);
DEFINE_CLEANUP(Channel *, channel_free)
