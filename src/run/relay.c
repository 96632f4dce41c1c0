/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "model/log-patterns.h"
#include "model/utf8.h"
#include "run/relay.h"

/* So much at once; then other events have their turn. */
#define RELAY_CHUNK_BYTES     8192
#define RELAY_DRAIN_MAX_BYTES (4 * MIB)

#define WORDS_BETWEEN " / "

typedef struct Words {
	uint64_t usec; /* when they were read; 0: none */
	char text[RELAY_WORDS_MAX + 1];
} Words;

struct Relay {
	int fd;
	sd_event_source *source;
	RelayHandler handler;
	void *userdata;
	size_t length; /* of the unfinished line */
	char line[RELAY_LINE_MAX + 1];
	char last[RELAY_LINE_MAX + 1];
	Words words[RELAY_WORDS_LINES]; /* a ring */
	size_t next_word;
	char joined[RELAY_WORDS_LINES * (RELAY_WORDS_MAX + sizeof(WORDS_BETWEEN))];
};

static void relay_keep_words(Relay *relay)
{
	Words *words = &relay->words[relay->next_word];
	size_t length = strnlen(relay->last, RELAY_WORDS_MAX);

	words->usec = now_usec();
	memcpy(words->text, relay->last, length);
	words->text[length] = '\0';
	text_clean(words->text, length); /* a character may have been cut */
	relay->next_word = (relay->next_word + 1) % RELAY_WORDS_LINES;
}

static void relay_end_line(Relay *relay)
{
	relay->length = text_drop_sequences(relay->line, relay->length);
	if (relay->length == 0)
		return;

	text_clean(relay->line, relay->length);
	relay->line[relay->length] = '\0';
	if (!log_line_is_noise(relay->line)) {
		memcpy(relay->last, relay->line, relay->length + 1);
		relay_keep_words(relay);
	}
	relay->length = 0;
	relay->handler(relay->line, relay->userdata);
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

const char *relay_last_words(Relay *relay)
{
	uint64_t now = now_usec(), since = now > RELAY_WORDS_USEC ? now - RELAY_WORDS_USEC : 0;
	size_t length = 0;

	relay->joined[0] = '\0';
	for (size_t i = 0; i < RELAY_WORDS_LINES; i++) {
		const Words *words = &relay->words[(relay->next_word + i) % RELAY_WORDS_LINES];

		if (words->usec == 0 || words->usec < since)
			continue;
		length += (size_t) snprintf(relay->joined + length, sizeof(relay->joined) - length,
					    "%s%s", length > 0 ? WORDS_BETWEEN : "", words->text);
	}
	return relay->joined;
}

Relay *relay_free(Relay *relay)
{
	if (!relay)
		return NULL;
	relay_close(relay);
	free(relay);
	return NULL;
}
