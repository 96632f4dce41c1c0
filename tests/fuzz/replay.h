/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A fuzzer's corpus as a unit test: what it once found, and what it begins with; nothing of it may abort. */

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fuzz/fuzz-spec.h"

#define INPUT_MAX_BYTES (1024 * 1024)

static void replay_one(const char *directory, const char *name)
{
	char path[512];
	uint8_t *data = malloc(INPUT_MAX_BYTES);
	size_t size;
	FILE *file;

	assert_non_null(data);
	(void) snprintf(path, sizeof(path), "%.200s/%.255s", directory, name);
	file = fopen(path, "re");
	assert_non_null(file);
	size = fread(data, 1, INPUT_MAX_BYTES, file);
	(void) fclose(file);
	print_message("# %s, %zu bytes\n", name, size);
	assert_int_equal(LLVMFuzzerTestOneInput(data, size), 0);
	free(data);
}

/* All files of the directory; how many there were. */
static size_t replay_all(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	size_t n = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		replay_one(path, entry->d_name);
		n++;
	}
	(void) closedir(directory);
	return n;
}
