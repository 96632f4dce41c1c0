/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/*
 * What lines of VMMs, backends, guests and other launchers say, for `mvmd explain --log`. A line is known
 * by pieces of it; what is not known is counted and never guessed at.
 */
typedef enum LogVerdict {
	LOG_CAUSE, /* says itself what is wrong */
	LOG_SYMPTOM, /* follows from something that lies elsewhere */
	LOG_NOISE, /* harmless, whatever else is wrong */
	_LOG_VERDICT_MAX,
} LogVerdict;

#define LOG_PIECES_MAX 3
typedef struct LogPattern {
	const char *id;
	LogVerdict verdict;
	const char *pieces[LOG_PIECES_MAX]; /* all stand in the line, in this order */
	const char *without; /* and this nowhere; NULL: anything may */
	const char *meaning; /* sentences */
	const char *check; /* what to look at next; NULL for noise */
} LogPattern;

extern const LogPattern log_patterns[];
extern const size_t n_log_patterns;

/* The first pattern that the line fits; NULL: none. */
const LogPattern *log_pattern_find(const char *line);

/* True for what is harmless, and so no reason of anything. */
bool log_line_is_noise(const char *line);

/* What was seen of one pattern. */
typedef struct LogMatch {
	size_t count;
	size_t first_line; /* from 1 */
	char *line; /* the first one, fit for a terminal */
} LogMatch;

/* Zero-initialise. */
typedef struct LogReading {
	LogMatch *matches; /* one for each pattern */
	size_t lines, known;
} LogReading;

/* Reads one line, without its line break. 0 or -ENOMEM. */
int log_reading_add(LogReading *reading, const char *line);

/* What was found, causes first: new strings in *ret. 0 or -ENOMEM. */
int log_reading_to_text(const LogReading *reading, char **ret);
int log_reading_to_json(const LogReading *reading, char **ret);

void log_reading_done(LogReading *reading);
