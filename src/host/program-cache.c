/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/program-cache.h"
#include "host/spawn.h"

#define CACHE_FILE	  ".programs.json"
#define ANSWER_LIMIT_USEC (5 * USEC_PER_SEC)

int program_cache_load(const char *state_directory, ProgramCache *ret)
{
	ProgramCache cache = { 0 };

	if (state_directory) {
		cache.file = str_printf("%s/" CACHE_FILE, state_directory);
		if (!cache.file)
			return -ENOMEM;
		cache.rows = json_load_file(cache.file, 0, NULL);
	}
	if (!json_is_object(cache.rows)) {
		json_decref(cache.rows);
		cache.rows = json_object();
	}
	if (!cache.rows) {
		program_cache_done(&cache);
		return -ENOMEM;
	}
	*ret = cache;
	return 0;
}

static json_int_t time_nsec(const struct timespec *time)
{
	return (json_int_t) time->tv_sec * 1000000000 + time->tv_nsec;
}

/* What a row says about the file itself. NULL: out of memory. */
static json_t *file_key(const struct stat *st)
{
	return json_pack("[I, I, I, I, I]", (json_int_t) st->st_dev, (json_int_t) st->st_ino,
			 (json_int_t) st->st_size, time_nsec(&st->st_mtim),
			 time_nsec(&st->st_ctim));
}

/* A program that writes something other than text as its version has none. */
static int first_line(const char *path, char **ret)
{
	_cleanup_free_ char *word = strdup(path), *text = NULL;
	char *const argv[] = { word, (char[]){ "--version" }, NULL };
	int r;

	if (!word)
		return -ENOMEM;
	r = spawn_read(path, argv, ANSWER_LIMIT_USEC, &text);
	if (r < 0)
		return r;
	text[strcspn(text, "\r\n")] = '\0';
	for (const char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			return -EBADMSG;
	*ret = TAKE_PTR(text);
	return 0;
}

int program_cache_ask(ProgramCache *cache, const char *path, char **ret)
{
	json_t *row = json_object_get(cache->rows, path), *key;
	const char *known = json_string_value(json_object_get(row, "version"));
	struct stat st;
	int r;

	if (stat(path, &st) < 0)
		return -errno;
	key = file_key(&st);
	if (!key)
		return -ENOMEM;

	if (known && json_equal(key, json_object_get(row, "file"))) {
		json_decref(key);
		*ret = strdup(known);
		return *ret ? 0 : -ENOMEM;
	}
	r = first_line(path, ret);
	if (r < 0) {
		json_decref(key);
		return r;
	}
	/* Steals the key. Without memory for a row the answer is good all the same. */
	row = json_pack("{s:o, s:s}", "file", key, "version", *ret);
	if (row && json_object_set_new(cache->rows, path, row) == 0)
		cache->is_changed = true;
	return 0;
}

/* More than its first line is wanted: options are listed on many. */
static int help_mentions(const char *path, const char *option, bool *ret)
{
	_cleanup_free_ char *word = strdup(path), *text = NULL;
	char *const argv[] = { word, (char[]){ "--help" }, NULL };
	int r;

	if (!word)
		return -ENOMEM;
	r = spawn_read(path, argv, ANSWER_LIMIT_USEC, &text);
	if (r < 0 && r != -ENOEXEC)
		return r;
	*ret = text && strstr(text, option);
	return 0;
}

int program_cache_ask_option(ProgramCache *cache, const char *path, const char *option, bool *ret)
{
	_cleanup_free_ char *name = str_printf("%s %s", path, option);
	json_t *row, *known, *key;
	struct stat st;
	int r;

	if (!name)
		return -ENOMEM;
	if (stat(path, &st) < 0)
		return -errno;
	key = file_key(&st);
	if (!key)
		return -ENOMEM;
	row = json_object_get(cache->rows, name);
	known = json_object_get(row, "known");
	if (json_is_boolean(known) && json_equal(key, json_object_get(row, "file"))) {
		json_decref(key);
		*ret = json_is_true(known);
		return 0;
	}
	r = help_mentions(path, option, ret);
	if (r < 0) {
		json_decref(key);
		return r;
	}
	row = json_pack("{s:o, s:b}", "file", key, "known", *ret);
	if (row && json_object_set_new(cache->rows, name, row) == 0)
		cache->is_changed = true;
	return 0;
}

void program_cache_store(ProgramCache *cache)
{
	_cleanup_free_ char *temporary = NULL;

	if (!cache->is_changed || !cache->file)
		return;
	/* Two that write at once write each their own file. */
	temporary = str_printf("%s.%d", cache->file, (int) getpid());
	if (!temporary)
		return;
	if (json_dump_file(cache->rows, temporary, JSON_INDENT(2) | JSON_SORT_KEYS) < 0 ||
	    chmod(temporary, 0644) < 0 || /* it is for all who check a spec */
	    rename(temporary, cache->file) < 0)
		(void) unlink(temporary);
	cache->is_changed = false;
}

void program_cache_done(ProgramCache *cache)
{
	free(cache->file);
	json_decref(cache->rows);
	*cache = (ProgramCache){ 0 };
}
