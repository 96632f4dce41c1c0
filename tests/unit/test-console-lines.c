/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest writes to its console, as lines for a journal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/console-lines.h"

static StrBuf heard;

static void on_line(const char *line, void *userdata)
{
	str_buf_add(&heard, "%s|", line);
}

/* Given in one piece, and byte by byte. */
static void assert_lines(const char *bytes, size_t n, const char *wanted)
{
	for (int piecewise = 0; piecewise < 2; piecewise++) {
		ConsoleLines lines = { 0 };
		_cleanup_free_ char *text = NULL;

		for (size_t i = 0; piecewise && i < n; i++)
			console_lines_add(&lines, bytes + i, 1, on_line, NULL);
		if (!piecewise)
			console_lines_add(&lines, bytes, n, on_line, NULL);
		assert_int_equal(str_buf_take(&heard, &text), 0);
		assert_string_equal(text, wanted);
	}
}

#define LINES(bytes, wanted) assert_lines(bytes, sizeof(bytes) - 1, wanted)

static void lines_end(_unused_ void **state)
{
	LINES("", "");
	LINES("a", "");
	LINES("a\n", "a|");
	LINES("a\r\nb\r\r\n\n\nc\n", "a|b|c|");
	LINES("10%\r20%\r\n", "10%|20%|");
	LINES("a\tb\n", "a\tb|");
}

static void escapes_are_left_out(_unused_ void **state)
{
	LINES("\033[0;1;31m[FAILED]\033[0m no\n", "[FAILED] no|");
	LINES("\033[2J\033[H\033[?25lx\n", "x|");
	LINES("\033]0;evil title\007x\n", "x|");
	LINES("\033]0;evil title\033\\x\n", "x|");
	LINES("\033P1$r0m\033\\x\033(B\0337y\n", "xy|");
	LINES("\033c\033#8x\n", "x|");
}

static void a_broken_sequence_hides_nothing(_unused_ void **state)
{
	LINES("\033[31\nx\n", "x|");
	LINES("\033]0;no end\nx\n", "x|");
	LINES("a\033", "");
	LINES("\033\033[1mx\n", "x|");
}

static void an_endless_sequence_ends(_unused_ void **state)
{
	char bytes[2 + CONSOLE_SEQUENCE_MAX + 1 + 4 + 1] = "\033]";

	memset(bytes + 2, 'x', CONSOLE_SEQUENCE_MAX);
	memcpy(bytes + 2 + CONSOLE_SEQUENCE_MAX, "seen\n", sizeof("seen\n"));
	assert_lines(bytes, strlen(bytes), "seen|");
}

static void what_is_no_text_is_replaced(_unused_ void **state)
{
	LINES("a\0b\001c\177\n", "a?b?c?|");
	LINES("\303\244\377\302\233x\n", "\303\244???x|");
}

static void long_lines_are_cut(_unused_ void **state)
{
	char bytes[CONSOLE_LINE_MAX + 8], wanted[CONSOLE_LINE_MAX + 8];

	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes + CONSOLE_LINE_MAX - 1, "\303\244y\n", 5); /* a character across the cut */
	memset(wanted, 'x', sizeof(wanted));
	memcpy(wanted + CONSOLE_LINE_MAX - 1, "|\303\244y|", 6);
	assert_lines(bytes, CONSOLE_LINE_MAX + 3, wanted);
}

static void a_prompt_is_flushed(_unused_ void **state)
{
	ConsoleLines lines = { 0 };
	_cleanup_free_ char *text = NULL;

	console_lines_add(&lines, "x\nlogin: ", 9, on_line, NULL);
	assert_int_equal(lines.n_ended, 1);
	console_lines_flush(&lines, on_line, NULL);
	console_lines_flush(&lines, on_line, NULL);
	console_lines_add(&lines, "root\r\n", 6, on_line, NULL);
	assert_int_equal(str_buf_take(&heard, &text), 0);
	assert_string_equal(text, "x|login: |root|");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_end),
		cmocka_unit_test(escapes_are_left_out),
		cmocka_unit_test(a_broken_sequence_hides_nothing),
		cmocka_unit_test(an_endless_sequence_ends),
		cmocka_unit_test(what_is_no_text_is_replaced),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(a_prompt_is_flushed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
