/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/schema.h"
#include "model/spec-json.h"

static char file_name[] = "/etc/mvmd/web1.json";

/* A right spec. */
static Spec *parse(const char *text)
{
	char *copy = strdup(text);
	SpecDoc doc = {
		.role = SPEC_DOC_MAIN, .file = file_name, .text = copy, .length = strlen(text)
	};
	Problems problems = { 0 };
	char *words = NULL;
	Spec *spec = NULL;
	int r = spec_parse(&doc, 1, "web1", &spec, &problems);

	if (r < 0)
		assert_int_equal(problems_to_text(&problems, false, &words), 0);
	if (r < 0)
		fail_msg("%s", words);
	free(copy);
	problems_done(&problems);
	return spec;
}

static json_t *document_of(const char *text)
{
	Spec *spec = parse(text);
	json_t *document = spec_to_json(spec);

	assert_non_null(document);
	(void) spec_free(spec);
	return document;
}

static Spec *read_back(const json_t *document)
{
	Problems problems = { 0 };
	char *words = NULL;
	Spec *spec = NULL;
	int r = spec_from_json(document, "web1", file_name, &spec, &problems);

	if (r < 0)
		assert_int_equal(problems_to_text(&problems, false, &words), 0);
	if (r < 0)
		fail_msg("%s", words);
	problems_done(&problems);
	assert_string_equal(spec->name, "web1");
	assert_string_equal(spec->file, file_name);
	return spec;
}

/* What went into a spec comes out of its document. */
static void check_round_trip(const char *text)
{
	json_t *document = document_of(text), *again;
	Spec *spec = read_back(document);

	again = spec_to_json(spec);
	assert_true(json_equal(document, again));
	(void) spec_free(spec);
	json_decref(document);
	json_decref(again);
}

static char *read_file(const char *path)
{
	char *text = calloc(1, SPEC_FILE_MAX_BYTES);
	FILE *file = fopen(path, "re");

	assert_non_null(text);
	assert_non_null(file);
	assert_true(fread(text, 1, SPEC_FILE_MAX_BYTES - 1, file) > 0);
	(void) fclose(file);
	return text;
}

static void test_round_trips(void **state)
{
	static const char *const files[] = {
		"tests/spec/ok-everything.json",   "tests/spec/ok-firmware.json",
		"tests/spec/ok-minimal.json",	   "tests/spec/ok-storage-daemon.json",
		"tests/spec/ok-ports.json",	   "tests/spec/ok-two-interfaces.json",
		"tests/spec/ok-typical.json",	   "tests/spec/ok-attach-macvtap.json",
		"tests/spec/ok-attach-passt.json", "tests/spec/ok-attach-vhost-user.json",
	};

	for (size_t i = 0; i < ELEMENTSOF(files); i++) {
		char *text = read_file(files[i]);

		check_round_trip(text);
		free(text);
	}
}

/* All that some entry of a list has. */
static json_t *all_of(const json_t *list)
{
	json_t *all = json_object(), *entry;
	size_t i;

	json_array_foreach(list, i, entry)
		(void) json_object_update(all, entry);
	return all;
}

/* Each key that one can write, but texts for people, places of a file, the one that excludes a kernel and the
 * one that QEMU cannot have. */
static void check_has_all(const ObjectType *object, json_t *document)
{
	for (size_t i = 0; i < object->n_fields; i++) {
		const Field *field = &object->fields[i];
		json_t *value = json_object_get(document, field->key);

		if (field->type == FIELD_TEXT || streq(field->key, "$schema") ||
		    streq(field->key, "template") || streq(field->key, "firmware") ||
		    streq(field->key, "by"))
			continue;
		if (!value)
			fail_msg("%s of %s is missing", field->key, object->name);
		if (field->type == FIELD_OBJECT)
			check_has_all(field->object, value);
		if (field->type == FIELD_LIST) {
			json_t *all = all_of(value);

			check_has_all(field->object, all);
			json_decref(all);
		}
	}
}

static void test_nothing_is_left_out(void **state)
{
	char *text = read_file("tests/spec/ok-everything.json");
	json_t *document = document_of(text);

	check_has_all(&spec_object, document);
	json_decref(document);
	free(text);
}

