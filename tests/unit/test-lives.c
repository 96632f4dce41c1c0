/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/lives.h"

#define SEC UINT64_C(1000000)

static uint64_t now = 100 * SEC;

/* One life; true where it was one silent life too many. */
static bool live(Lives *lives, uint64_t lasts_usec, uint64_t console_bytes)
{
	lives_begin(lives, now);
	now += lasts_usec;
	return lives_end(lives, now, console_bytes);
}

static void test_five_silent_lives_are_too_many(void **state)
{
	Lives lives = { 0 };

	for (int i = 0; i < 4; i++)
		assert_false(live(&lives, SEC / 2, 0));
	assert_true(live(&lives, SEC / 2, 0));
	assert_int_equal(lives.n, 5);
}

static void test_a_byte_ends_the_silence(void **state)
{
	Lives lives = { 0 };

	for (int i = 0; i < 4; i++)
		assert_false(live(&lives, SEC / 2, 0));
	assert_false(live(&lives, SEC / 2, 1));
	for (int i = 0; i < 4; i++)
		assert_false(live(&lives, SEC / 2, 1));
	assert_true(live(&lives, SEC / 2, 1));
}

static void test_a_long_life_is_one(void **state)
{
	Lives lives = { 0 };

	for (int i = 0; i < 20; i++)
		assert_false(live(&lives, 5 * SEC, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_five_silent_lives_are_too_many),
		cmocka_unit_test(test_a_byte_ends_the_silence),
		cmocka_unit_test(test_a_long_life_is_one),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
