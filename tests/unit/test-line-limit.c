/* SPDX-License-Identifier: Apache-2.0 */
/* How many lines of a writer pass, and that its last ones are never lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/line-limit.h"

#define BEGIN_USEC   (100 * USEC_PER_SEC)
#define NUMBERED_MAX 16

static const char *numbered(char line[NUMBERED_MAX], unsigned n)
{
	(void) snprintf(line, NUMBERED_MAX, "line %u", n);
	return line;
}

/* So many of n lines at that time pass. */
static unsigned passed(LineLimit *limit, unsigned n, uint64_t usec)
{
	char line[NUMBERED_MAX];
	unsigned passing = 0;

	for (unsigned i = 0; i < n; i++)
		passing += line_limit_take(limit, numbered(line, i), usec);
	return passing;
}

static void drop_kept(LineLimit *limit)
{
	char *line;

	while ((line = line_limit_next(limit)))
		free(line);
}

static void a_boot_passes(_unused_ void **state)
{
	LineLimit limit = { 0 };

	assert_int_equal(passed(&limit, 2000, BEGIN_USEC), 2000);
	assert_int_equal(line_limit_release(&limit, BEGIN_USEC), 0);
	assert_null(line_limit_next(&limit));
	line_limit_done(&limit);
}

static void last_lines_are_kept(_unused_ void **state)
{
	LineLimit limit = { 0 };
	char line[NUMBERED_MAX];

	assert_int_equal(passed(&limit, 10000, BEGIN_USEC), 2000);
	/* 8000 held, the last 32 of them kept. */
	assert_int_equal(line_limit_release(&limit, BEGIN_USEC), 7968);
	for (unsigned i = 9968; i < 10000; i++) {
		char *kept = line_limit_next(&limit);

		assert_string_equal(kept, numbered(line, i));
		free(kept);
	}
	assert_null(line_limit_next(&limit));
	assert_int_equal(line_limit_release(&limit, BEGIN_USEC), 0);
	line_limit_done(&limit);
}

static void few_that_are_held_are_all_kept(_unused_ void **state)
{
	LineLimit limit = { 0 };
	char *kept;

	assert_int_equal(passed(&limit, 2000, BEGIN_USEC), 2000);
	assert_false(line_limit_take(&limit, "the end", BEGIN_USEC));
	assert_int_equal(line_limit_release(&limit, BEGIN_USEC), 0);
	kept = line_limit_next(&limit);
	assert_string_equal(kept, "the end");
	free(kept);
	line_limit_done(&limit);
}

/* While lines are held none passes, whatever has come into the bucket meanwhile: they stay in order. */
static void order_stays(_unused_ void **state)
{
	LineLimit limit = { 0 };
	uint64_t later = BEGIN_USEC + USEC_PER_SEC;

	(void) passed(&limit, 2001, BEGIN_USEC);
	assert_false(line_limit_take(&limit, "x", later));
	(void) line_limit_release(&limit, later);
	drop_kept(&limit);
	assert_true(line_limit_take(&limit, "x", later));
	line_limit_done(&limit);
}

/* 50 a second, however long it goes on. */
static void a_flood_is_bounded(_unused_ void **state)
{
	LineLimit limit = { 0 };
	uint64_t now = BEGIN_USEC;
	unsigned told = 0;

	for (unsigned turn = 0; turn < 100; turn++) {
		char *line;

		told += passed(&limit, 10000, now);
		now += 2 * USEC_PER_SEC;
		assert_true(line_limit_release(&limit, now) > 9000 || turn < 1);
		for (; (line = line_limit_next(&limit)); told++)
			free(line);
	}
	/* The first 2000, and 200 s of 50. */
	assert_in_range(told, 11000, 12100);
	line_limit_done(&limit);
}

static void long_lines_cost_more(_unused_ void **state)
{
	LineLimit limit = { 0 };
	char line[2560];

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0'; /* 2559 bytes: ten tokens */
	for (unsigned i = 0; i < 200; i++)
		assert_true(line_limit_take(&limit, line, BEGIN_USEC));
	assert_false(line_limit_take(&limit, "", BEGIN_USEC));
	line_limit_done(&limit);
}

static void the_bucket_fills_again(_unused_ void **state)
{
	LineLimit limit = { 0 };

	assert_int_equal(passed(&limit, 2000, BEGIN_USEC), 2000);
	assert_int_equal(passed(&limit, 100, BEGIN_USEC + 2 * USEC_PER_SEC), 100);
	assert_int_equal(passed(&limit, 2001, BEGIN_USEC + 3600 * USEC_PER_SEC), 2000);
	line_limit_done(&limit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_boot_passes),
		cmocka_unit_test(last_lines_are_kept),
		cmocka_unit_test(few_that_are_held_are_all_kept),
		cmocka_unit_test(order_stays),
		cmocka_unit_test(a_flood_is_bounded),
		cmocka_unit_test(long_lines_cost_more),
		cmocka_unit_test(the_bucket_fills_again),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
