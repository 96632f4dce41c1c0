/* SPDX-License-Identifier: Apache-2.0 */
/* host.conf. What is wrong in one is told by the golden files in tests/spec. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/host-conf.h"

static int parse(const char *text, HostConf *ret, Problems *problems)
{
	static char file[] = "host.conf";
	_cleanup_free_ char *copy = strdup(text);
	const SpecDoc doc = {
		.role = SPEC_DOC_MAIN,
		.file = file,
		.text = copy,
		.length = strlen(text),
	};

	assert_non_null(copy);
	return host_conf_parse(&doc, ret, problems);
}

/* A text that is right gives this range. */
static void assert_range(const char *text, uint64_t first, uint64_t count)
{
	Problems problems = { 0 };
	HostConf conf = { 0 };

	assert_int_equal(parse(text, &conf, &problems), 0);
	assert_int_equal(problems.n, 0);
	assert_true(conf.uid_range.first == first);
	assert_true(conf.uid_range.count == count);
	host_conf_done(&conf);
}

static void test_no_file(void **state)
{
	Problems problems = { 0 };
	HostConf conf = { 0 };

	assert_int_equal(host_conf_parse(NULL, &conf, &problems), 0);
	assert_true(conf.uid_range.first == 400000);
	assert_true(conf.uid_range.count == 65536);
	assert_true(conf.start_slots == 0);
	assert_null(conf.description);
	host_conf_done(&conf);
}

static void test_start_slots(void **state)
{
	Problems problems = { 0 };
	HostConf conf = { 0 };

	assert_int_equal(parse("{ \"start_slots\": 3 }", &conf, &problems), 0);
	assert_true(conf.start_slots == 3);
	host_conf_done(&conf);
	assert_int_equal(parse("{ \"start_slots\": null }", &conf, &problems), 0);
	assert_true(conf.start_slots == 0);
	host_conf_done(&conf);
}

static void test_ranges(void **state)
{
	assert_range("{}", 400000, 65536);
	assert_range("{ \"uid_range\": {} }", 400000, 65536);
	assert_range("{ \"uid_range\": null }", 400000, 65536);
	assert_range("{ \"uid_range\": { \"first\": 700000 } }", 700000, 65536);
	assert_range("{ \"uid_range\": { \"count\": 1 } }", 400000, 1);
	assert_range("{ \"uid_range\": { \"first\": 65536, \"count\": null } }", 65536, 65536);
	assert_range("{ \"uid_range\": { \"first\": 4294967294, \"count\": 1 } }", 4294967294, 1);
	assert_range("{ \"uid_range\": { \"first\": 65533, \"count\": 1 } }", 65533, 1);
}

/* There is no VM whose name a percent sign could stand for. */
static void test_text(void **state)
{
	Problems problems = { 0 };
	HostConf conf = { 0 };

	assert_int_equal(
		parse("{ \"$schema\": \"%x\", \"description\": \"%n %% 5%\" }", &conf, &problems),
		0);
	assert_string_equal(conf.schema, "%x");
	assert_string_equal(conf.description, "%n %% 5%");
	host_conf_done(&conf);
}

/* What was there before is neither read nor lost. */
static void test_wrong(void **state)
{
	Problems problems = { 0 };
	HostConf conf = { .uid_range = { .first = 5, .count = 6 } };

	assert_int_equal(parse("{ \"uid_range\": { \"first\": 7 } }", &conf, &problems), -EINVAL);
	assert_int_equal(problems.n, 1);
	assert_string_equal(problems.items[0].rule, "out-of-range");
	assert_true(conf.uid_range.first == 5 && conf.uid_range.count == 6);
	problems_done(&problems);
}

/* A range is not judged where a part of it could not be read. */
static void test_no_follow_ups(void **state)
{
	Problems problems = { 0 };
	HostConf conf = { 0 };

	assert_int_equal(parse("{ \"uid_range\": { \"first\": 4294967294, \"count\": \"1\" } }",
			       &conf, &problems),
			 -EINVAL);
	assert_int_equal(
		parse("{ \"uid_range\": { \"first\": 65534, \"cuont\": 1 } }", &conf, &problems),
		-EINVAL);
	assert_int_equal(problems.n, 2);
	assert_string_equal(problems.items[0].rule, "wrong-type");
	assert_string_equal(problems.items[1].rule, "unknown-key");
	problems_done(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_file), cmocka_unit_test(test_start_slots),
		cmocka_unit_test(test_ranges),	cmocka_unit_test(test_text),
		cmocka_unit_test(test_wrong),	cmocka_unit_test(test_no_follow_ups),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
