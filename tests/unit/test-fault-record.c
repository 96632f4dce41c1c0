/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/fault-json.h"
#include "mvmd/exit-codes.h"

static void make(Fault *fault)
{
	(void) fault_set(fault, -EBUSY, MVMD_EXIT_BUSY, "already-running", "web1 runs: %m");
	(void) fault_why(fault, "somebody started it");
	(void) fault_remedy(fault, "mvmd stop web1");
	(void) fault_evidence(fault, "pid", "%d", 17);
}

static void check_equal(const Fault *a, const Fault *b)
{
	json_t *x = fault_to_record(a), *y = fault_to_record(b);

	assert_true(json_equal(x, y));
	json_decref(x);
	json_decref(y);
}

static void test_each_field_comes_back(void **state)
{
	Fault before = { 0 }, after = { 0 };
	json_t *record;

	make(&before);
	record = fault_to_record(&before);
	assert_int_equal(fault_from_json(record, &after), 0);
	json_decref(record); /* nothing of it is needed any more */
	check_equal(&before, &after);
	assert_int_equal(after.error, -EBUSY);
	assert_int_equal(after.exit_code, MVMD_EXIT_BUSY);
	assert_string_equal(after.id, "already-running");
	assert_string_equal(after.what, "web1 runs: Device or resource busy");
	assert_string_equal(after.why, "somebody started it");
	assert_string_equal(after.remedy, "mvmd stop web1");
	assert_string_equal(fault_evidence_get(&after, "pid"), "17");
	assert_string_equal(fault_evidence_get(&after, "errno"), "EBUSY");
	fault_done(&before);
	fault_done(&after);
}

static void test_what_is_not_known_stays_so(void **state)
{
	Fault before = { 0 }, after = { 0 };
	json_t *record;

	(void) fault_set(&before, 0, MVMD_EXIT_OK, "leftovers", "cleaned up");
	record = fault_to_record(&before);
	assert_int_equal(fault_from_json(record, &after), 0);
	assert_null(after.why);
	assert_null(after.remedy);
	assert_int_equal(after.n_evidence, 0);
	json_decref(record);
	fault_done(&before);
	fault_done(&after);
}

/* As GetStatus tells it, it has no error and no exit code. */
static void test_of_data_for_people(void **state)
{
	Fault before = { 0 }, after = { 0 };
	json_t *json;

	make(&before);
	json = fault_to_json(&before);
	assert_int_equal(fault_from_json(json, &after), 0);
	assert_int_equal(after.error, 0);
	assert_int_equal(after.exit_code, 0);
	assert_string_equal(after.what, before.what);
	json_decref(json);
	fault_done(&before);
	fault_done(&after);
}

static void test_a_list_without_what_is_unknown(void **state)
{
	FaultList before = { 0 }, after = { 0 };
	Fault fault = { 0 };
	json_t *list;

	make(&fault);
	assert_int_equal(fault_list_take(&before, &fault), 0);
	(void) fault_set(&fault, 0, MVMD_EXIT_OK, "leftovers", "cleaned up");
	assert_int_equal(fault_list_take(&before, &fault), 0);
	list = fault_list_to_record(&before);
	(void) json_array_insert_new(list, 1,
				     json_pack("{s:s, s:s}", "id", "of-next-year", "what", "?"));
	assert_int_equal(fault_list_from_json(list, &after), 0);
	assert_int_equal(after.n, 2);
	check_equal(&before.items[0], &after.items[0]);
	check_equal(&before.items[1], &after.items[1]);
	json_decref(list);
	fault_list_done(&before);
	fault_list_done(&after);
}

static void test_damage_is_seen(void **state)
{
	FaultList list = { 0 };
	Fault fault = { 0 };
	json_t *json = json_pack("{s:s, s:i}", "id", "leftovers", "what", 5);

	assert_int_equal(fault_from_json(json, &fault), -EUCLEAN);
	assert_int_equal(fault_from_json(NULL, &fault), -EUCLEAN);
	assert_int_equal(fault_list_from_json(json, &list), -EUCLEAN);
	assert_null(fault.id);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_field_comes_back),
		cmocka_unit_test(test_what_is_not_known_stays_so),
		cmocka_unit_test(test_of_data_for_people),
		cmocka_unit_test(test_a_list_without_what_is_unknown),
		cmocka_unit_test(test_damage_is_seen),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
