/* SPDX-License-Identifier: Apache-2.0 */
/* Times as people write them behind --since. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "cli/since.h"

/* 2026-11-22 10:11:12.5, in a zone two hours east of UTC: date -u -d '2026-11-22 08:11:12' +%s */
#define NOW_SEC	 UINT64_C(1795335072)
#define NOW_USEC (NOW_SEC * USEC_PER_SEC + 500000)

static int setup(void **state)
{
	if (setenv("TZ", "EET-2", 1) < 0)
		return -1;
	tzset();
	return 0;
}

static void assert_since(const char *text, uint64_t wanted_usec)
{
	uint64_t usec = 0;

	assert_int_equal(since_parse(text, NOW_USEC, &usec), 0);
	assert_int_equal(usec, wanted_usec);
}

static void durations(_unused_ void **state)
{
	assert_since("30s", NOW_USEC - 30 * USEC_PER_SEC);
	assert_since("-5min", NOW_USEC - 300 * USEC_PER_SEC);
	assert_since("2h", NOW_USEC - 7200 * USEC_PER_SEC);
	assert_since("1d", NOW_USEC - 86400 * USEC_PER_SEC);
	assert_since("2w", NOW_USEC - 1209600 * USEC_PER_SEC);
	assert_since("0s", NOW_USEC);
}

static void days(_unused_ void **state)
{
	/* Midnight there is 22:00 UTC. */
	assert_since("today", UINT64_C(1795298400) * USEC_PER_SEC);
	assert_since("yesterday", UINT64_C(1795212000) * USEC_PER_SEC);
	assert_since("2026-11-21", UINT64_C(1795212000) * USEC_PER_SEC);
}

static void times(_unused_ void **state)
{
	assert_since("10:11", UINT64_C(1795335060) * USEC_PER_SEC);
	assert_since("10:11:12", NOW_SEC * USEC_PER_SEC);
	assert_since("2026-11-22 10:11", UINT64_C(1795335060) * USEC_PER_SEC);
	assert_since("2026-11-22 10:11:12", NOW_SEC * USEC_PER_SEC);
}

static void what_is_no_time(_unused_ void **state)
{
	static const char *const wrong[] = { "",	 "soon",       "5",
					     "5 min",	 "min",	       "--5min",
					     "1.5h",	 "2026-13-01", "25:00",
					     "10:11 ",	 "1e9999d",    "99999999999999999999s",
					     "99999999d" };
	uint64_t usec = 7;

	for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
		assert_int_equal(since_parse(wrong[i], NOW_USEC, &usec), -EINVAL);
	assert_int_equal(usec, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),
		cmocka_unit_test(days),
		cmocka_unit_test(times),
		cmocka_unit_test(what_is_no_time),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, NULL);
}
