/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <time.h>

/*
 * Moments that the programs of the bench write down, a line each, "WHAT NSEC": what happened, and
 * CLOCK_MONOTONIC. They go to one file, which tests/bench/run empties before each run.
 */

/* By the path in MVMD_BENCH_STAMPS: for those who have an environment of their own. */
void stamp_open_from_environment(void);

/* The file "stamps" beside the program: a VMM gets a minimal environment. */
void stamp_open_beside(const char *program);

/* Does nothing before one of the two above found its file. */
void stamp(const char *what);

/* The same with another clock's time, or another number: "WHAT NUMBER". */
void stamp_number(const char *what, unsigned long long number);

unsigned long long timespec_nsec(const struct timespec *time);
unsigned long long monotonic_nsec(void);
unsigned long long realtime_nsec(void);
