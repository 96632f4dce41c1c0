/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/*
 * What a guest writes to its serial line, as lines: for readers that are no terminal. A line ends at a line feed, a
 * carriage return or after CONSOLE_LINE_MAX bytes; empty ones are left out. What would move the cursor, set colours or
 * name a window (ECMA-48: CSI, OSC, DCS, … sequences) is left out, other control characters and what is no UTF-8 become
 * '?'.
 */
#define CONSOLE_LINE_MAX 1024

/* A sequence that is longer than this is none: what follows is text again. */
#define CONSOLE_SEQUENCE_MAX 256

typedef enum ConsoleLinesState {
	CONSOLE_LINES_TEXT,
	CONSOLE_LINES_ESCAPE, /* behind ESC */
	CONSOLE_LINES_CSI, /* behind ESC [ */
	CONSOLE_LINES_STRING, /* behind ESC ] and the like, up to BEL or ESC \ */
	_CONSOLE_LINES_STATE_MAX,
} ConsoleLinesState;

/* Zero-initialise. */
typedef struct ConsoleLines {
	ConsoleLinesState state;
	size_t n_sequence;
	uint64_t n_ended; /* lines so far */
	size_t length; /* of the unfinished one */
	char line[CONSOLE_LINE_MAX + 1];
} ConsoleLines;

typedef void (*ConsoleLineHandler)(const char *line, void *userdata);

void console_lines_add(ConsoleLines *lines, const char *bytes, size_t n, ConsoleLineHandler handler,
		       void *userdata);

/* The unfinished line is one as it stands. */
void console_lines_flush(ConsoleLines *lines, ConsoleLineHandler handler, void *userdata);
