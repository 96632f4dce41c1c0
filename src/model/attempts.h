/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"

/*
 * Tries at something that is not there yet: when the next one is due, and the record of those so far. Pure:
 * the clock (CLOCK_MONOTONIC) and the random numbers are the caller's.
 */
typedef struct Backoff {
	uint64_t first_usec; /* the pause after the first try; after each further one twice that, */
	uint64_t max_usec; /* up to this; then each is up to a quarter longer, at random */
} Backoff;

/* The pause after the n-th try in a row, n ≥ 1. */
uint64_t backoff_usec(const Backoff *backoff, unsigned n, uint32_t random);

/* What came of a try. */
typedef struct AttemptResult {
	int error; /* -errno */
	const char *words; /* static; NULL: the error's own */
} AttemptResult;

/* More kinds of results than these are counted together. */
#define ATTEMPT_RESULTS_MAX 8

typedef struct AttemptRecord {
	AttemptResult result;
	unsigned n;
	uint64_t first_usec, last_usec; /* since the begin */
} AttemptRecord;

typedef struct Attempts {
	Backoff backoff;
	uint64_t began_usec, end_usec; /* the last try is made at the end */
	unsigned n; /* all tries that came to nothing */
	unsigned n_in_a_row; /* since the pauses began anew */
	uint64_t last_usec; /* the last one's time since the begin */
	AttemptRecord records[ATTEMPT_RESULTS_MAX];
	size_t n_records;
} Attempts;

void attempts_begin(Attempts *attempts, const Backoff *backoff, uint64_t now_usec,
		    uint64_t timeout_usec);

/* Records a try that came to nothing. */
void attempts_add(Attempts *attempts, uint64_t now_usec, const AttemptResult *result);

/* When the next try is due, never behind the end. False: the end has passed, there is no further one. */
bool attempts_next(const Attempts *attempts, uint64_t now_usec, uint32_t random,
		   uint64_t *ret_usec);

/* Something stirred: the pauses are short again. */
void attempts_stir(Attempts *attempts);

/* The last try's result; NULL before the first. */
const AttemptResult *attempts_last(const Attempts *attempts);

/*
 * "tried 14 times in 60.0s: 12 × Connection refused (first after 0ms, last after 59.2s), 2 × no such file (…)";
 * verb: "tried". A new string, or NULL.
 */
char *attempts_to_text(const Attempts *attempts, const char *verb);

/* Adds that text to the fault's why, and as its evidence "attempts". Returns fault->error. */
int attempts_tell(const Attempts *attempts, const char *verb, Fault *fault);
