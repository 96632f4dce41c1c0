/* SPDX-License-Identifier: Apache-2.0 */
/* The table of uids: stable, never guessed anew when it is damaged. */
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/uids.h"

#define PROCESSES 8

static const UidRange whole = { .first = 400000, .count = 65536 };

typedef struct World {
	char parent[32];
	char directory[64]; /* does not exist at first */
	char table[96];
} World;

static int setup(void **state)
{
	World *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	(void) strcpy(world->parent, "/tmp/mvmd-test-XXXXXX");
	assert_non_null(mkdtemp(world->parent));
	(void) snprintf(world->directory, sizeof(world->directory), "%s/state", world->parent);
	(void) snprintf(world->table, sizeof(world->table), "%s/.uids.json", world->directory);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	World *world = *state;
	char lock[96];

	(void) snprintf(lock, sizeof(lock), "%s/.uids.lock", world->directory);
	(void) unlink(lock);
	(void) unlink(world->table);
	(void) rmdir(world->directory);
	assert_int_equal(rmdir(world->parent), 0); /* no temporary file is left */
	free(world);
	return 0;
}

static uid_t get_of(const World *world, const UidRange *range, const char *vm, bool allocate,
		    bool expect_new)
{
	_cleanup_(fault_done) Fault fault = { 0 };
	bool is_new = !expect_new;
	uid_t uid = 0;

	if (uids_get(world->directory, range, vm, allocate, &uid, &is_new, &fault) < 0)
		fail_msg("%s", fault.what);
	assert_int_equal(is_new, expect_new);
	return uid;
}

static uid_t get(const World *world, const char *vm, bool allocate, bool expect_new)
{
	return get_of(world, &whole, vm, allocate, expect_new);
}

static void write_table(const World *world, const char *text)
{
	FILE *file;

	(void) mkdir(world->directory, 0755);
	file = fopen(world->table, "we");
	assert_non_null(file);
	(void) fputs(text, file);
	(void) fclose(file);
}

static void assert_table(const World *world, const char *expected)
{
	json_t *table = json_load_file(world->table, 0, NULL),
	       *wanted = json_loads(expected, 0, NULL);

	assert_true(json_equal(table, wanted));
	json_decref(table);
	json_decref(wanted);
}

static void test_rows(void **state)
{
	const World *world = *state;

	assert_int_equal(get(world, "web1", true, true), 400000);
	assert_int_equal(get(world, "web2", true, true), 400001);
	assert_int_equal(get(world, "web1", true, false), 400000);
	assert_int_equal(get(world, "web2", false, false), 400001);
	assert_table(world, "{\"version\": 1, \"uids\": {\"web1\": 400000, \"web2\": 400001}}");
}

/* A look tells what a start would take, and takes nothing. */
static void test_look(void **state)
{
	const World *world = *state;

	assert_int_equal(get(world, "web1", false, true), 400000);
	assert_int_equal(access(world->directory, F_OK), -1);
	assert_int_equal(get(world, "web1", true, true), 400000);
}

static void test_gap_is_used(void **state)
{
	const World *world = *state;

	write_table(world, "{\"version\": 1, \"uids\": {\"a\": 400000, \"c\": 400002}}");
	assert_int_equal(get(world, "b", true, true), 400001);
	assert_int_equal(get(world, "d", true, true), 400003);
}

static void assert_refused(const World *world, const char *text)
{
	_cleanup_(fault_done) Fault fault = { 0 };
	bool is_new = false;
	uid_t uid = 1;
	char after[256] = "";
	FILE *file;

	write_table(world, text);
	assert_int_equal(uids_get(world->directory, &whole, "web9", true, &uid, &is_new, &fault),
			 -EUCLEAN);
	assert_int_equal(uid, 1);
	assert_non_null(strstr(fault.what, world->table));
	assert_non_null(fault.why);
	assert_non_null(fault.remedy);
	file = fopen(world->table, "re");
	assert_non_null(file);
	(void) !fread(after, 1, sizeof(after) - 1, file);
	(void) fclose(file);
	assert_string_equal(after, text);
}

static void test_damaged(void **state)
{
	const World *world = *state;

	assert_refused(world, "");
	assert_refused(world, "{\"version\": 1, \"uids\": {\"a\": 4000");
	assert_refused(world, "[]");
	assert_refused(world, "{\"version\": 2, \"uids\": {}}");
	assert_refused(world, "{\"version\": 1}");
	assert_refused(world, "{\"version\": 1, \"uids\": {\"a\": 0}}");
	assert_refused(world, "{\"version\": 1, \"uids\": {\"a\": \"400000\"}}");
	assert_refused(world, "{\"version\": 1, \"uids\": {\"a\": 400000, \"a\": 400001}}");
}

