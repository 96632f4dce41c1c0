/* SPDX-License-Identifier: Apache-2.0 */
#include "model/console-lines.h"
#include "model/utf8.h"

#define BEL    0x07
#define ESCAPE 0x1b

/* ECMA-35, 13.2.1, and ECMA-48, 5.4: what stands between ESC or CSI and the byte that ends the sequence. */
static bool is_intermediate(unsigned char c)
{
	return c >= 0x20 && c <= 0x2f;
}

static bool is_parameter(unsigned char c)
{
	return c >= 0x30 && c <= 0x3f;
}

void console_lines_flush(ConsoleLines *lines, ConsoleLineHandler handler, void *userdata)
{
	if (lines->length == 0)
		return;
	text_clean(lines->line, lines->length);
	lines->line[lines->length] = '\0';
	lines->length = 0;
	lines->n_ended++;
	handler(lines->line, userdata);
}

/* Behind ESC: which sequence begins, or did that one end with this byte? "ESC ( B" has an intermediate one. */
static ConsoleLinesState after_escape(unsigned char c)
{
	if (c == '[')
		return CONSOLE_LINES_CSI;
	if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_')
		return CONSOLE_LINES_STRING;
	return is_intermediate(c) ? CONSOLE_LINES_ESCAPE : CONSOLE_LINES_TEXT;
}

/* True where the sequence that the console is in ends with this byte. */
static bool ends_sequence(const ConsoleLines *lines, unsigned char c)
{
	return lines->n_sequence > CONSOLE_SEQUENCE_MAX ||
	       (lines->state == CONSOLE_LINES_CSI && !is_parameter(c) && !is_intermediate(c)) ||
	       (lines->state == CONSOLE_LINES_STRING && c == BEL);
}

static void sequence_add(ConsoleLines *lines, unsigned char c)
{
	lines->n_sequence++;
	if (ends_sequence(lines, c))
		lines->state = CONSOLE_LINES_TEXT;
	else if (lines->state == CONSOLE_LINES_ESCAPE)
		lines->state = after_escape(c);
}

/* A line that is full ends between two characters: the bytes of the one that goes on begin the next line. */
static void break_line(ConsoleLines *lines, ConsoleLineHandler handler, void *userdata)
{
	size_t whole = utf8_valid_prefix(lines->line, lines->length);
	char rest[sizeof("\xf0\x9f\x98")];
	size_t n_rest = lines->length - whole;

	if (n_rest >= sizeof(rest))
		n_rest = 0; /* no character that goes on: bytes that are no UTF-8 */
	memcpy(rest, lines->line + lines->length - n_rest, n_rest);
	lines->length -= n_rest;
	console_lines_flush(lines, handler, userdata);
	memcpy(lines->line, rest, n_rest);
	lines->length = n_rest;
}

void console_lines_add(ConsoleLines *lines, const char *bytes, size_t n, ConsoleLineHandler handler,
		       void *userdata)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char) bytes[i];

		if (c == '\n' || c == '\r') {
			lines->state = CONSOLE_LINES_TEXT; /* no sequence goes on over a line */
			console_lines_flush(lines, handler, userdata);
		} else if (c == ESCAPE) {
			/* Also the first byte of what ends a string: "ESC \". */
			lines->state = CONSOLE_LINES_ESCAPE;
			lines->n_sequence = 0;
		} else if (lines->state != CONSOLE_LINES_TEXT) {
			sequence_add(lines, c);
		} else {
			lines->line[lines->length++] = (char) c;
			if (lines->length == CONSOLE_LINE_MAX)
				break_line(lines, handler, userdata);
		}
	}
}
