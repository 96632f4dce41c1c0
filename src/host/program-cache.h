/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/util.h"

/*
 * What programs said to "--version", in STATE/.programs.json, so that a start need not run them. A row
 * is as good as the file: it is known by device, inode, size, mtime and ctime. Zero-initialise.
 */
typedef struct ProgramCache {
	char *file; /* NULL: nowhere to keep it */
	json_t *rows; /* path → row */
	bool is_changed;
} ProgramCache;

/* A missing or damaged file is an empty cache. state_directory NULL: none is kept. 0 or -ENOMEM. */
int program_cache_load(const char *state_directory, ProgramCache *ret);

/* The first line of "PATH --version" (new string), from the cache or by asking. 0 or -errno. */
int program_cache_ask(ProgramCache *cache, const char *path, char **ret);

/*
 * Whether "PATH --help" tells of that option, from the cache or by asking; one that has no --help has no such option.
 * 0 or -errno.
 */
int program_cache_ask_option(ProgramCache *cache, const char *path, const char *option, bool *ret);

/* Writes it where it changed: temporary file, rename. Failure costs time the next time, no more. */
void program_cache_store(ProgramCache *cache);
void program_cache_done(ProgramCache *cache);
