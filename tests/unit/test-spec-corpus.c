/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fuzz/fuzz-spec.c"

#define CORPUS		"tests/fuzz/corpus"
#define INPUT_MAX_BYTES (1024 * 1024)

static void replay_one(const char *name)
{
	char path[512];
	uint8_t *data = malloc(INPUT_MAX_BYTES);
	size_t size;
	FILE *file;

	assert_non_null(data);
	(void) snprintf(path, sizeof(path), CORPUS "/%.255s", name);
	file = fopen(path, "re");
	assert_non_null(file);
	size = fread(data, 1, INPUT_MAX_BYTES, file);
	(void) fclose(file);
	print_message("# %s, %zu bytes\n", name, size);
	assert_int_equal(LLVMFuzzerTestOneInput(data, size), 0);
	free(data);
}

/* What a fuzzer once found, and what it begins with: nothing of it may abort. */
static void test_corpus(void **state)
{
	DIR *directory = opendir(CORPUS);
	const struct dirent *entry;
	size_t n = 0;

	(void) state;
	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		replay_one(entry->d_name);
		n++;
	}
	(void) closedir(directory);
	assert_true(n > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_corpus) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