static void test_in_the_words_of_a_spec(void **state)
{
	json_t *document = document_of("{ \"boot\": { \"kernel\": \"/vmlinuz\" },"
				       "  \"memory\": \"1GiB\", \"description\": \"mine\","
				       "  \"interfaces\": [ { \"id\": \"net0\","
				       "    \"bridge\": \"br0\" } ],"
				       "  \"vmm\": \"auto\", \"vsock\": {},"
				       "  \"timeouts\": { \"stop\": \"90s\","
				       "    \"boot\": \"120s\" } }");
	json_t *wanted = json_loads(
		"{ \"boot\": { \"kernel\": \"/vmlinuz\" }, \"memory\": { \"size\": \"1GiB\" },"
		"  \"interfaces\": [ { \"id\": \"net0\", \"bridge\": \"br0\" } ],"
		"  \"timeouts\": { \"boot\": \"2min\" }, \"vsock\": {} }",
		0, NULL);

	assert_true(json_equal(document, wanted));
	json_decref(wanted);
	json_decref(document);
}

static void test_percent_signs_stay(void **state)
{
	json_t *document = document_of("{ \"boot\": { \"kernel\": \"/srv/%n\","
				       " \"cmdline\": \"a=100%% b=%%n\" } }");
	Spec *spec = read_back(document);

	assert_string_equal(spec->boot.kernel, "/srv/web1");
	assert_string_equal(spec->boot.cmdline, "a=100% b=%n");
	(void) spec_free(spec);
	json_decref(document);
}

static void test_what_is_wrong_is_told(void **state)
{
	json_t *document =
		json_loads("{ \"boot\": { \"kernel\": \"/vmlinuz\" }, \"warp\": 9 }", 0, NULL);
	Problems problems = { 0 };
	Spec *spec = NULL;

	assert_int_equal(spec_from_json(document, "web1", file_name, &spec, &problems), -EINVAL);
	assert_int_equal(problems.n, 1);
	assert_string_equal(problems.items[0].rule, "unknown-key");
	assert_null(spec);
	problems_done(&problems);
	json_decref(document);
}

static void check_changes(const char *before, const char *now, const char *wanted)
{
	json_t *a = document_of(before), *b = document_of(now);
	StrList changes = { 0 };
	StrBuf words = { 0 };

	assert_int_equal(spec_documents_compare(a, b, &changes), 0);
	for (size_t i = 0; i < changes.n; i++)
		str_buf_add(&words, "%s%s", i ? " " : "", changes.items[i]);
	assert_string_equal(words.text ?: "", wanted);
	str_buf_done(&words);
	str_list_done(&changes);
	json_decref(a);
	json_decref(b);
}

#define BOOT "\"boot\": { \"kernel\": \"/vmlinuz\" }"

static void test_changes_are_named(void **state)
{
	check_changes("{ " BOOT " }", "{ " BOOT " }", "");
	check_changes("{ " BOOT " }", "{ \"boot\": { \"kernel\": \"/new\" } }", "boot");
	check_changes("{ " BOOT ", \"cpus\": 2 }",
		      "{ " BOOT ", \"memory\": \"1GiB\", \"disks\": [ { \"id\": \"a\","
		      " \"path\": \"/a\" } ] }",
		      "cpus memory disks");
	check_changes("{ " BOOT ", \"vsock\": {} }", "{ " BOOT " }", "vsock");
}

/* The same in other words is no change, and what is said to people is none either. */
static void test_other_words_are_no_change(void **state)
{
	check_changes("{ " BOOT ", \"memory\": \"1024MiB\" }",
		      "{ \"description\": \"x\", " BOOT ", \"memory\": { \"size\": \"1GiB\","
		      " \"description\": \"y\" }, \"disks\": [], \"cpus\": 1 }",
		      "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),
		cmocka_unit_test(test_nothing_is_left_out),
		cmocka_unit_test(test_in_the_words_of_a_spec),
		cmocka_unit_test(test_percent_signs_stay),
		cmocka_unit_test(test_what_is_wrong_is_told),
		cmocka_unit_test(test_changes_are_named),
		cmocka_unit_test(test_other_words_are_no_change),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
