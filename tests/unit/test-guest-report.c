/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest says of itself, and what a hostile one might. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "model/guest-report.h"

static unsigned hear(GuestReport *report, const char *message)
{
	return guest_report_read(report, message, strlen(message));
}

/* As systemd 257 sends it (systemd(1), "vmm.notify_socket"). */
static void test_a_boot(void **state)
{
	GuestReport report;

	guest_report_init(&report);
	assert_false(report.ready);
	assert_int_equal(hear(&report, "X_SYSTEMD_HOSTNAME=web1"), 0);
	assert_int_equal(hear(&report, "X_SYSTEMD_UNIT_ACTIVE=sysinit.target\n"), 0);
	assert_int_equal(hear(&report, "X_SYSTEMD_UNIT_ACTIVE=basic.target\n"), 0);
	assert_int_equal(hear(&report, "READY=1\nSTATUS=Startup finished.\n"),
			 GUEST_NEWS_READY | GUEST_NEWS_STATUS);
	assert_true(report.ready);
	assert_string_equal(report.hostname, "web1");
	assert_string_equal(report.status, "Startup finished.");
	assert_int_equal(report.n_units, 2);
	assert_string_equal(report.units[1], "basic.target");
	assert_int_equal(report.exit_status, -1);
	assert_true(report.n_messages == 4);

	assert_int_equal(hear(&report, "READY=1\nSTATUS=Startup finished."), 0);
	assert_int_equal(hear(&report, "X_SYSTEMD_UNIT_INACTIVE=sysinit.target"), 0);
	assert_int_equal(report.n_units, 1);
	assert_string_equal(report.units[0], "basic.target");
	assert_int_equal(hear(&report, "EXIT_STATUS=3\nX_SYSTEMD_SHUTDOWN=reboot\n"), 0);
	assert_int_equal(report.exit_status, 3);
	assert_string_equal(report.shutdown, "reboot");
}

static void test_a_new_life(void **state)
{
	GuestReport report;

	guest_report_init(&report);
	assert_int_equal(hear(&report, "READY=1\nSTATUS=a\nEXIT_STATUS=0\nX_SYSTEMD_UNIT_ACTIVE=x"),
			 GUEST_NEWS_READY | GUEST_NEWS_STATUS);
	guest_report_new_life(&report);
	assert_false(report.ready);
	assert_string_equal(report.status, "");
	assert_int_equal(report.exit_status, -1);
	assert_int_equal(report.n_units, 0);
	assert_true(report.n_messages == 1);
	assert_int_equal(hear(&report, "READY=1"), GUEST_NEWS_READY);
}

static void test_what_is_no_news(void **state)
{
	static const char *const nothing[] = { "",	   "\n\n",     "READY",	  "READY=",
					       "READY=0",  "READY=11", "ready=1", " READY=1",
					       "READYX=1", "=",	       "STATUS",  "X=READY=1" };
	GuestReport report;

	guest_report_init(&report);
	for (size_t i = 0; i < ELEMENTSOF(nothing); i++)
		assert_int_equal(hear(&report, nothing[i]), 0);
	assert_false(report.ready);
	(void) hear(&report, "EXIT_STATUS=256\n");
	assert_int_equal(report.exit_status, -1);
	(void) hear(&report, "EXIT_STATUS=-1\nEXIT_STATUS=\nEXIT_STATUS=1x");
	assert_int_equal(report.exit_status, -1);
}

/* A terminal obeys none of it, and nothing is longer than its place. */
static void test_a_hostile_guest(void **state)
{
	static const char escape[] = "STATUS=a\033[2J\0b\r\x9b";
	char text[8192] = "STATUS=", unit[64];
	GuestReport report;

	guest_report_init(&report);
	assert_int_equal(guest_report_read(&report, escape, sizeof(escape) - 1), GUEST_NEWS_STATUS);
	assert_string_equal(report.status, "a?[2J?b??");

	memset(text + 7, 'x', sizeof(text) - 7);
	(void) guest_report_read(&report, text, sizeof(text));
	assert_int_equal(strlen(report.status), GUEST_WORD_MAX);

	for (int i = 0; i < 1000; i++) {
		(void) snprintf(unit, sizeof(unit), "X_SYSTEMD_UNIT_ACTIVE=%d.target", i);
		(void) hear(&report, unit);
	}
	assert_int_equal(report.n_units, GUEST_UNITS_MAX);
	assert_string_equal(report.units[GUEST_UNITS_MAX - 1], "999.target");
	assert_string_equal(report.units[0], "984.target");
	(void) hear(&report, "X_SYSTEMD_UNIT_ACTIVE=990.target");
	assert_int_equal(report.n_units, GUEST_UNITS_MAX);
	assert_string_equal(report.units[GUEST_UNITS_MAX - 1], "990.target");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_boot),
		cmocka_unit_test(test_a_new_life),
		cmocka_unit_test(test_what_is_no_news),
		cmocka_unit_test(test_a_hostile_guest),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
