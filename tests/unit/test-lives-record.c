/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/lives-json.h"

#define SEC UINT64_C(1000000)

static const SpecCrashLimit standard = { .count = 5, .within_usec = 600 * SEC };

/* Differs from an empty one in each field; the last life goes on. */
static void make(Lives *lives)
{
	LifeMoment at = { .usec = 100 * SEC, .realtime_usec = 5000 * SEC, .console_bytes = 10 };

	*lives = (Lives){ .crashes = { .usec = { 7 * SEC, 8 * SEC }, .n = 2 } };
	lives_begin(lives, &at);
	assert_true(lives_hear(lives, "Kernel panic - not syncing: x\nCPU: 0\n", 37));
	lives_activated(lives, "net0");
	lives_activated(lives, "disk0");
	lives_backend_left(lives, "virtiofsd[data]: exit status 0");
	lives_last_words(lives, "bye");
	at = (LifeMoment){ .usec = 160 * SEC, .realtime_usec = 5060 * SEC, .console_bytes = 500 };
	assert_false(lives_end(lives, &at, LIFE_REBOOT, &standard));
	lives_begin(lives, &at);
	assert_false(lives_hear(lives, "half a li", 9));
	lives_asked(lives, LIFE_ASKED_BY_SIGNAL);
	lives_lost_backend(lives);
	lives_ignored_power_off(lives);
	lives_unheard(lives);
	lives->may_be_mute = true;
}

static void check_equal(const Lives *a, const Lives *b)
{
	json_t *x = lives_to_record(a), *y = lives_to_record(b);

	assert_non_null(x);
	assert_true(json_equal(x, y));
	json_decref(x);
	json_decref(y);
}

static void read_back(const Lives *lives, Lives *ret)
{
	json_t *record = lives_to_record(lives);

	assert_non_null(record);
	assert_int_equal(lives_from_record(record, ret), 0);
	json_decref(record);
}

static void test_each_field_comes_back(void **state)
{
	Lives before, after = { 0 };
	const Life *first, *last;

	make(&before);
	read_back(&before, &after);
	check_equal(&before, &after);

	assert_int_equal(after.n, 2);
	assert_int_equal(after.n_kept, 2);
	assert_int_equal(after.crashes.n, 3);
	assert_true(after.crashes.usec[0] == 7 * SEC && after.crashes.usec[2] == 160 * SEC);
	assert_int_equal(after.asked_by, LIFE_ASKED_BY_SIGNAL);
	assert_true(after.last_ended_usec == 160 * SEC);
	assert_true(after.neighbour_spoke && after.may_be_mute && after.lost_backend &&
		    after.ignored_power_off);

	first = &after.kept[0];
	assert_int_equal(first->number, 1);
	assert_true(first->began.usec == 100 * SEC && first->began.realtime_usec == 5000 * SEC);
	assert_true(first->ended.usec == 160 * SEC && first->ended.console_bytes == 500);
	assert_int_equal(first->end, LIFE_PANIC);
	assert_int_equal(first->asked_by, LIFE_ASKED_BY_NOBODY);
	assert_int_equal(guest_words_death(&first->words), GUEST_PANIC);
	assert_string_equal(guest_words_text(&first->words), "Kernel panic - not syncing: x");
	assert_int_equal(first->words.lines_since, 1);
	assert_int_equal(first->devices.n, 2);
	assert_string_equal(first->devices.items[1], "disk0");
	assert_string_equal(first->backend_exits.items[0], "virtiofsd[data]: exit status 0");
	assert_string_equal(first->last_words, "bye");
	assert_false(first->unheard);

	last = lives_last(&after);
	assert_int_equal(last->end, LIFE_GOES_ON);
	assert_true(last->began.console_bytes == 500);
	assert_true(last->unheard);
	assert_null(last->last_words);
	lives_done(&before);
	lives_done(&after);
}

/* Who takes over counts, hears and ends as the one before would have. */
static void test_it_goes_on_from_there(void **state)
{
	LifeMoment at = { .usec = 200 * SEC, .realtime_usec = 5100 * SEC, .console_bytes = 900 };
	SpecCrashLimit third = { .count = 4, .within_usec = 600 * SEC };
	Lives before, after = { 0 };

	make(&before);
	read_back(&before, &after);
	lives_done(&before);
	assert_true(lives_hear(&after, "ne\nKernel panic - not syncing: y\n", 33));
	assert_true(lives_end(&after, &at, LIFE_POWER_OFF, &third)); /* for want of a backend */
	assert_int_equal(lives_last(&after)->end, LIFE_BACKEND_LOST);
	lives_begin(&after, &at);
	assert_int_equal(lives_last(&after)->number, 3);
	lives_done(&after);
}

static void test_as_many_as_are_kept(void **state)
{
	LifeMoment at = { .usec = SEC };
	Lives before = { 0 }, after = { 0 };

	for (unsigned i = 0; i < 3 * LIVES_CRASHES_MAX; i++) {
		lives_begin(&before, &at);
		at.usec += SEC;
		(void) lives_end(&before, &at, LIFE_VMM_EXITED, &standard);
	}
	read_back(&before, &after);
	check_equal(&before, &after);
	assert_int_equal(after.n, 3 * LIVES_CRASHES_MAX);
	assert_int_equal(after.n_kept, LIVES_KEPT);
	assert_int_equal(after.crashes.n, LIVES_CRASHES_MAX);
	lives_done(&before);
	lives_done(&after);
}

