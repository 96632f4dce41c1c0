/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/lives.h"

#define SEC  UINT64_C(1000000)
#define MSEC UINT64_C(1000)

static const SpecCrashLimit standard = { .count = 5, .within_usec = 600 * SEC };

static Lives lives;
static LifeMoment now;
static uint64_t reset_usec; /* what the VMM takes between two lives */

static int setup(void **state)
{
	lives_done(&lives);
	reset_usec = 0;
	now = (LifeMoment){ .usec = 100 * SEC, .realtime_usec = 1000 * SEC };
	return 0;
}

static int teardown(void **state)
{
	lives_done(&lives);
	return 0;
}

static void pass(uint64_t usec)
{
	now.usec += usec;
	now.realtime_usec += usec;
}

/* One life; true where it was one too many. */
static bool live(uint64_t lasts_usec, uint64_t says_bytes, LifeEnd end, const SpecCrashLimit *limit)
{
	pass(reset_usec);
	lives_begin(&lives, &now);
	pass(lasts_usec);
	now.console_bytes += says_bytes;
	return lives_end(&lives, &now, end, limit);
}

static bool die(void)
{
	return live(SEC / 2, 0, LIFE_REBOOT, &standard);
}

static void test_five_silent_lives_are_too_many(void **state)
{
	for (int i = 0; i < 4; i++)
		assert_false(die());
	assert_true(die());
	assert_int_equal(lives.n, 5);
	assert_int_equal(lives_last(&lives)->end, LIFE_NEVER_EXECUTED);
}

/* A guest that dies at its first instruction lives for microseconds; its VMM takes some milliseconds. */
static void test_lives_of_microseconds(void **state)
{
	reset_usec = 15 * MSEC;
	for (int i = 0; i < 4; i++)
		assert_false(live(50, 0, LIFE_REBOOT, &standard));
	assert_true(live(50, 0, LIFE_REBOOT, &standard));
}

/* Other ends in between change nothing: so many crashes within so much time are too many. */
static void test_a_good_life_among_them(void **state)
{
	for (int i = 0; i < 4; i++)
		assert_false(die());
	assert_false(live(SEC / 2, 1, LIFE_REBOOT, &standard));
	assert_int_equal(lives_last(&lives)->end, LIFE_REBOOT);
	assert_true(live(2 * SEC, 0, LIFE_REBOOT, &standard));
}

/* Lives of some milliseconds whose bytes are all read at every other reset: none of them was silent. */
static void test_late_bytes(void **state)
{
	for (int i = 0; i < 100; i++)
		assert_false(live(16 * MSEC, i % 2 ? 20 : 0, LIFE_REBOOT, &standard));
}

/* The supervisor was stopped for a while; then it reads all that was written, and many resets at once. */
static void test_many_resets_at_once(void **state)
{
	for (int i = 0; i < 100; i++) {
		assert_false(live(16 * MSEC, 1000, LIFE_REBOOT, &standard));
		for (int n = 0; n < 50; n++)
			assert_false(live(20, 0, LIFE_REBOOT, &standard));
		assert_false(live(16 * MSEC, 0, LIFE_REBOOT, &standard));
	}
}

/* What a guest wrote before its VMM told that it began is its own. */
static void test_early_bytes(void **state)
{
	(void) live(SEC, 7, LIFE_REBOOT, &standard);
	now.console_bytes += 5;
	(void) live(SEC, 0, LIFE_REBOOT, &standard);
	assert_int_equal(life_bytes(lives_last(&lives), 0), 5);
	assert_int_equal(lives_last(&lives)->end, LIFE_REBOOT);
}

static void test_silence_of_a_minute(void **state)
{
	assert_false(live(6 * SEC, 0, LIFE_REBOOT, &standard));
	assert_int_equal(lives_last(&lives)->end, LIFE_SILENT);
	assert_false(live(61 * SEC, 0, LIFE_REBOOT, &standard));
	assert_int_equal(lives_last(&lives)->end, LIFE_REBOOT);
}

