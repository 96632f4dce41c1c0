/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "stamp.h"

#define NSEC_PER_SEC 1000000000ULL
#define STAMP_MAX    64

static int stamps_fd = -1;

unsigned long long timespec_nsec(const struct timespec *time)
{
	return (unsigned long long) time->tv_sec * NSEC_PER_SEC +
	       (unsigned long long) time->tv_nsec;
}

static unsigned long long clock_nsec(clockid_t clock)
{
	struct timespec now;

	(void) clock_gettime(clock, &now);
	return timespec_nsec(&now);
}

unsigned long long monotonic_nsec(void)
{
	return clock_nsec(CLOCK_MONOTONIC);
}

unsigned long long realtime_nsec(void)
{
	return clock_nsec(CLOCK_REALTIME);
}

void stamp_open_from_environment(void)
{
	const char *path = getenv("MVMD_BENCH_STAMPS");

	if (path)
		stamps_fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
}

void stamp_open_beside(const char *program)
{
	char *copy = strdup(program);
	int directory = copy ? open(dirname(copy), O_PATH | O_CLOEXEC) : -1;

	if (directory >= 0) {
		stamps_fd = openat(directory, "stamps", O_WRONLY | O_APPEND | O_CLOEXEC);
		(void) close(directory);
	}
	free(copy);
}

void stamp_number(const char *what, unsigned long long number)
{
	char line[STAMP_MAX];
	int n = snprintf(line, sizeof(line), "%s %llu\n", what, number);

	if (stamps_fd >= 0)
		(void) !write(stamps_fd, line, (size_t) n);
}

void stamp(const char *what)
{
	stamp_number(what, monotonic_nsec());
}
