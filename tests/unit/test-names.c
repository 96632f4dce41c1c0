/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/names.h"
#include "model/spec.h"

/*
 * The vectors were computed with Python (FNV-1a by its definition, base64.b32encode), not with this code;
 * mvmd.vm(5) shows the same.
 */
typedef struct Vector {
	const char *vm, *id;
	const char *tap;
	bool hashed;
	const char *mac;
	uint32_t cid;
} Vector;

#define X48 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define Y32 "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"

static const Vector vectors[] = {
	{ "web1", "net0", "vm-web1-net0", false, "02:a8:46:58:da:80", 4134498856 },
	{ "web-1", "net0", "vm-web-1-net0", false, "02:44:bb:fd:f4:51", 1816527273 },
	{ "a", "b", "vm-a-b", false, "02:19:04:68:cf:61", 1102311804 },
	{ "web12", "net0x", "vm-web12-net0x", false, "02:e3:f4:30:e0:76", 3604109214 },
	{ "database", "net0", "vm-nlixzeidwduq", true, "02:91:03:b0:e9:08", 1420066616 },
	{ "build.example", "lan_1", "vm-tedlb65iq3xm", true, "02:fb:a8:86:ee:cf", 513174821 },
	{ X48, Y32, "vm-ghqt6m246oqr", true, "02:33:5c:f3:a1:1e", 2226693539 },
};

static void test_vectors(void **state)
{
	for (size_t i = 0; i < ELEMENTSOF(vectors); i++) {
		const Vector *v = &vectors[i];
		char tap[TAP_NAME_MAX + 1], mac[MAC_TEXT_MAX];

		assert_int_equal(tap_name_derive(tap, v->vm, v->id), v->hashed);
		assert_string_equal(tap, v->tap);
		assert_string_equal(mac_format(mac, mac_derive(v->vm, v->id)), v->mac);
		assert_int_equal(cid_derive(v->vm), v->cid);
	}
}

/* No two VMs of a host have one, for no two have one CID; and each is a port that anybody may have. */
static void test_notify_ports(void **state)
{
	assert_true(notify_port_of_cid(3) == 0x80000003);
	assert_true(notify_port_of_cid(0x80000400) == 0x400);
	assert_true(notify_port_of_cid(0xfffffffe) == 0x7ffffffe);
	assert_true(notify_port_of_cid(0x800003ff) == NOTIFY_PORT);
	assert_true(notify_port_of_cid(0x7fffffff) == NOTIFY_PORT);
}

static void test_fnv(void **state)
{
	/* http://www.isthe.com/chongo/src/fnv/test_fnv.c */
	assert_true(fnv1a64("") == UINT64_C(0xcbf29ce484222325));
	assert_true(fnv1a64("a") == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(fnv1a64("foobar") == UINT64_C(0x85944171f73967e8));
	assert_true(fnv1a64("web1/net0") == UINT64_C(0x7b39b0a84658da80));
}

static void test_tap_lengths(void **state)
{
	char tap[TAP_NAME_MAX + 1];

	assert_false(tap_name_derive(tap, "web123", "net45")); /* 3 + 6 + 1 + 5 = 15 */
	assert_string_equal(tap, "vm-web123-net45");
	assert_true(tap_name_derive(tap, "web1234", "net45"));
	assert_int_equal(strlen(tap), TAP_NAME_MAX);
	assert_true(link_name_is_valid(tap));
}

static void test_mac_of_tap(void **state)
{
	char text[MAC_TEXT_MAX];

	assert_string_equal(mac_format(text, mac_of_tap(mac_derive("web1", "net0"))),
			    "fe:a8:46:58:da:80");
}

static void test_mac_parse(void **state)
{
	static const char *const wrong[] = {
		"",
		"02:00:00:00:00",
		"02:00:00:00:00:0",
		"02:00:00:00:00:001",
		"02-00-00-00-00-01",
		"02:00:00:00:00:0g",
		"0:200:00:00:00:01",
		"00:00:00:00:00:00",
		"01:00:5e:00:00:01", /* group */
		"ff:ff:ff:ff:ff:ff",
		" 2:00:00:00:00:01",
	};
	char text[MAC_TEXT_MAX];
	MacAddress mac;

	assert_true(mac_parse("02:00:5E:10:aB:01", &mac));
	assert_string_equal(mac_format(text, mac), "02:00:5e:10:ab:01");
	for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
		assert_false(mac_parse(wrong[i], &mac));
		assert_string_equal(mac_format(text, mac), "02:00:5e:10:ab:01");
	}
}

static void test_link_names(void **state)
{
	static const char *const good[] = { "br0", "a",	    "vm-web1-net0", "123456789012345",
					    "...", "br.10", "\xc3\xa4" };
	static const char *const wrong[] = {
		"",	".",	"..",  "1234567890123456", "a b", "a/b", "a:b",
		"a\tb", "a\nb", "a%d", "\xc3\xa0", /* its second byte is the kernel's no-break space */
	};

	for (size_t i = 0; i < ELEMENTSOF(good); i++)
		assert_true(link_name_is_valid(good[i]));
	for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
		assert_false(link_name_is_valid(wrong[i]));
}

static void test_vm_names(void **state)
{
	static const char *const good[] = { "a", "7", "web1", "Web-1.example", X48 };
	static const char *const wrong[] = { "",    "-a",  ".a",    "a_b",
					     "a b", "a/b", X48 "x", "\xc3\xa4" };

	for (size_t i = 0; i < ELEMENTSOF(good); i++)
		assert_true(vm_name_is_valid(good[i]));
	for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
		assert_false(vm_name_is_valid(wrong[i]));
	assert_true(spec_id_is_valid("a_b"));
	assert_true(spec_id_is_valid(Y32));
	assert_false(spec_id_is_valid(Y32 "y"));
	assert_false(spec_id_is_valid(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),	    cmocka_unit_test(test_fnv),
		cmocka_unit_test(test_tap_lengths), cmocka_unit_test(test_mac_of_tap),
		cmocka_unit_test(test_mac_parse),   cmocka_unit_test(test_link_names),
		cmocka_unit_test(test_vm_names),    cmocka_unit_test(test_notify_ports),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
