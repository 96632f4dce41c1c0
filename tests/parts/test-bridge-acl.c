/* SPDX-License-Identifier: Apache-2.0 */
/* Access files of qemu-bridge-helper with what they include: the verdict, and the line that it is by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "host/bridge-acl.h"

static char folder[] = "/tmp/mvmd-test-XXXXXX";
static char main_file[64], more_file[64];

static int setup(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	(void) snprintf(main_file, sizeof(main_file), "%s/bridge.conf", folder);
	(void) snprintf(more_file, sizeof(more_file), "%s/more.conf", folder);
	return 0;
}

static int teardown(void **state)
{
	(void) unlink(main_file);
	(void) unlink(more_file);
	return rmdir(folder);
}

/* The text before the name of the other file, and the one after it. */
static void put(const char *path, const char *before, const char *other, const char *after)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fprintf(file, "%s%s%s", before, other, after) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* path NULL: no line decides. */
static void verdict_is(AclVerdict verdict, const char *path, unsigned line, const char *text)
{
	AclFact fact = { 0 };

	assert_int_equal(bridge_acl_look(main_file, "br0", &fact), 0);
	assert_int_equal(fact.verdict, verdict);
	assert_true(streq_null(fact.file, path));
	assert_int_equal(fact.line, line);
	assert_true(streq_null(fact.text, text));
	acl_fact_done(&fact);
}

static void test_no_file(void **state)
{
	(void) unlink(main_file);
	verdict_is(ACL_MISSING, NULL, 0, NULL);
}

static void test_which_line(void **state)
{
	put(main_file, "# ours\n\nallow br1\nallow br0\nallow all\n", "", "");
	verdict_is(ACL_ALLOWED, main_file, 4, "allow br0");
	put(main_file, "allow br1\ndeny br2\n", "", "");
	verdict_is(ACL_NOT_ALLOWED, NULL, 0, NULL);
	put(main_file, "", "", "");
	verdict_is(ACL_NOT_ALLOWED, NULL, 0, NULL);
}

static void test_deny_stands_against_all(void **state)
{
	put(main_file, "deny br0\nallow br0\n", "", "");
	verdict_is(ACL_DENIED, main_file, 1, "deny br0");
	put(main_file, "allow all\ndeny all\ndeny br0\n", "", "");
	verdict_is(ACL_DENIED, main_file, 2, "deny all");
}

static void test_included(void **state)
{
	put(main_file, "include ", more_file, "\n");
	put(more_file, "\n  allow br0\n", "", "");
	verdict_is(ACL_ALLOWED, more_file, 2, "  allow br0");
	put(main_file, "allow br0\ninclude ", more_file, "\n");
	put(more_file, "deny br0\n", "", "");
	verdict_is(ACL_DENIED, more_file, 1, "deny br0");
	(void) unlink(more_file);
	verdict_is(ACL_ALLOWED, main_file, 1, "allow br0");
}

static void test_wrong_lines(void **state)
{
	put(main_file, "allow br0\nbr0\ndeny br0\n", "", "");
	verdict_is(ACL_BROKEN, main_file, 2, "br0");
	/* What an included file has before its wrong line counts, what comes after it does not. */
	put(main_file, "include ", more_file, "\n");
	put(more_file, "allow br0\nbr0\ndeny br0\n", "", "");
	verdict_is(ACL_ALLOWED, more_file, 1, "allow br0");
}

static void test_a_file_that_includes_itself(void **state)
{
	put(main_file, "include ", main_file, "\nallow br0\n");
	verdict_is(ACL_ALLOWED, main_file, 2, "allow br0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_which_line),
		cmocka_unit_test(test_deny_stands_against_all),
		cmocka_unit_test(test_included),
		cmocka_unit_test(test_wrong_lines),
		cmocka_unit_test(test_a_file_that_includes_itself),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
