/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
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
#include "host/record.h"

static char base[] = "/tmp/mvmd-test-record-XXXXXX";

static const char *at(const char *path)
{
	static char full[128];

	(void) snprintf(full, sizeof(full), "%s/%s", base, path);
	return full;
}

static int setup(void **context)
{
	memcpy(base + sizeof(base) - 7, "XXXXXX", 6);
	return mkdtemp(base) ? 0 : -1;
}

static int teardown(void **context)
{
	static const char *const files[] = {
		"state/web1/post-mortem/1.json",
		"state/web1/last-start.json",
		"state/web1/.last-start.json.new",
		"state/other",
		"elsewhere",
	};
	static const char *const folders[] = {
		"state/web1/post-mortem", "state/web1/last-start.json", "state/web1", "state", "",
	};

	for (size_t i = 0; i < ELEMENTSOF(files); i++)
		(void) unlink(at(files[i]));
	for (size_t i = 0; i < ELEMENTSOF(folders); i++)
		(void) rmdir(at(folders[i]));
	return access(base, F_OK) == 0;
}

/* Writes { "n": n } there. */
static int write_number(const char *vm, const char *file, int n)
{
	_cleanup_free_ char *state = str_printf("%s/state", base);
	json_t *json = json_pack("{s:i}", "n", n);
	int r;

	assert_true(state && json);
	r = record_write(state, vm, file, json);
	json_decref(json);
	return r;
}

static int number_at(const char *path)
{
	json_t *json = json_load_file(at(path), 0, NULL);
	int n = json ? (int) json_integer_value(json_object_get(json, "n")) : -1;

	json_decref(json);
	return n;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(at(path), &st), 0);
	return st.st_mode & 07777;
}

static void what_is_missing_is_made(void **context)
{
	assert_int_equal(write_number("web1", "last-start.json", 1), 0);
	assert_int_equal(number_at("state/web1/last-start.json"), 1);
	assert_int_equal(mode_of("state/web1"), 0700);
	assert_int_equal(mode_of("state/web1/last-start.json"), 0600);
	assert_int_equal(write_number("web1", "post-mortem/1.json", 2), 0);
	assert_int_equal(number_at("state/web1/post-mortem/1.json"), 2);
	assert_int_equal(mode_of("state/web1/post-mortem"), 0700);
}

static void the_later_takes_the_place(void **context)
{
	assert_int_equal(write_number("web1", "last-start.json", 1), 0);
	assert_int_equal(write_number("web1", "last-start.json", 2), 0);
	assert_int_equal(number_at("state/web1/last-start.json"), 2);
	assert_int_not_equal(access(at("state/web1/.last-start.json.new"), F_OK), 0);
}

static void what_is_removed_is_gone(void **context)
{
	_cleanup_free_ char *state = str_printf("%s/state", base);

	assert_non_null(state);
	assert_int_equal(record_remove(state, "web1", "last-start.json"), 0);
	assert_int_equal(write_number("web1", "last-start.json", 1), 0);
	assert_int_equal(record_remove(state, "web1", "last-start.json"), 0);
	assert_int_not_equal(access(at("state/web1/last-start.json"), F_OK), 0);
}

/* A folder in its place: what was begun is taken away again. */
static void what_fails_leaves_nothing(void **context)
{
	assert_int_equal(mkdir(at("state"), 0755), 0);
	assert_int_equal(mkdir(at("state/web1"), 0700), 0);
	assert_int_equal(mkdir(at("state/web1/last-start.json"), 0700), 0);
	assert_int_equal(write_number("web1", "last-start.json", 1), -EISDIR);
	assert_int_not_equal(access(at("state/web1/.last-start.json.new"), F_OK), 0);
}

static void a_file_is_no_folder(void **context)
{
	FILE *file;

	assert_int_equal(mkdir(at("state"), 0755), 0);
	file = fopen(at("state/other"), "we");
	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(write_number("other", "last-start.json", 1), -ENOTDIR);
}

/* A link in the place of the temporary file is not written through. */
static void links_are_not_followed(void **context)
{
	assert_int_equal(mkdir(at("state"), 0755), 0);
	assert_int_equal(mkdir(at("state/web1"), 0700), 0);
	assert_int_equal(symlink("../../elsewhere", at("state/web1/.last-start.json.new")), 0);
	assert_int_equal(write_number("web1", "last-start.json", 1), -ELOOP);
	assert_int_not_equal(access(at("elsewhere"), F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_missing_is_made, setup, teardown),
		cmocka_unit_test_setup_teardown(the_later_takes_the_place, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_removed_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(what_fails_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_is_no_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(links_are_not_followed, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
