/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fault.h"

static void add(FaultList *list, const char *what)
{
	Fault fault = { 0 };

	(void) fault_set(&fault, -1, 1, "test", "%s", what);
	assert_int_equal(fault_list_take(list, &fault), 0);
	assert_null(fault.what); /* the list has it now */
}

static void test_drop(void **state)
{
	FaultList list = { 0 };

	for (char what[] = "a"; what[0] <= 'e'; what[0]++)
		add(&list, what);
	fault_list_drop(&list, 1);
	fault_list_drop(&list, 3);
	assert_int_equal(list.n, 3);
	assert_string_equal(list.items[0].what, "a");
	assert_string_equal(list.items[1].what, "c");
	assert_string_equal(list.items[2].what, "d");
	add(&list, "f");
	assert_string_equal(list.items[3].what, "f");
	fault_list_done(&list);
}

/* An errno in the text is that of the fault, whatever happened since. */
static void test_words_of_an_error(void **state)
{
	Fault fault = { 0 };

	errno = ENOENT;
	assert_int_equal(fault_set(&fault, -EACCES, 77, "test", "cannot open it: %m"), -EACCES);
	errno = ENOENT;
	assert_int_equal(fault_why(&fault, "%m"), -EACCES);
	assert_string_equal(fault.what, "cannot open it: Permission denied");
	assert_string_equal(fault.why, "Permission denied");
	assert_int_equal(fault_prefix(&fault, "disk %s", "a"), -EACCES);
	assert_string_equal(fault.what, "disk a: cannot open it: Permission denied");
	fault_done(&fault);
	assert_null(fault.what);
}

static void test_evidence(void **state)
{
	Fault fault = { 0 }, copy = { 0 };

	(void) fault_set(&fault, -EACCES, 77, "test", "cannot open it: %m");
	assert_string_equal(fault_evidence_get(&fault, "errno"), "EACCES");
	assert_int_equal(fault_evidence(&fault, "path", "/%s", "a"), -EACCES);
	(void) fault_evidence(&fault, "path", "/%s", "b");
	assert_int_equal(fault.n_evidence, 2);
	assert_string_equal(fault_evidence_get(&fault, "path"), "/b");
	assert_null(fault_evidence_get(&fault, "pat"));

	fault_copy(&copy, &fault);
	fault_done(&fault);
	assert_string_equal(fault_evidence_get(&copy, "path"), "/b");
	(void) fault_set(&copy, -EACCES, 77, "test", "another, without words");
	assert_int_equal(copy.n_evidence, 0); /* it goes with what it belongs to */
	fault_done(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_words_of_an_error),
		cmocka_unit_test(test_evidence),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