/* What a VM has it keeps, wherever the range goes; others get theirs from where it is. */
static void test_range_moves(void **state)
{
	const World *world = *state;
	const UidRange low = { .first = 70000, .count = 4 }, high = { .first = 900000, .count = 2 };

	assert_int_equal(get_of(world, &low, "a", true, true), 70000);
	assert_int_equal(get_of(world, &high, "b", true, true), 900000);
	assert_int_equal(get_of(world, &high, "a", true, false), 70000);
	assert_int_equal(get_of(world, &high, "c", true, true), 900001);
	assert_int_equal(get_of(world, &low, "b", true, false), 900000);
	assert_int_equal(get_of(world, &low, "d", true, true), 70001);
}

/* No number is left for a VM that has none. */
static void assert_full(const World *world, const UidRange *range)
{
	_cleanup_(fault_done) Fault fault = { 0 };
	bool is_new;
	uid_t uid;

	assert_int_equal(uids_get(world->directory, range, "more", true, &uid, &is_new, &fault),
			 -ENOSPC);
}

/* The last uids that there are. */
static void test_range_ends_at_the_top(void **state)
{
	const World *world = *state;
	const UidRange top = { .first = 4294967293, .count = 2 };

	assert_int_equal(get_of(world, &top, "a", true, true), 4294967293);
	assert_int_equal(get_of(world, &top, "b", true, true), 4294967294);
	assert_int_equal(get_of(world, &top, "b", false, false), 4294967294);
	assert_full(world, &top);
}

/* Users of the host are passed over: 0 to 2 are root, bin and daemon everywhere (LSB). */
static void test_users_of_the_host(void **state)
{
	const World *world = *state;
	const UidRange taken = { .first = 0, .count = 3 };

	assert_full(world, &taken);
}

/* The gid of a VM has the number of its uid, so a group's number is no less taken. */
static void test_groups_of_the_host(void **state)
{
	const World *world = *state;
	const struct group *group;
	UidRange taken = { .count = 1 };

	setgrent();
	while ((group = getgrent()) != NULL && getpwuid(group->gr_gid))
		;
	if (!group) {
		print_message("# every group's number is that of a user, too\n");
		skip();
	}
	taken.first = group->gr_gid;
	endgrent();
	assert_full(world, &taken);
}

static void test_full(void **state)
{
	const World *world = *state;
	_cleanup_(fault_done) Fault fault = { 0 };
	json_t *uids = json_object(), *table;
	bool is_new;
	uid_t uid;

	for (int i = 0; i < 65536; i++) {
		char name[16];

		(void) snprintf(name, sizeof(name), "v%d", i);
		(void) json_object_set_new(uids, name, json_integer(400000 + i));
	}
	table = json_pack("{s:i, s:o}", "version", 1, "uids", uids);
	write_table(world, "");
	assert_int_equal(json_dump_file(table, world->table, 0), 0);
	json_decref(table);
	assert_int_equal(
		uids_get(world->directory, &whole, "one-more", true, &uid, &is_new, &fault),
		-ENOSPC);
	assert_string_equal(fault.what, "all uids from 400000 to 465535 are taken");
	assert_non_null(strstr(fault.remedy, "\"uid_range\" in host.conf"));
	assert_int_equal(get(world, "v65535", true, false), 465535);
}

/* Many at once, each another VM: no two get one number. */
static void test_race(void **state)
{
	const World *world = *state;
	bool seen[PROCESSES] = { 0 };

	for (int i = 0; i < PROCESSES; i++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0) {
			Fault fault = { 0 };
			char name[8];
			bool is_new;
			uid_t uid;

			(void) snprintf(name, sizeof(name), "v%d", i);
			_exit(uids_get(world->directory, &whole, name, true, &uid, &is_new,
				       &fault) < 0);
		}
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	for (int i = 0; i < PROCESSES; i++) {
		char name[8];
		uid_t uid;

		(void) snprintf(name, sizeof(name), "v%d", i);
		uid = get(world, name, false, false) - 400000;
		assert_true(uid < PROCESSES);
		assert_false(seen[uid]);
		seen[uid] = true;
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rows),
		TEST(test_look),
		TEST(test_gap_is_used),
		TEST(test_damaged),
		TEST(test_range_moves),
		TEST(test_range_ends_at_the_top),
		TEST(test_users_of_the_host),
		TEST(test_groups_of_the_host),
		TEST(test_full),
		TEST(test_race),
	};

	(void) cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
