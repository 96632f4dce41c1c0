/* SPDX-License-Identifier: Apache-2.0 */
/* Durations as they are told to people. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"

#define MINUTE_USEC (60 * USEC_PER_SEC)
#define HOUR_USEC   (60 * MINUTE_USEC)

static void assert_rough(uint64_t usec, const char *wanted)
{
	char text[FORMAT_MAX];

	assert_string_equal(format_rough_duration(text, usec), wanted);
}

static void short_ones(void **state)
{
	(void) state;
	assert_rough(0, "0ms");
	assert_rough(345999, "345ms");
	assert_rough(USEC_PER_SEC, "1s");
	assert_rough(4685 * USEC_PER_MSEC, "4.6s");
	assert_rough(59866 * USEC_PER_MSEC, "59s");
}

static void long_ones(void **state)
{
	(void) state;
	assert_rough(MINUTE_USEC, "1min 0s");
	assert_rough(3 * MINUTE_USEC + 5 * USEC_PER_SEC, "3min 5s");
	assert_rough(26 * HOUR_USEC + 3 * MINUTE_USEC, "1d 2h");
	assert_rough(23 * HOUR_USEC + 59 * MINUTE_USEC, "23h 59min");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_ones),
		cmocka_unit_test(long_ones),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