/* A life of that kind, and what comes back of it. */
static void read_back_life(const Life *life, Lives *ret)
{
	Lives before = { .n = 1, .n_kept = 1, .asked_by = life->asked_by };

	before.kept[0] = *life;
	read_back(&before, ret);
}

/* Each way to end and each who may have asked has its own word. */
static void test_each_end_comes_back(void **state)
{
	Lives after = { 0 };

	for (LifeEnd end = LIFE_GOES_ON; end < _LIFE_END_MAX; end++)
		for (LifeAsker asker = LIFE_ASKED_BY_NOBODY; asker < _LIFE_ASKER_MAX; asker++) {
			read_back_life(&(Life){ .end = end, .asked_by = asker }, &after);
			assert_int_equal(after.kept[0].end, end);
			assert_int_equal(after.kept[0].asked_by, asker);
			assert_int_equal(after.asked_by, asker);
			lives_done(&after);
		}
	for (GuestDeath death = GUEST_LIVES; death < _GUEST_DEATH_MAX; death++) {
		read_back_life(&(Life){ .words = { .death = death } }, &after);
		assert_int_equal(after.kept[0].words.death, death);
		lives_done(&after);
	}
}

/* The guest writes what it likes, and so does its VMM. */
static void test_bytes_that_are_no_text(void **state)
{
	LifeMoment at = { .usec = SEC };
	Lives before = { 0 }, after = { 0 };

	lives_begin(&before, &at);
	assert_false(lives_hear(&before, "\xff\x1b[2J\0x", 7));
	lives_last_words(&before, "\xc3(");
	lives_activated(&before, "\xff");
	read_back(&before, &after);
	assert_int_equal(after.kept[0].words.n_line, 7);
	assert_memory_equal(after.kept[0].words.line, "??[2J?x", 7);
	assert_null(after.kept[0].last_words);
	assert_int_equal(after.kept[0].devices.n, 0);
	lives_done(&before);
	lives_done(&after);
}

/* A record with a word in it that this version does not know, and one field more. */
static void test_a_newer_one_is_read(void **state)
{
	Lives before, after = { 0 };
	json_t *record, *life;

	make(&before);
	record = lives_to_record(&before);
	life = json_array_get(json_object_get(record, "kept"), 0);
	(void) json_object_set_new(life, "end", json_string("evaporated"));
	(void) json_object_set_new(life, "asked_by", json_string("the moon"));
	(void) json_object_set_new(life, "colour", json_string("red"));
	assert_int_equal(lives_from_record(record, &after), 0);
	assert_int_equal(after.kept[0].end, LIFE_UNKNOWN);
	assert_int_equal(after.kept[0].asked_by, LIFE_ASKED_BY_NOBODY);
	json_decref(record);
	lives_done(&before);
	lives_done(&after);
}

/* Without any of its numbers and lists it is damaged. */
static void test_damage_is_seen(void **state)
{
	static const char *const keys[] = { "n", "kept", "crashes_usec", "last_ended_usec" };
	static const char *const life_keys[] = { "number", "began", "ended", "words" };
	Lives before, after = { .n = 77 };
	json_t *record, *life;

	make(&before);
	for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
		record = lives_to_record(&before);
		(void) json_object_set_new(record, keys[i], json_integer(-1));
		assert_int_equal(lives_from_record(record, &after), -EUCLEAN);
		json_decref(record);
	}
	for (size_t i = 0; i < ELEMENTSOF(life_keys); i++) {
		record = lives_to_record(&before);
		life = json_array_get(json_object_get(record, "kept"), 1);
		(void) json_object_del(life, life_keys[i]);
		assert_int_equal(lives_from_record(record, &after), -EUCLEAN);
		json_decref(record);
	}
	assert_int_equal(lives_from_record(NULL, &after), -EUCLEAN);
	assert_int_equal(after.n, 77);
	lives_done(&before);
}

/* A supervisor that was away cannot tell whether the guest said anything. */
static void test_unheard_is_not_silent(void **state)
{
	LifeMoment at = { .usec = 100 * SEC };
	Lives lives = { 0 };

	lives_begin(&lives, &at);
	lives_unheard(&lives);
	at.usec += SEC;
	assert_false(life_is_silent(lives_last(&lives), 0));
	assert_false(lives_end(&lives, &at, LIFE_REBOOT, &standard));
	assert_int_equal(lives_last(&lives)->end, LIFE_REBOOT);
	lives_done(&lives);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_field_comes_back),
		cmocka_unit_test(test_it_goes_on_from_there),
		cmocka_unit_test(test_as_many_as_are_kept),
		cmocka_unit_test(test_each_end_comes_back),
		cmocka_unit_test(test_bytes_that_are_no_text),
		cmocka_unit_test(test_a_newer_one_is_read),
		cmocka_unit_test(test_damage_is_seen),
		cmocka_unit_test(test_unheard_is_not_silent),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
