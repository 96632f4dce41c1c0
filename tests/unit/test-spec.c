/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/spec.h"

#define KERNEL "\"boot\": { \"kernel\": \"/k\" }"

/* Parses up to three texts as template (may be NULL), main file and drop-in (may be NULL). */
static int parse(const char *template, const char *main_text, const char *drop_in, Spec **ret,
		 Problems *problems)
{
	static char files[][16] = { "t.json", "web1.json", "d.json" };
	const char *const texts[] = { template, main_text, drop_in };
	SpecDoc docs[ELEMENTSOF(texts)] = { 0 };
	size_t n = 0;
	int r;

	for (size_t i = 0; i < ELEMENTSOF(texts); i++)
		if (texts[i]) {
			docs[n] = (SpecDoc){ .role = (SpecDocRole) i, .file = files[i] };
			docs[n].text = strdup(texts[i]);
			assert_non_null(docs[n].text);
			docs[n].length = strlen(texts[i]);
			n++;
		}
	r = spec_parse(docs, n, "web1", ret, problems);
	for (size_t i = 0; i < n; i++)
		free(docs[i].text);
	return r;
}

/* A spec that must be right. */
static Spec *parse_ok(const char *template, const char *main_text, const char *drop_in)
{
	Problems problems = { 0 };
	Spec *spec = NULL;
	int r = parse(template, main_text, drop_in, &spec, &problems);

	if (problems.n > 0)
		print_error("# %s: %s\n", problems.items[0].pointer, problems.items[0].text);
	problems_done(&problems);
	assert_int_equal(r, 0);
	assert_non_null(spec);
	return spec;
}

static void test_defaults(void **state)
{
	_cleanup_(spec_free_p) Spec *spec = parse_ok(NULL, "{" KERNEL "}", NULL);

	assert_string_equal(spec->name, "web1");
	assert_string_equal(spec->file, "web1.json");
	assert_int_equal(spec->vmm, VMM_AUTO);
	assert_int_equal(spec->accel, ACCEL_AUTO);
	assert_string_equal(spec->boot.kernel, "/k");
	assert_int_equal(spec->cpus, 1);
	assert_true(spec->memory.size_bytes == 512 * MIB);
	assert_int_equal(spec->memory.hugepages, HUGE_PAGES_NONE);
	assert_int_equal(spec->memory.shared, TRISTATE_UNSET);
	assert_int_equal(spec->n_disks + spec->n_interfaces + spec->n_shares + spec->n_owners, 0);
	assert_false(spec->has_vsock);
	assert_null(spec->user);
	assert_true(spec->timeouts.bridge_usec == 30 * USEC_PER_SEC);
	assert_true(spec->timeouts.backend_usec == 30 * USEC_PER_SEC);
	assert_true(spec->timeouts.boot_usec == 90 * USEC_PER_SEC);
	assert_true(spec->timeouts.guest_usec == 90 * USEC_PER_SEC);
	assert_true(spec->timeouts.stop_usec == 90 * USEC_PER_SEC);
	assert_true(spec->crash_limit.count == 5);
	assert_true(spec->crash_limit.within_usec == 600 * USEC_PER_SEC);
	assert_false(spec_needs_shared_memory(spec));
}

static void test_device_defaults(void **state)
{
	_cleanup_(spec_free_p) Spec *spec = parse_ok(
		NULL,
		"{" KERNEL ", \"disks\": [ { \"id\": \"a\", \"path\": \"/a\" } ],"
		"\"interfaces\": [ { \"id\": \"n\", \"bridge\": \"br0\" } ],"
		"\"shares\": [ { \"tag\": \"data\", \"source\": \"/d\" } ], \"vsock\": {} }",
		NULL);

	assert_int_equal(spec->disks[0].format, DISK_RAW);
	assert_int_equal(spec->disks[0].backend, DISK_BY_VMM);
	assert_false(spec->disks[0].readonly);
	assert_null(spec->disks[0].serial);
	assert_null(spec->interfaces[0].tap);
	assert_null(spec->interfaces[0].mac);
	assert_int_equal(spec->interfaces[0].mtu, 0);
	assert_int_equal(spec->interfaces[0].queues, 1);
	assert_string_equal(spec->shares[0].id, "data");
	assert_null(spec->shares[0].user);
	assert_true(spec->has_vsock);
	assert_int_equal(spec->vsock.cid, 0);
	assert_true(spec_needs_shared_memory(spec)); /* for the share */
}

