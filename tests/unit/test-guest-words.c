/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/guest-words.h"

#define PANIC "Kernel panic - not syncing: "

static bool hear(GuestWords *words, const char *text)
{
	return guest_words_hear(words, text, strlen(text));
}

static void test_with_and_without_a_time_stamp(void **state)
{
	GuestWords words = { 0 };

	assert_false(hear(&words, "Linux version 6.12.0\r\nBooting\r\n"));
	assert_true(hear(&words, "[    1.234567] " PANIC "Fatal exception\r\n"));
	assert_int_equal(guest_words_death(&words), GUEST_PANIC);
	assert_string_equal(words.text, PANIC "Fatal exception");
	words = (GuestWords){ 0 };
	assert_true(hear(&words, "[12345.000001] " PANIC "No working init found.  Try\n"));
	assert_int_equal(guest_words_death(&words), GUEST_NO_INIT);
	words = (GuestWords){ 0 };
	assert_true(
		hear(&words, "Gave up waiting for root file system device.  Common problems:\n"));
	assert_int_equal(guest_words_death(&words), GUEST_NO_ROOT);
}

/* A serial line hands bytes on one by one. */
static void test_byte_by_byte(void **state)
{
	const char text[] = PANIC "VFS: Unable to mount root fs on unknown-block(0,0)\n";
	GuestWords words = { 0 };

	for (size_t i = 0; i < strlen(text) - 1; i++)
		assert_false(guest_words_hear(&words, text + i, 1));
	assert_true(hear(&words, "\n"));
	assert_int_equal(guest_words_death(&words), GUEST_NO_ROOT);
	assert_false(hear(&words, text)); /* the first counts */
}

/* Somebody who writes about it does not panic. */
static void test_only_where_a_line_begins(void **state)
{
	GuestWords words = { 0 };

	assert_false(hear(&words, "root@web1:~# echo '" PANIC "x'\n> " PANIC "\n"));
	assert_false(hear(&words, "[x] " PANIC "y\nKernel panic\n[ 1.0]" PANIC "z\n"));
	assert_int_equal(guest_words_death(&words), GUEST_LIVES);
}

/* A trace follows a panic; who goes on and on was only shown an old log. */
static void test_it_goes_on_talking(void **state)
{
	GuestWords words = { 0 };

	(void) hear(&words, PANIC "Fatal exception\n");
	for (int i = 0; i < 100; i++)
		(void) hear(&words, "RIP: 0010:something\n");
	assert_int_equal(guest_words_death(&words), GUEST_PANIC);
	for (int i = 0; i < 1000; i++)
		(void) hear(&words, "Nov 22 06:00:00 web1 sshd: hello\n");
	assert_int_equal(guest_words_death(&words), GUEST_LIVES);
	assert_string_equal(guest_words_text(&words), "");
}

/* After an old log that somebody looked at, the kernel really dies; of the one life that is told once. */
static void test_the_real_one_after_an_old_log(void **state)
{
	GuestWords words = { 0 };

	assert_true(hear(&words, PANIC "of last week\n"));
	for (int i = 0; i < 1000; i++)
		(void) hear(&words, "Nov 22 06:00:00 web1 sshd: hello\n");
	assert_false(hear(&words, PANIC "Out of memory: compulsory panic_on_oom is enabled\n"));
	assert_int_equal(guest_words_death(&words), GUEST_OUT_OF_MEMORY);
	assert_string_equal(guest_words_text(&words),
			    PANIC "Out of memory: compulsory panic_on_oom is enabled");
}

/* A guest may write what it likes: endless lines, and what would upset a terminal. */
static void test_hostile_bytes(void **state)
{
	GuestWords words = { 0 };

	for (int i = 0; i < 10000; i++)
		(void) hear(&words, "aaaaaaaaaa");
	assert_false(hear(&words, "\n"));
	assert_true(hear(&words, PANIC "\033]0;title\007\xff\n"));
	assert_string_equal(words.text, PANIC "?]0;title??");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_with_and_without_a_time_stamp),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_only_where_a_line_begins),
		cmocka_unit_test(test_it_goes_on_talking),
		cmocka_unit_test(test_the_real_one_after_an_old_log),
		cmocka_unit_test(test_hostile_bytes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
