/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of qemu-bridge-helper's access file, as its own source reads them (qemu-bridge-helper.c: parse_acl_file).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/util.h"
#include "model/bridge-acl.h"

static void split_one(const char *text, AclWord wanted, const char *wanted_argument)
{
	char line[BRIDGE_ACL_LINE_BYTES];
	const char *argument = "untouched";

	(void) snprintf(line, sizeof(line), "%s", text);
	assert_int_equal(bridge_acl_split(line, &argument), wanted);
	assert_string_equal(argument, wanted_argument);
}

static void test_lines(void **state)
{
	split_one("allow br0\n", ACL_ALLOW, "br0");
	split_one("deny br0\n", ACL_DENY, "br0");
	split_one("include /etc/qemu/alice.conf\n", ACL_INCLUDE, "/etc/qemu/alice.conf");
	split_one("allow br0", ACL_ALLOW, "br0"); /* the last line, without its end */
	split_one("  allow \t br0 \r\n", ACL_ALLOW, "br0");
	split_one("allow\tbr0\n", ACL_ALLOW, "br0");
	split_one("allow \n", ACL_ALLOW, ""); /* nothing is allowed, and nothing is wrong */
	split_one("allow br0 br1\n", ACL_ALLOW, "br0 br1"); /* one name, that no bridge has */
}

static void test_lines_that_are_none(void **state)
{
	split_one("\n", ACL_NOTHING, "untouched");
	split_one("   \t\n", ACL_NOTHING, "untouched");
	split_one("# allow br0\n", ACL_NOTHING, "untouched");
	split_one("  # allow br0\n", ACL_NOTHING, "untouched");
}

static void test_wrong_lines(void **state)
{
	split_one("allow\n", ACL_WRONG, "untouched");
	split_one("permit br0\n", ACL_WRONG, "untouched");
	split_one("Allow br0\n", ACL_WRONG, "untouched");
	split_one("br0\n", ACL_WRONG, "untouched");
	/* The word ends at the first space, wherever a tab is. */
	split_one("allow\tbr0 # mine\n", ACL_WRONG, "untouched");
}

static void test_names(void **state)
{
	assert_true(bridge_acl_means("br0", "br0"));
	assert_true(bridge_acl_means("all", "br0"));
	assert_false(bridge_acl_means("br0", "br01"));
	assert_false(bridge_acl_means("br01", "br0"));
	assert_false(bridge_acl_means("", "br0"));
	assert_false(bridge_acl_means("br0 br1", "br0"));
	/* The helper keeps 15 letters of a name, as many as a link's has. */
	assert_true(bridge_acl_means("br-of-the-office", "br-of-the-offic"));
	assert_false(bridge_acl_means("br-of-the-offic", "br-of-the-offi"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lines_that_are_none),
		cmocka_unit_test(test_wrong_lines),
		cmocka_unit_test(test_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