/* Sizes and times: every unit, and the two ends of the range. */
static void test_quantities(void **state)
{
	static const struct {
		const char *memory;
		uint64_t bytes;
	} sizes[] = {
		{ "16777216B", 16777216 }, { "16384KiB", 16777216 },	{ "512MiB", 536870912 },
		{ "3GiB", 3221225472 },	   { "16TiB", 17592186044416 },
	};
	static const struct {
		const char *stop;
		uint64_t usec;
	} times[] = {
		{ "100000us", 100000 }, { "100ms", 100000 },	{ "5s", 5000000 },
		{ "2min", 120000000 },	{ "24h", 86400000000 },
	};

	for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
		_cleanup_free_ char *text =
			str_printf("{" KERNEL ", \"memory\": \"%s\" }", sizes[i].memory);
		_cleanup_(spec_free_p) Spec *spec = parse_ok(NULL, text, NULL);

		assert_true(spec->memory.size_bytes == sizes[i].bytes);
	}
	for (size_t i = 0; i < ELEMENTSOF(times); i++) {
		_cleanup_free_ char *text = str_printf(
			"{" KERNEL ", \"timeouts\": { \"stop\": \"%s\" } }", times[i].stop);
		_cleanup_(spec_free_p) Spec *spec = parse_ok(NULL, text, NULL);

		assert_true(spec->timeouts.stop_usec == times[i].usec);
		assert_true(spec->timeouts.boot_usec == 90 * USEC_PER_SEC);
	}
}

static void test_shared_memory(void **state)
{
	static const struct {
		const char *more;
		bool shared;
	} cases[] = {
		{ "\"memory\": { \"size\": \"1GiB\", \"shared\": true }", true },
		{ "\"memory\": { \"size\": \"1GiB\", \"shared\": false }", false },
		{ "\"disks\": [ { \"id\": \"a\", \"path\": \"/a\" } ]", false },
		{ "\"disks\": [ { \"id\": \"a\", \"socket\": \"/a\" } ]", true },
		{ "\"disks\": [ { \"id\": \"a\", \"path\": \"/a\", \"backend\": "
		  "\"storage-daemon\" } ]",
		  true },
		{ "\"shares\": [ { \"tag\": \"a\", \"socket\": \"/a\" } ]", true },
		{ "\"interfaces\": [ { \"id\": \"a\", \"bridge\": \"br0\" } ]", false },
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_free_ char *text = str_printf("{" KERNEL ", %s }", cases[i].more);
		_cleanup_(spec_free_p) Spec *spec = parse_ok(NULL, text, NULL);

		assert_int_equal(spec_needs_shared_memory(spec), cases[i].shared);
	}
}

/* RFC 7396: members merge, null takes away, anything else replaces. */
static void test_merge_members(void **state)
{
	_cleanup_(spec_free_p) Spec *spec = parse_ok(
		"{ \"boot\": { \"kernel\": \"/t\", \"cmdline\": \"t\" }, \"cpus\": 8,"
		"  \"memory\": { \"size\": \"1GiB\", \"hugepages\": \"2MiB\" },"
		"  \"owners\": [ { \"user\": \"a\" }, { \"user\": \"b\" } ], \"vsock\": {} }",
		"{ \"template\": \"t\", \"boot\": { \"kernel\": \"/m\" }, \"cpus\": null,"
		"  \"memory\": \"2GiB\", \"owners\": [ { \"group\": \"c\" } ] }",
		"{ \"boot\": { \"cmdline\": null }, \"vsock\": null, \"memory\": { \"size\": \"3GiB\" "
		"} }");

	assert_string_equal(spec->boot.kernel, "/m");
	assert_null(spec->boot.cmdline);
	assert_int_equal(spec->cpus, 1);
	assert_true(spec->memory.size_bytes == 3 * GIB);
	assert_int_equal(spec->memory.hugepages, HUGE_PAGES_NONE); /* "2GiB" replaced the object */
	assert_int_equal(spec->n_owners, 1);
	assert_string_equal(spec->owners[0].group, "c");
	assert_false(spec->has_vsock);
	assert_string_equal(spec->template_name, "t");
}

/* Lists with ids: the same is merged, at its old place; a new one comes last; remove removes. */
static void test_merge_lists(void **state)
{
	_cleanup_(spec_free_p) Spec *spec = parse_ok(
		"{" KERNEL
		", \"disks\": [ { \"id\": \"a\", \"path\": \"/ta\", \"readonly\": true },"
		"  { \"id\": \"b\", \"path\": \"/tb\" }, { \"id\": \"c\", \"path\": \"/tc\" } ],"
		"  \"shares\": [ { \"tag\": \"s\", \"source\": \"/ts\" } ] }",
		"{ \"disks\": [ { \"id\": \"d\", \"path\": \"/md\" },"
		"  { \"id\": \"b\", \"remove\": true }, { \"id\": \"a\", \"path\": \"/ma\" } ] }",
		"{ \"disks\": [ { \"id\": \"b\", \"path\": \"/db\" },"
		"  { \"id\": \"a\", \"readonly\": null } ],"
		"  \"shares\": [ { \"id\": \"s\", \"readonly\": true },"
		"    { \"tag\": \"t\", \"source\": \"/dt\", \"user\": null } ] }");

	assert_int_equal(spec->n_disks, 4);
	assert_string_equal(spec->disks[0].id, "a");
	assert_string_equal(spec->disks[0].path, "/ma");
	assert_false(spec->disks[0].readonly);
	assert_string_equal(spec->disks[1].id, "c");
	assert_string_equal(spec->disks[2].id, "d");
	assert_string_equal(spec->disks[3].id, "b");
	assert_string_equal(spec->disks[3].path, "/db");
	assert_int_equal(spec->n_shares, 2);
	assert_string_equal(spec->shares[0].id, "s");
	assert_string_equal(spec->shares[0].source, "/ts");
	assert_true(spec->shares[0].readonly);
	assert_null(spec->shares[1].user);
}

