/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "host/record-series.h"
#include "host/record.h"

/* What a record can be: ten lives, a screenful of console, and the findings of a long life. */
#define RECORD_MAX_BYTES (4 * MIB)

typedef struct Numbers {
	unsigned long *items;
	size_t n;
} Numbers;

/* The number of "17.json"; 0: the name is none of ours. */
static unsigned long number_of(const char *name)
{
	char *end;
	unsigned long number;

	if (*name < '1' || *name > '9')
		return 0;
	errno = 0;
	number = strtoul(name, &end, 10);
	return errno == 0 && streq(end, ".json") ? number : 0;
}

static int compare_numbers(const void *a, const void *b)
{
	const unsigned long *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int numbers_read(DIR *folder, Numbers *ret)
{
	const struct dirent *entry;

	while ((entry = readdir(folder))) {
		unsigned long number = number_of(entry->d_name);

		if (number == 0)
			continue;
		if (array_grow(&ret->items, ret->n, sizeof(*ret->items)) < 0)
			return -ENOMEM;
		ret->items[ret->n++] = number;
	}
	if (ret->n > 1)
		qsort(ret->items, ret->n, sizeof(*ret->items), compare_numbers);
	return 0;
}

/* Opens the folder of the series and lists what is there, the oldest first; the list is to be freed in any case. */
static int series_open(const char *state_directory, const char *vm, const char *series, DIR **ret,
		       Numbers *ret_numbers)
{
	_cleanup_free_ char *path = str_printf("%s/%s/%s", state_directory, vm, series);
	DIR *folder;
	int r;

	if (!path)
		return -ENOMEM;
	folder = opendir(path);
	if (!folder)
		return -errno;
	r = numbers_read(folder, ret_numbers);
	if (r < 0) {
		(void) closedir(folder);
		return r;
	}
	*ret = folder;
	return 0;
}

static void series_trim(DIR *folder, const Numbers *numbers, size_t keep)
{
	char name[32];

	for (size_t i = 0; i + keep < numbers->n; i++) {
		(void) snprintf(name, sizeof(name), "%lu.json", numbers->items[i]);
		(void) unlinkat(dirfd(folder), name, 0);
	}
}

int record_series_add(const char *state_directory, const char *vm, const char *series, size_t keep,
		      const json_t *record)
{
	_cleanup_free_ char *file = NULL;
	Numbers numbers = { 0 };
	DIR *folder = NULL;
	unsigned long last;
	int r;

	r = series_open(state_directory, vm, series, &folder, &numbers);
	if (r < 0 && r != -ENOENT) {
		free(numbers.items);
		return r;
	}
	last = numbers.n ? numbers.items[numbers.n - 1] : 0;
	file = str_printf("%s/%lu.json", series, last + 1);
	r = file ? record_write(state_directory, vm, file, record) : -ENOMEM;
	if (r == 0 && folder && keep > 0)
		series_trim(folder, &numbers, keep - 1);
	if (folder)
		(void) closedir(folder);
	free(numbers.items);
	return r;
}

/* Takes fd. */
static int read_json(int fd, json_t **ret)
{
	FILE *file = fdopen(fd, "r");
	struct stat status;
	int r = 0;

	if (!file) {
		r = -errno;
		(void) close(fd);
		return r;
	}
	if (fstat(fd, &status) < 0)
		r = -errno;
	else if (!S_ISREG(status.st_mode) || status.st_size > (off_t) RECORD_MAX_BYTES)
		r = -EUCLEAN;
	if (r == 0) {
		*ret = json_loadf(file, JSON_REJECT_DUPLICATES, NULL);
		r = *ret ? 0 : -EUCLEAN;
	}
	(void) fclose(file);
	return r;
}

int record_read(const char *state_directory, const char *vm, const char *file, json_t **ret)
{
	_cleanup_free_ char *path = str_printf("%s/%s/%s", state_directory, vm, file);
	int fd;

	if (!path)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd < 0 ? -errno : read_json(fd, ret);
}

/* Sets *ret to the highest number; 0: there is none. */
static int series_last_number(const char *state_directory, const char *vm, const char *series,
			      unsigned long *ret)
{
	Numbers numbers = { 0 };
	DIR *folder = NULL;
	int r = series_open(state_directory, vm, series, &folder, &numbers);

	if (folder)
		(void) closedir(folder);
	if (r == 0)
		*ret = numbers.n > 0 ? numbers.items[numbers.n - 1] : 0;
	free(numbers.items);
	return r;
}

int record_series_last(const char *state_directory, const char *vm, const char *series,
		       json_t **ret)
{
	_cleanup_free_ char *file = NULL;
	unsigned long last = 0;
	int r = series_last_number(state_directory, vm, series, &last);

	if (r < 0)
		return r;
	if (last == 0)
		return -ENOENT;
	file = str_printf("%s/%lu.json", series, last);
	return file ? record_read(state_directory, vm, file, ret) : -ENOMEM;
}
