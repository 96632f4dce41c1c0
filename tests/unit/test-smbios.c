/* SPDX-License-Identifier: Apache-2.0 */
/* The strings that a guest's systemd takes as credentials. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/smbios.h"
#include "model/spec.h"

static void is_string(const char *value, size_t length, const char *expected)
{
	char *string = NULL;

	assert_int_equal(smbios_credential("name", value, length, &string), 0);
	assert_string_equal(string, expected);
	assert_int_equal(smbios_string_bytes(string), strlen(expected) + 1);
	secret_free(string);
}

static void test_plain(void **state)
{
	is_string("", 0, "io.systemd.credential:name=");
	is_string("a b=c:d/e~", 10, "io.systemd.credential:name=a b=c:d/e~");
	is_string("\"\\", 2, "io.systemd.credential:name=\"\\");
}

/* The vectors of RFC 4648, chapter 10, with a byte in them that is no printable ASCII. */
static void test_binary(void **state)
{
	is_string("\n", 1, "io.systemd.credential.binary:name=Cg==");
	is_string("o\n", 2, "io.systemd.credential.binary:name=bwo=");
	is_string("oo\n", 3, "io.systemd.credential.binary:name=b28K");
	is_string("foo\n", 4, "io.systemd.credential.binary:name=Zm9vCg==");
	is_string("\0\0\0", 3, "io.systemd.credential.binary:name=AAAA");
	is_string("\xff\xff\xff", 3, "io.systemd.credential.binary:name=////");
	is_string("\xfb\xef\xbe", 3, "io.systemd.credential.binary:name=++++");
	is_string("\x7f", 1, "io.systemd.credential.binary:name=fw==");
	is_string("\xc3\xb6", 2, "io.systemd.credential.binary:name=w7Y=");
}

static void test_json(void **state)
{
	SmbiosStrings strings = { 0 };
	char *text = NULL;

	assert_int_equal(smbios_strings_to_json(&strings, &text), 0);
	assert_string_equal(text, "[]");
	secret_free(text);

	assert_int_equal(smbios_strings_take(&strings, strdup("a")), 0);
	assert_int_equal(smbios_strings_take(&strings, strdup("\"b\\")), 0);
	assert_int_equal(smbios_strings_to_json(&strings, &text), 0);
	assert_string_equal(text, "[\"a\",\"\\\"b\\\\\"]");
	secret_free(text);
	smbios_strings_done(&strings);
	assert_int_equal(strings.n, 0);
}

/* Of systemd.exec(5), LoadCredential=, and what would end the name too early. */
static void test_names(void **state)
{
	static const char *const right[] = {
		"a", "db.password", "vmm.notify_socket",       "a b", ".a",
		"~", "...",	    "ssh.authorized_keys.root"
	};
	static const char *const wrong[] = { "",    ".",   "..",   "a/b",     "a:b",
					     "a=b", "a\n", "\x7f", "\xc3\xb6" };
	char longest[CREDENTIAL_NAME_MAX + 2];

	for (size_t i = 0; i < ELEMENTSOF(right); i++)
		assert_true(credential_name_is_valid(right[i]));
	for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
		assert_false(credential_name_is_valid(wrong[i]));
	memset(longest, 'x', sizeof(longest));
	longest[CREDENTIAL_NAME_MAX + 1] = '\0';
	assert_false(credential_name_is_valid(longest));
	longest[CREDENTIAL_NAME_MAX] = '\0';
	assert_true(credential_name_is_valid(longest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
