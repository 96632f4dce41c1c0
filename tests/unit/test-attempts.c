/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "model/attempts.h"

static const Backoff backoff = { 100 * USEC_PER_MSEC, 1 * USEC_PER_SEC };

#define BEGAN_USEC (77 * USEC_PER_SEC)

static void test_pauses_double_up_to_the_longest(void **state)
{
	static const uint64_t wanted_msec[] = { 100, 200, 400, 800, 1000, 1000 };

	for (unsigned n = 1; n <= ELEMENTSOF(wanted_msec); n++)
		assert_int_equal(backoff_usec(&backoff, n, 0), wanted_msec[n - 1] * USEC_PER_MSEC);
	assert_int_equal(backoff_usec(&backoff, 4000000000, 0), USEC_PER_SEC);
}

/* Whatever the random number is, a pause is at least as long as without, and at most a quarter longer. */
static void test_jitter_is_a_quarter_at_most(void **state)
{
	static const uint32_t randoms[] = { 1, 24999, 25000, 25001, 0x7fffffff, UINT32_MAX };
	bool differ = false;

	for (size_t i = 0; i < ELEMENTSOF(randoms); i++) {
		uint64_t pause = backoff_usec(&backoff, 1, randoms[i]);

		assert_in_range(pause, 100 * USEC_PER_MSEC, 125 * USEC_PER_MSEC);
		differ = differ || pause != 100 * USEC_PER_MSEC;
	}
	assert_true(differ);
}

static void test_no_try_behind_the_end(void **state)
{
	const AttemptResult refused = { -ECONNREFUSED, NULL };
	Attempts attempts;
	uint64_t next = 0;

	attempts_begin(&attempts, &backoff, BEGAN_USEC, 250 * USEC_PER_MSEC);
	assert_null(attempts_last(&attempts));
	attempts_add(&attempts, BEGAN_USEC, &refused);
	assert_true(attempts_next(&attempts, BEGAN_USEC, 0, &next));
	assert_int_equal(next, BEGAN_USEC + 100 * USEC_PER_MSEC);

	/* The next pause would be 200 ms, and the last try is the one at the end. */
	attempts_add(&attempts, next, &refused);
	assert_true(attempts_next(&attempts, next, 0, &next));
	assert_int_equal(next, BEGAN_USEC + 250 * USEC_PER_MSEC);
	attempts_add(&attempts, next, &refused);
	assert_false(attempts_next(&attempts, next, 0, &next));
	assert_int_equal(attempts.n, 3);
}

static void test_what_stirs_is_looked_at_often(void **state)
{
	const AttemptResult refused = { -ECONNREFUSED, NULL };
	uint64_t next = 0;
	Attempts attempts;

	attempts_begin(&attempts, &backoff, 0, 60 * USEC_PER_SEC);
	for (unsigned i = 0; i < 5; i++)
		attempts_add(&attempts, 0, &refused);
	assert_true(attempts_next(&attempts, 0, 0, &next));
	assert_int_equal(next, USEC_PER_SEC);
	attempts_stir(&attempts);
	attempts_add(&attempts, 0, &refused);
	assert_true(attempts_next(&attempts, 0, 0, &next));
	assert_int_equal(next, 100 * USEC_PER_MSEC);
	assert_int_equal(attempts.n, 6);
}

static void assert_text(const Attempts *attempts, const char *verb, const char *wanted)
{
	char *text = attempts_to_text(attempts, verb);

	assert_string_equal(text, wanted);
	free(text);
}

static void test_record_tells_each_kind(void **state)
{
	const AttemptResult refused = { -ECONNREFUSED, NULL }, absent = { -ENOENT, "no such file" };
	Attempts attempts;

	attempts_begin(&attempts, &backoff, BEGAN_USEC, 60 * USEC_PER_SEC);
	attempts_add(&attempts, BEGAN_USEC + 3999, &refused);
	assert_text(&attempts, "tried", "tried 1 time in 3ms: 1 × Connection refused (after 3ms)");
	attempts_add(&attempts, BEGAN_USEC + 250000, &absent);
	attempts_add(&attempts, BEGAN_USEC + 999999, &absent);
	for (unsigned i = 0; i < 11; i++)
		attempts_add(&attempts, BEGAN_USEC + 59256789, &refused);
	assert_text(&attempts, "tried",
		    "tried 14 times in 59.2s: 12 × Connection refused (first after 3ms, last "
		    "after 59.2s), 2 × no such file (first after 250ms, last after 999ms)");
	assert_int_equal(attempts_last(&attempts)->error, -ECONNREFUSED);
}

static void test_too_many_kinds_are_counted_together(void **state)
{
	Attempts attempts;
	char *text;

	attempts_begin(&attempts, &backoff, 0, 60 * USEC_PER_SEC);
	for (int error = 1; error <= ATTEMPT_RESULTS_MAX + 3; error++)
		attempts_add(&attempts, 0, &(AttemptResult){ .error = -error });
	text = attempts_to_text(&attempts, "looked");
	assert_non_null(strstr(text, "looked 11 times"));
	assert_non_null(strstr(text, ", 3 × something else"));
	free(text);
}

static void test_finding_has_the_record(void **state)
{
	const AttemptResult refused = { -ECONNREFUSED, NULL };
	const char *record = "tried 1 time in 5ms: 1 × Connection refused (after 5ms)";
	Fault fault = { 0 };
	Attempts attempts;

	attempts_begin(&attempts, &backoff, 0, USEC_PER_SEC);
	attempts_add(&attempts, 5000, &refused);
	(void) fault_set(&fault, -ETIMEDOUT, 69, "control-socket", "nobody there");
	assert_int_equal(attempts_tell(&attempts, "tried", &fault), -ETIMEDOUT);
	assert_string_equal(fault.why, record);
	assert_string_equal(fault_evidence_get(&fault, "attempts"), record);

	(void) fault_why(&fault, "nobody listens");
	(void) attempts_tell(&attempts, "tried", &fault);
	assert_string_equal(fault.why, "nobody listens; tried 1 time in 5ms: 1 × Connection "
				       "refused (after 5ms)");
	fault_done(&fault);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pauses_double_up_to_the_longest),
		cmocka_unit_test(test_jitter_is_a_quarter_at_most),
		cmocka_unit_test(test_no_try_behind_the_end),
		cmocka_unit_test(test_what_stirs_is_looked_at_often),
		cmocka_unit_test(test_record_tells_each_kind),
		cmocka_unit_test(test_too_many_kinds_are_counted_together),
		cmocka_unit_test(test_finding_has_the_record),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
