/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/util.h"

/*
 * What a process writes, line by line. A line ends at a newline, a NUL or after RELAY_LINE_MAX bytes;
 * empty ones are left out, and so are colours (text_drop_sequences()); other control characters and what is no UTF-8 become '?' (text_clean()), so that
 * nobody writes to our terminal through us, and every line can go into JSON.
 */
#define RELAY_LINE_MAX 4096

typedef struct Relay Relay;

/* Must not free the relay. */
typedef void (*RelayHandler)(const char *line, void *userdata);

/* Takes ownership of the non-blocking fd, also on failure. 0 or -errno. */
int relay_start(sd_event *event, int fd, RelayHandler handler, void *userdata, Relay **ret);

/*
 * The writer is gone: hands on all that is still in the pipe, an unfinished line too, and closes it. Who
 * else holds the write end and goes on writing is cut off after RELAY_DRAIN_MAX_BYTES.
 */
void relay_drain(Relay *relay);

/* The last line so far, "" where none. Of these and the next, what is only noise (model/log-patterns.h) is none. */
const char *relay_last_line(const Relay *relay);

/*
 * What it wrote in the last RELAY_WORDS_USEC, up to RELAY_WORDS_LINES lines joined by " / "; "" where nothing.
 * What a process said long before its end does not tell why it ended. Valid until the next call.
 */
#define RELAY_WORDS_USEC  (10 * USEC_PER_SEC)
#define RELAY_WORDS_LINES 4
#define RELAY_WORDS_MAX	  255 /* bytes of a line that are kept */
const char *relay_last_words(Relay *relay);

Relay *relay_free(Relay *relay);
DEFINE_CLEANUP(Relay *, relay_free)