/* A job of ten seconds, again and again, in a guest whose console is elsewhere. */
static void test_a_guest_that_may_be_mute(void **state)
{
	lives.may_be_mute = true;
	for (int i = 0; i < 20; i++) {
		assert_false(live(10 * SEC, 0, LIFE_REBOOT, &standard));
		assert_int_equal(lives_last(&lives)->end, LIFE_REBOOT);
	}
	for (int i = 0; i < 4; i++)
		assert_false(die());
	assert_true(die());
	assert_int_equal(lives_last(&lives)->end, LIFE_NEVER_EXECUTED);
}

/* A driver that takes its device is a kernel that runs, if one that says nothing. */
static void test_a_device_is_a_sign_of_life(void **state)
{
	lives_begin(&lives, &now);
	lives_activated(&lives, "_net0");
	pass(SEC);
	assert_false(lives_end(&lives, &now, LIFE_REBOOT, &standard));
	assert_int_equal(lives_last(&lives)->end, LIFE_REBOOT);
}

static void say(const char *text)
{
	(void) lives_hear(&lives, text, strlen(text));
}

static void test_its_last_words(void **state)
{
	static const struct {
		const char *text;
		LifeEnd end;
	} deaths[] = {
		{ "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n",
		  LIFE_NO_ROOT },
		{ "Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000007f\n",
		  LIFE_PANIC },
		{ "Kernel panic - not syncing: No working init found.\n", LIFE_NO_INIT },
		{ "Kernel panic - not syncing: System is deadlocked on memory\n",
		  LIFE_OUT_OF_MEMORY },
	};

	for (size_t i = 0; i < ELEMENTSOF(deaths); i++) {
		lives_begin(&lives, &now);
		say(deaths[i].text);
		now.console_bytes += strlen(deaths[i].text);
		pass(SEC);
		assert_false(lives_end(&lives, &now, LIFE_REBOOT, &standard));
		assert_int_equal(lives_last(&lives)->end, deaths[i].end);
	}
	assert_int_equal(lives.crashes.n, ELEMENTSOF(deaths));
}

/* Of a run that ended before. */
static void test_crashes_of_an_earlier_run(void **state)
{
	for (int i = 0; i < 4; i++)
		lives.crashes.usec[lives.crashes.n++] = now.usec;
	pass(SEC);
	assert_true(live(SEC, 0, LIFE_VMM_EXITED, &standard));
}

static void test_the_limit_is_the_specs(void **state)
{
	const SpecCrashLimit once = { .count = 1, .within_usec = SEC };
	const SpecCrashLimit most = { .count = LIVES_CRASHES_MAX, .within_usec = 3600 * SEC };

	assert_true(live(SEC, 0, LIFE_REBOOT, &once));
	(void) setup(NULL);
	for (int i = 1; i < LIVES_CRASHES_MAX; i++)
		assert_false(live(SEC, 0, LIFE_REBOOT, &most));
	assert_true(live(SEC, 0, LIFE_REBOOT, &most));
}

/* The first and the third crash are 10 s apart, later ones 9. */
static void test_crashes_far_apart(void **state)
{
	const SpecCrashLimit limit = { .count = 3, .within_usec = 9 * SEC };

	assert_false(live(SEC, 0, LIFE_REBOOT, &limit));
	pass(4 * SEC);
	assert_false(live(SEC, 0, LIFE_REBOOT, &limit));
	pass(4 * SEC);
	assert_false(live(SEC, 0, LIFE_REBOOT, &limit));
	pass(3 * SEC);
	assert_true(live(SEC, 0, LIFE_REBOOT, &limit));
}

static void test_a_panic_is_a_crash(void **state)
{
	const SpecCrashLimit limit = { .count = 2, .within_usec = 60 * SEC };

	assert_false(live(SEC, 0, LIFE_REBOOT, &limit));
	assert_true(live(20 * SEC, 100, LIFE_PANIC, &limit));
	assert_int_equal(lives_last(&lives)->end, LIFE_PANIC);
}

static void ends(LifeEnd told, LifeEnd end, LifeAsker asked_by)
{
	assert_false(live(10 * SEC, 1, told, &standard));
	assert_int_equal(lives_last(&lives)->end, end);
	assert_int_equal(lives_last(&lives)->asked_by, asked_by);
}

