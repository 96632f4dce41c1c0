/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/*
 * How much of what somebody writes goes into the journal: a token bucket, so that a boot in full passes and an endless
 * flood does not, and so that the last lines of a process or guest that dies in a flood are there in any case. A line
 * takes a token, a long one one for each LINE_LIMIT_TOKEN_BYTES.
 *
 * Where there is no token lines are held: the last LINE_LIMIT_KEPT of them are kept, the older ones are left out. Who
 * asks lets them go after LINE_LIMIT_HOLD_USEC, or when the writer ends.
 */
#define LINE_LIMIT_BURST       2000
#define LINE_LIMIT_PER_SEC     50
#define LINE_LIMIT_TOKEN_BYTES 256
#define LINE_LIMIT_HOLD_USEC   (2 * USEC_PER_SEC)
#define LINE_LIMIT_KEPT	       32

typedef struct LineLimit {
	uint64_t
		tokens_usec; /* what is in the bucket, a token being the time that it takes to come */
	uint64_t at_usec; /* when that was reckoned; 0: never, the bucket is full */
	bool holding;
	char *kept[LINE_LIMIT_KEPT]; /* a ring */
	size_t first_kept, n_kept;
	uint64_t n_left_out; /* while holding */
} LineLimit;

/* Zero-initialise. A line comes: true where it may pass, false where it is held (a copy is kept). */
bool line_limit_take(LineLimit *limit, const char *line, uint64_t now_usec);

/*
 * Lets go: how many lines were left out, then the kept ones with line_limit_next(), oldest first, which take tokens as
 * far as there are any. Afterwards lines pass again.
 */
uint64_t line_limit_release(LineLimit *limit, uint64_t now_usec);

/* The next kept line, to be freed; NULL: that was all. */
char *line_limit_next(LineLimit *limit);

void line_limit_done(LineLimit *limit);
