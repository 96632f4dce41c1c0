/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "model/utf8.h"
#include "run/relay.h"

/* So much at once; then other events have their turn. */
#define RELAY_CHUNK_BYTES     8192
#define RELAY_DRAIN_MAX_BYTES (4 * MIB)

struct Relay {
	int fd;
	sd_event_source *source;
	RelayHandler handler;
	void *userdata;
	size_t length; /* of the unfinished line */
	char line[RELAY_LINE_MAX + 1];
	char last[RELAY_LINE_MAX + 1];
};

static void relay_end_line(Relay *relay)
{
	if (relay->length == 0)
		return;

	text_clean(relay->line, relay->length);
	relay->line[relay->length] = '\0';
	memcpy(relay->last, relay->line, relay->length + 1);
	relay->length = 0;
	relay->handler(relay->last, relay->userdata);
}

static void relay_take(Relay *relay, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char) bytes[i];

		if (c == '\n' || c == '\0') {
			relay_end_line(relay);
			continue;
		}
		if (c == '\r')
			continue;
		if (c == '\t')
			c = ' ';
		relay->line[relay->length++] = (char) c;
		if (relay->length == RELAY_LINE_MAX)
			relay_end_line(relay);
	}
}

static void relay_close(Relay *relay)
{
	relay->source = sd_event_source_disable_unref(relay->source);
	relay->fd = close_fd(relay->fd);
}

/* Reads once. False where there is nothing now, or nothing ever again. */
static bool relay_read(Relay *relay, size_t *ret_bytes)
{
	char chunk[RELAY_CHUNK_BYTES];
	ssize_t n = read(relay->fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		relay_end_line(relay);
		relay_close(relay);
		return false;
	}
	relay_take(relay, chunk, (size_t) n);
	*ret_bytes = (size_t) n;
	return true;
}

static int relay_on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	size_t bytes;

	(void) relay_read(userdata, &bytes);
	return 0;
}

int relay_start(sd_event *event, int fd, RelayHandler handler, void *userdata, Relay **ret)
{
	_cleanup_(relay_free_p) Relay *relay = NULL;
	int r;

	relay = calloc(1, sizeof(*relay));
	if (!relay) {
		(void) close_fd(fd);
		return -ENOMEM;
	}
	relay->fd = fd;
	relay->handler = handler;
	relay->userdata = userdata;

	r = sd_event_add_io(event, &relay->source, fd, EPOLLIN, relay_on_readable, relay);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(relay);
	return 0;
}

void relay_drain(Relay *relay)
{
	size_t bytes = 0, total = 0;

	while (relay->fd >= 0 && total < RELAY_DRAIN_MAX_BYTES && relay_read(relay, &bytes))
		total += bytes;
	relay_end_line(relay);
	relay_close(relay);
}

const char *relay_last_line(const Relay *relay)
{
	return relay->last;
}

Relay *relay_free(Relay *relay)
{
	if (!relay)
		return NULL;
	relay_close(relay);
	free(relay);
	return NULL;
}