static void test_who_asked(void **state)
{
	ends(LIFE_POWER_OFF, LIFE_POWER_OFF, LIFE_ASKED_BY_GUEST);
	ends(LIFE_REBOOT, LIFE_REBOOT, LIFE_ASKED_BY_GUEST);
	ends(LIFE_VMM_EXITED, LIFE_VMM_EXITED, LIFE_ASKED_BY_NOBODY);
	ends(LIFE_STOPPED, LIFE_UNKNOWN, LIFE_ASKED_BY_NOBODY);
	lives_asked(&lives, LIFE_ASKED_BY_API);
	lives_asked(&lives, LIFE_ASKED_BY_SIGNAL);
	ends(LIFE_STOPPED, LIFE_STOPPED, LIFE_ASKED_BY_API);
	ends(LIFE_POWER_OFF, LIFE_POWER_OFF, LIFE_ASKED_BY_API);
	ends(LIFE_REBOOT, LIFE_REBOOT, LIFE_ASKED_BY_GUEST);
}

static void test_a_lost_backend(void **state)
{
	lives_lost_backend(&lives);
	ends(LIFE_POWER_OFF, LIFE_BACKEND_LOST, LIFE_ASKED_BY_NOBODY);
	ends(LIFE_STOPPED, LIFE_BACKEND_LOST, LIFE_ASKED_BY_NOBODY);
	ends(LIFE_VMM_EXITED, LIFE_VMM_EXITED, LIFE_ASKED_BY_NOBODY);
}

static void test_what_is_remembered(void **state)
{
	for (unsigned i = 1; i <= 12; i++)
		(void) live(i * 10 * SEC, i, LIFE_REBOOT, &standard);
	assert_int_equal(lives.n, 12);
	assert_int_equal(lives.n_kept, 10);
	for (unsigned i = 0; i < 10; i++) {
		const Life *life = &lives.kept[i];

		assert_int_equal(life->number, i + 3);
		assert_true(life->ended.usec - life->began.usec == (i + 3) * 10 * SEC);
		assert_int_equal(life->ended.console_bytes - life->began.console_bytes, i + 3);
	}
}

static void test_an_end_without_a_life(void **state)
{
	assert_null(lives_last(&lives));
	assert_false(lives_end(&lives, &now, LIFE_PANIC, &standard));
	(void) live(10 * SEC, 1, LIFE_POWER_OFF, &standard);
	assert_false(lives_end(&lives, &now, LIFE_STOPPED, &standard));
	assert_int_equal(lives_last(&lives)->end, LIFE_POWER_OFF);
}

static void test_devices(void **state)
{
	lives_activated(&lives, "nobody's");
	lives_begin(&lives, &now);
	lives_activated(&lives, "_net0");
	lives_activated(&lives, "_fs1");
	lives_activated(&lives, "_net0");
	assert_int_equal(lives_last(&lives)->devices.n, 2);
	assert_string_equal(lives_last(&lives)->devices.items[1], "_fs1");
	for (int i = 0; i < 1000; i++) {
		char name[] = { 'a', (char) ('a' + i / 26 % 26), (char) ('a' + i % 26), '\0' };

		lives_activated(&lives, name);
	}
	assert_int_equal(lives_last(&lives)->devices.n, LIFE_DEVICES_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_five_silent_lives_are_too_many),
		TEST(test_lives_of_microseconds),
		TEST(test_a_good_life_among_them),
		TEST(test_late_bytes),
		TEST(test_many_resets_at_once),
		TEST(test_early_bytes),
		TEST(test_silence_of_a_minute),
		TEST(test_a_guest_that_may_be_mute),
		TEST(test_a_device_is_a_sign_of_life),
		TEST(test_its_last_words),
		TEST(test_crashes_of_an_earlier_run),
		TEST(test_the_limit_is_the_specs),
		TEST(test_crashes_far_apart),
		TEST(test_a_panic_is_a_crash),
		TEST(test_who_asked),
		TEST(test_a_lost_backend),
		TEST(test_what_is_remembered),
		TEST(test_an_end_without_a_life),
		TEST(test_devices),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