static void test_percent(void **state)
{
	_cleanup_(spec_free_p) Spec *spec =
		parse_ok("{ \"boot\": { \"kernel\": \"/%n/%n\", \"cmdline\": \"100%% of %%n\" },"
			 "  \"disks\": [ { \"id\": \"%n\", \"path\": \"/t\" } ] }",
			 "{ \"disks\": [ { \"id\": \"web1\", \"path\": \"/m\" } ] }", NULL);

	assert_string_equal(spec->boot.kernel, "/web1/web1");
	assert_string_equal(spec->boot.cmdline, "100% of %n");
	assert_int_equal(spec->n_disks, 1); /* merged by what the id says */
	assert_string_equal(spec->disks[0].path, "/m");
}

static void test_escapes(void **state)
{
	_cleanup_(spec_free_p) Spec *spec = parse_ok(
		NULL,
		"{ \"\\u0062oot\": { \"kernel\": \"\\/k \\\"\\\\ \\u00e4\\ud83d\\ude00\" },"
		"\"description\": \"a\\nb\" }",
		NULL);

	assert_string_equal(spec->boot.kernel, "/k \"\\ \xc3\xa4\xf0\x9f\x98\x80");
	assert_string_equal(spec->description, "a\nb");
}

static void template_name_one(const char *text, const char *drop_in, const char *expected)
{
	static char file[] = "web1.json";
	char *texts[] = { strdup(text), drop_in ? strdup(drop_in) : NULL };
	SpecDoc docs[] = {
		{ .role = SPEC_DOC_MAIN, .file = file, .text = texts[0], .length = strlen(text) },
		{ .role = SPEC_DOC_DROP_IN, .file = file, .text = texts[1] },
	};
	char *name = NULL;

	docs[1].length = drop_in ? strlen(drop_in) : 0;
	assert_int_equal(spec_template_name(docs, drop_in ? 2 : 1, "web1", &name), 0);
	if (expected)
		assert_string_equal(name, expected);
	else
		assert_null(name);
	free(name);
	free(texts[0]);
	free(texts[1]);
}

static void test_template_name(void **state)
{
	template_name_one("{}", NULL, NULL);
	template_name_one("{ \"template\": \"small\" }", NULL, "small");
	template_name_one("{ \"template\": \"for-%n\" }", NULL, "for-web1");
	template_name_one("{ \"template\": \"small\" }", "{ \"cpus\": 2 }", "small");
	template_name_one("{ \"template\": \"small\" }", "{ \"template\": \"large\" }", "large");
	template_name_one("{ \"template\": \"small\" }", "{ \"template\": null }", NULL);
	template_name_one("{ \"template\": \"../small\" }", NULL, NULL);
	template_name_one("{ \"template\": 7 }", NULL, NULL);
	template_name_one("{ \"template\": \"small\"", NULL, NULL);
}

/* A problem follows from no other: what is wrong already is told once. */
static void problems_one(const char *text, size_t n, const char *first_rule)
{
	Problems problems = { 0 };
	Spec *spec = NULL;

	assert_int_equal(parse(NULL, text, NULL, &spec, &problems), -EINVAL);
	assert_null(spec);
	assert_int_equal(problems.n, n);
	assert_string_equal(problems.items[0].rule, first_rule);
	problems_done(&problems);
}

static void test_no_cascades(void **state)
{
	problems_one("{" KERNEL
		     ", \"cpus\": \"two\", \"interfaces\": [ { \"id\": \"a\", \"bridge\": "
		     "\"br0\", \"queues\": 2 } ] }",
		     1, "wrong-type");
	problems_one("{" KERNEL ", \"disks\": [ 1 ] }", 1, "wrong-type");
	problems_one("{" KERNEL ", \"disks\": [ { \"id\": \"a\", \"path\": 1 } ] }", 1,
		     "wrong-type");
	problems_one("{ \"boot\": [] }", 1, "wrong-type");
	problems_one("{" KERNEL ", \"memory\": { \"size\": \"512MB\", \"hugepages\": \"1GiB\" } }",
		     1, "unit-unknown");
	problems_one("{" KERNEL ", \"memory\": { \"size\": \"%x\" } }", 1, "bad-percent");
	problems_one("{ \"boot\": ", 1, "json-syntax");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),      cmocka_unit_test(test_device_defaults),
		cmocka_unit_test(test_quantities),    cmocka_unit_test(test_shared_memory),
		cmocka_unit_test(test_merge_members), cmocka_unit_test(test_merge_lists),
		cmocka_unit_test(test_percent),	      cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_template_name), cmocka_unit_test(test_no_cascades),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
