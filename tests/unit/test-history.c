/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/history.h"
#include "mvmd/exit-codes.h"

#define SEC  UINT64_C(1000000)
#define MSEC UINT64_C(1000)
#define BOOT "7a0f1c52-0d5e-4d0a-9d5f-1d1b2a3c4d5e"

static const LifeCrashes no_crashes;
static History history;
static uint64_t now;

static int setup(void **state)
{
	history = (History){ 0 };
	now = 1000 * SEC;
	history_look(&history, BOOT, now);
	return 0;
}

/* A run of that length; what the next start has to wait. */
static uint64_t run(uint64_t lasts_usec, int exit_code)
{
	history_run_begins(&history, now);
	now += lasts_usec;
	history_run_ended(&history, exit_code, "vmm-exited", &no_crashes, now);
	return history_wait_usec(&history, now);
}

static void test_longer_each_time(void **state)
{
	static const uint64_t waits_msec[] = { 250,  500,   1000,  2000,  4000,
					       8000, 16000, 32000, 60000, 60000 };

	assert_true(history_wait_usec(&history, now) == 0);
	for (size_t i = 0; i < ELEMENTSOF(waits_msec); i++)
		assert_true(run(SEC, MVMD_EXIT_VMM) == waits_msec[i] * MSEC);
}

/* The wait counts from the end; who comes late need not wait. */
static void test_time_has_passed(void **state)
{
	for (int i = 0; i < 6; i++)
		(void) run(SEC, MVMD_EXIT_UNAVAILABLE);
	assert_true(history_wait_usec(&history, now + 3 * SEC) == 5 * SEC);
	assert_true(history_wait_usec(&history, now + 8 * SEC) == 0);
}

static void test_which_ends_are_tried_again(void **state)
{
	static const int again[] = { 69, 71, 75, 81, 82, 83, 84 };
	static const int final[] = { 0, 64, 66, 70, 77, 78, 80 };

	for (size_t i = 0; i < ELEMENTSOF(again); i++) {
		(void) setup(NULL);
		assert_true(run(SEC, again[i]) > 0);
	}
	for (size_t i = 0; i < ELEMENTSOF(final); i++) {
		(void) setup(NULL);
		(void) run(SEC, MVMD_EXIT_VMM);
		assert_true(run(SEC, final[i]) == 0);
		assert_true(run(SEC, MVMD_EXIT_VMM) == 250 * MSEC); /* the row was ended */
	}
}

/* Only then the file may go. */
static void test_when_there_is_nothing_to_know(void **state)
{
	assert_true(history_is_over(&history));
	history_run_begins(&history, now);
	assert_false(history_is_over(&history));
	(void) run(SEC, MVMD_EXIT_OK);
	assert_true(history_is_over(&history));
	(void) run(SEC, MVMD_EXIT_VMM);
	assert_false(history_is_over(&history));
	(void) run(SEC, MVMD_EXIT_CRASH_LIMIT);
	assert_false(history_is_over(&history));
}

static void test_a_long_run_ends_the_row(void **state)
{
	for (int i = 0; i < 5; i++)
		(void) run(SEC, MVMD_EXIT_VMM);
	assert_true(run(600 * SEC, MVMD_EXIT_VMM) == 250 * MSEC);
}

/* A start that fails at its first look has no run; what was long ago does not make it one that lasted. */
static void test_a_start_that_fails_at_once(void **state)
{
	(void) run(SEC, MVMD_EXIT_VMM);
	now += 3600 * SEC;
	history_run_ended(&history, MVMD_EXIT_UNAVAILABLE, NULL, &no_crashes, now);
	assert_true(history_wait_usec(&history, now) == 500 * MSEC);
}

/* Nobody told how it ended: its supervisor was killed, and that counts. */
static void test_a_killed_supervisor(void **state)
{
	(void) run(SEC, MVMD_EXIT_VMM);
	history_run_begins(&history, now);
	now += SEC;
	history_look(&history, BOOT, now);
	assert_true(history_wait_usec(&history, now) == 500 * MSEC);
	assert_int_equal(history.last_exit_code, 0);
	assert_string_equal(history.last_finding, "");
	history_look(&history, BOOT, now); /* once */
	assert_true(history_wait_usec(&history, now) == 500 * MSEC);
}

static void test_another_boot_of_the_host(void **state)
{
	(void) run(SEC, MVMD_EXIT_VMM);
	history_look(&history, "another", now);
	assert_true(history_wait_usec(&history, now) == 0);
	assert_string_equal(history.boot_id, "another");
}

static void test_crashes_are_handed_on(void **state)
{
	const LifeCrashes crashes = { .usec = { 5, 6, 7 }, .n = 3 };

	history_run_begins(&history, now);
	history_run_ended(&history, MVMD_EXIT_GUEST_CRASHED, "guest-panic", &crashes, now);
	assert_int_equal(history.crashes.n, 3);
	history_run_ended(&history, MVMD_EXIT_CRASH_LIMIT, "crash-limit", &crashes, now);
	assert_int_equal(history.crashes.n, 0); /* somebody looks now */
}

static void test_there_and_back(void **state)
{
	const LifeCrashes crashes = { .usec = { 5, 6, 7 }, .n = 3 };
	History read = { 0 };
	json_t *json;

	history_run_begins(&history, now);
	history_run_ended(&history, MVMD_EXIT_VMM, "vmm-exited", &crashes, now);
	history.waits_for_slot = true;
	json = history_to_json(&history);
	assert_int_equal(history_from_json(json, &read), 0);
	assert_true(read.waits_for_slot);
	(void) json_object_del(json, "waits_for_slot"); /* as an older mvmd has written it */
	assert_int_equal(history_from_json(json, &read), 0);
	assert_false(read.waits_for_slot);
	json_decref(json);
	assert_string_equal(read.boot_id, BOOT);
	assert_string_equal(read.last_finding, "vmm-exited");
	assert_int_equal(read.last_exit_code, MVMD_EXIT_VMM);
	assert_int_equal(read.crashes.n, 3);
	assert_true(read.crashes.usec[2] == 7);
	assert_true(history_wait_usec(&read, now) == 250 * MSEC);
}

/* A file that somebody wrote into: no crash, and no wait without end. */
static void test_damaged(void **state)
{
	static const char *const texts[] = { "{}", "[]", "{\"version\": 1}", "{\"version\": 2}" };
	History read = { 0 };
	json_t *json;

	for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
		json = json_loads(texts[i], 0, NULL);
		assert_int_equal(history_from_json(json, &read), -EUCLEAN);
		json_decref(json);
	}
	(void) run(SEC, MVMD_EXIT_VMM);
	json = history_to_json(&history);
	(void) json_object_set_new(json, "ended_usec", json_integer(INT64_MAX));
	(void) json_object_set_new(json, "failed", json_integer(INT32_MAX));
	assert_int_equal(history_from_json(json, &read), 0);
	json_decref(json);
	assert_true(history_wait_usec(&read, now) == 60 * SEC);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_longer_each_time),
		TEST(test_time_has_passed),
		TEST(test_which_ends_are_tried_again),
		TEST(test_when_there_is_nothing_to_know),
		TEST(test_a_long_run_ends_the_row),
		TEST(test_a_start_that_fails_at_once),
		TEST(test_a_killed_supervisor),
		TEST(test_another_boot_of_the_host),
		TEST(test_crashes_are_handed_on),
		TEST(test_there_and_back),
		TEST(test_damaged),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
