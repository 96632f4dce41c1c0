/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/fuzz-spec.c"
#include "fuzz/replay.h"

static void test_corpus(void **state)
{
	assert_true(replay_all("tests/fuzz/corpus") > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_corpus) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
