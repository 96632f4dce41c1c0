/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/problem.h"

/* What is printed for one problem in the line 'excerpt', at that column. */
static void text_one(const char *excerpt, size_t column, const char *expected)
{
	char file[] = "web1.json", pointer[] = "/cpus", text[] = "is wrong";
	_cleanup_free_ char *line = strdup(excerpt), *printed = NULL;
	Problems problems = { 0 };
	const Problem problem = {
		.rule = "number",
		.file = file,
		.line = 3,
		.column = column,
		.pointer = pointer,
		.text = text,
		.excerpt = line,
	};

	assert_int_equal(problems_add(&problems, &problem, strlen(excerpt)), 0);
	assert_int_equal(problems_to_text(&problems, true, &printed), 0);
	problems_done(&problems);
	assert_string_equal(printed, expected);
}

static void test_caret(void **state)
{
	text_one("  \"cpus\": x", 11,
		 "web1.json:3:11: /cpus: is wrong\n"
		 "      \"cpus\": x\n"
		 "              ^\n");
	/* a tab stays a tab above and below */
	text_one("\t\"cpus\": x", 10,
		 "web1.json:3:10: /cpus: is wrong\n"
		 "    \t\"cpus\": x\n"
		 "    \t        ^\n");
	/* columns are bytes, the caret stands below a character */
	text_one("\"\xc3\xa4\": x", 7,
		 "web1.json:3:7: /cpus: is wrong\n"
		 "    \"\xc3\xa4\": x\n"
		 "         ^\n");
	/* behind the end of the line */
	text_one("{", 2,
		 "web1.json:3:2: /cpus: is wrong\n"
		 "    {\n"
		 "     ^\n");
}

/* Nothing of a file reaches the terminal as a command to it. */
static void test_control_characters(void **state)
{
	text_one("a\033[31m\177\xc2\x9b\xff x", 11,
		 "web1.json:3:11: /cpus: is wrong\n"
		 "    a?[31m???? x\n"
		 "              ^\n");
}

static void test_long_line(void **state)
{
	_cleanup_free_ char *line = malloc(100001), *printed = NULL;
	char file[] = "web1.json", pointer[] = "", text[] = "is wrong";
	Problems problems = { 0 };
	const Problem problem = {
		.rule = "number",
		.file = file,
		.line = 1,
		.column = 50001,
		.pointer = pointer,
		.text = text,
		.excerpt = line,
	};

	assert_non_null(line);
	memset(line, 'x', 100000);
	line[50000] = '!';
	assert_int_equal(problems_add(&problems, &problem, 100000), 0);
	assert_true(strlen(problems.items[0].excerpt) < 200);
	assert_int_equal(problems.items[0].excerpt[problems.items[0].caret], '!');
	assert_int_equal(problems_to_text(&problems, false, &printed), 0);
	assert_string_equal(printed, "web1.json:1:50001: is wrong\n");
	problems_done(&problems);
}

static void test_order(void **state)
{
	static const struct {
		size_t document, line, column;
		const char *pointer;
	} unsorted[] = {
		{ 1, 1, 1, "/e" }, { 0, 2, 1, "/d" }, { 0, 1, 9, "/c" },
		{ 0, 1, 2, "/b" }, { 0, 1, 2, "/a" }, { 0, 0, 0, "/first" },
	};
	static const char *const sorted[] = { "/first", "/a", "/b", "/c", "/d", "/e" };
	char file[] = "f", text[] = "t";
	Problems problems = { 0 };

	for (size_t i = 0; i < ELEMENTSOF(unsorted); i++) {
		_cleanup_free_ char *pointer = strdup(unsorted[i].pointer);
		const Problem problem = {
			.rule = "number",
			.document = unsorted[i].document,
			.file = file,
			.line = unsorted[i].line,
			.column = unsorted[i].column,
			.pointer = pointer,
			.text = text,
		};

		assert_int_equal(problems_add(&problems, &problem, 0), 0);
	}
	problems_sort(&problems, 0);
	for (size_t i = 0; i < ELEMENTSOF(sorted); i++)
		assert_string_equal(problems.items[i].pointer, sorted[i]);
	problems_done(&problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_caret),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_order),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
