/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * The guest's lives, from a boot or reset to the next reset. One that ends within LIFE_SILENT_USEC and without
 * a byte on the console was none: a kernel that dies at its first instruction is rebooted by its VMM for ever,
 * 2.4 times a second. Zero-initialise.
 */
typedef struct Lives {
	unsigned n; /* begun so far */
	unsigned silent; /* in a row */
	uint64_t began_usec; /* the last one, CLOCK_MONOTONIC */
	uint64_t silence_began_bytes;
} Lives;

#define LIFE_SILENT_USEC UINT64_C(5000000)
#define LIVES_SILENT_MAX 5

void lives_begin(Lives *lives, uint64_t now_usec);

/* A reset; console_bytes: all that the guest wrote so far. True where that was one silent life too many. */
bool lives_end(Lives *lives, uint64_t now_usec, uint64_t console_bytes);
