/* SPDX-License-Identifier: Apache-2.0 */
/* "did you mean": how far two words are from each other, and which is the nearest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"

static void edits_are_counted(_unused_ void **state)
{
	assert_int_equal(edit_distance("", ""), 0);
	assert_int_equal(edit_distance("", "abc"), 3);
	assert_int_equal(edit_distance("web1", "web1"), 0);
	assert_int_equal(edit_distance("web1", "web12"), 1);
	assert_int_equal(edit_distance("web1", "eb1"), 1);
	assert_int_equal(edit_distance("web1", "wab1"), 1);
	assert_int_equal(edit_distance("kitten", "sitting"), 3);
}

static void neighbours_that_changed_places_are_one(_unused_ void **state)
{
	assert_int_equal(edit_distance("wbe1", "web1"), 1);
	assert_int_equal(edit_distance("ewb1", "web1"), 1);
	assert_int_equal(edit_distance("we1b", "web1"), 1);
	assert_int_equal(edit_distance("cupsm", "cpusm"), 1);
	assert_int_equal(edit_distance("ewb2", "web1"), 2);
	assert_int_equal(edit_distance("abcd", "badc"), 2);
	assert_int_equal(edit_distance("abc", "cba"), 2);
}

static void nearest_is_found(_unused_ void **state)
{
	static const char *const names[] = { "db", "web10", "web1", "mail" };

	assert_string_equal(nearest_name("wbe1", names, ELEMENTSOF(names)), "web1");
	assert_string_equal(nearest_name("web11", names, ELEMENTSOF(names)), "web10");
	assert_string_equal(nearest_name("bd", names, ELEMENTSOF(names)), "db");
	assert_null(nearest_name("proxy", names, ELEMENTSOF(names)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edits_are_counted),
		cmocka_unit_test(neighbours_that_changed_places_are_one),
		cmocka_unit_test(nearest_is_found),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
