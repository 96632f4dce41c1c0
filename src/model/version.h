/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/util.h"

/* A version as programs and Linux count: "6.6.64", "6.12-rc3", "v53.0", "6.8.0-58-generic". */
typedef struct Version {
	unsigned numbers[3];
	unsigned rc; /* VERSION_FINAL: it is none */
	bool has_suffix; /* more follows: who built it may have changed it */
} Version;

#define VERSION_FINAL (~0U)

/* Reads what text begins with; where ret_end is NULL nothing but a suffix may follow. False: no version. */
bool version_read(const char *text, Version *ret, const char **ret_end);

/* < 0, 0, > 0. A candidate comes before its release; suffixes count for nothing. */
int version_compare(const Version *a, const Version *b);

/*
 * Ranges as known-issues.json writes them: "6.6.64..6.6.65, 6.11.11..6.12, ..4.9, 7.0.." — the first is
 * inside, the last is not. ranges_are_valid() tells what is none; then ranges_contain() is false.
 */
bool ranges_are_valid(const char *ranges);
bool ranges_contain(const char *ranges, const Version *version);
