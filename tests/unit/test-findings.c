/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/findings.h"
#include "model/man.h"
#include "model/wrap.h"

#define TITLE_MAX 64

static bool ends_with(const char *text, char c)
{
	return *text && text[strlen(text) - 1] == c;
}

/* No row is half written, and all are written alike. */
static void rows_are_whole(_unused_ void **state)
{
	for (size_t t = 0; t < FINDING_TABLES; t++)
		for (size_t i = 0; i < finding_tables[t]->n; i++) {
			const Finding *row = &finding_tables[t]->findings[i];

			assert_true(strlen(row->title) <= TITLE_MAX);
			assert_false(ends_with(row->title, '.'));
			assert_true(ends_with(row->what, '.'));
			assert_true(ends_with(row->why, '.'));
			assert_true(ends_with(row->remedy, '.'));
			assert_ptr_equal(finding_find(row->id), row);
		}
}

static void nearest_is_told(_unused_ void **state)
{
	assert_null(finding_find("tap-hold"));
	assert_string_equal(finding_nearest("tap-hold"), "tap-held");
	assert_string_equal(finding_nearest("guest-panik"), "guest-panic");
	assert_null(finding_nearest("xyzzy"));
	assert_null(finding_nearest(""));
}

static void assert_taken(StrBuf *buf, const char *wanted)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(str_buf_take(buf, &text), 0);
	assert_string_equal(text, wanted);
}

static void lines_are_wrapped(_unused_ void **state)
{
	const char *word = "123456789", *long_word = "1234567890123456789012345678901234567890"
						     "1234567890123456789012345678901234567890";
	StrBuf buf = { 0 }, text = { 0 };
	_cleanup_free_ char *nine = NULL;

	wrap_add(&buf, 2, "Why", "a  b");
	assert_taken(&buf, "  Why: a b\n");
	wrap_add(&buf, 0, NULL, "");
	assert_taken(&buf, "\n");

	/* Eight words and the blanks between them fill 79 columns; a ninth does not fit. */
	for (int i = 0; i < 9; i++)
		str_buf_add(&text, "%s%s", i ? " " : "", word);
	assert_int_equal(str_buf_take(&text, &nine), 0);
	wrap_add(&buf, 0, NULL, nine);
	assert_int_equal(strcspn(buf.text, "\n"), 79);
	assert_string_equal(buf.text + 80, "123456789\n");
	str_buf_done(&buf);

	wrap_add(&buf, 1, NULL, long_word);
	assert_int_equal(strlen(buf.text), 1 + 80 + 1);
	str_buf_done(&buf);
}

static void roff_is_escaped(_unused_ void **state)
{
	StrBuf buf = { 0 };

	man_add_sentences(&buf, "a\\b c… One. Two.");
	assert_taken(&buf, "a\\eb c... One.\nTwo.\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_whole),
		cmocka_unit_test(nearest_is_told),
		cmocka_unit_test(lines_are_wrapped),
		cmocka_unit_test(roff_is_escaped),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
