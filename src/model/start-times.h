/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "model/plan.h"

/*
 * Where the time of one start went: its phases, which follow each other, and the steps of the plan, of which several go
 * on side by side. All times but began_realtime_usec are of the monotonic clock, as microseconds since the start's
 * beginning, which is that of the supervisor.
 */
typedef enum SpanEnd {
	SPAN_DONE,
	SPAN_FAILED, /* the start ended for it */
	SPAN_UNFINISHED, /* it went on when the start ended */
	_SPAN_END_MAX,
} SpanEnd;

/* "done" */
const char *span_end_to_string(SpanEnd end);

typedef struct StartSpan {
	char *name; /* "applying"; the id of a step: "tap:net0" */
	char *what; /* what the step does; NULL for a phase */
	char *awaits; /* what it waits for; NULL: it does not wait */
	uint64_t begin_usec, took_usec;
	SpanEnd end;
	bool decisive; /* the start would have been shorter without it; only of steps */
} StartSpan;

typedef struct StartTimes {
	char *name; /* of the VM; NULL: not known yet */
	uint64_t began_usec; /* monotonic; 0 once it is read back */
	uint64_t began_realtime_usec;
	uint64_t
		systemd_usec; /* from the fork of systemd's to the beginning; 0: not known. Not kept on record */
	uint64_t took_usec;
	bool over;
	bool runs; /* else it failed, or was ended on request */
	int exit_code;
	char *cause; /* the id of the finding that ended it; NULL: none */
	StartSpan *phases;
	size_t n_phases;
	StartSpan *steps; /* in the order of their beginning, once it is over */
	size_t n_steps;
} StartTimes;

/* The start begins; of which VM, is said later. */
void start_times_begin(uint64_t now_usec, uint64_t realtime_usec, StartTimes *ret);
void start_times_done(StartTimes *times);

/*
 * A phase begins, and the one before it ends; a step ended, which had begun then. What there is no memory for is
 * missing; once the start is over nothing is added.
 */
void start_times_phase(StartTimes *times, const char *name, uint64_t now_usec);
void start_times_step(StartTimes *times, const PlanStep *step, uint64_t began_usec,
		      uint64_t now_usec, SpanEnd end);

/* The VM runs, or does not. plan tells which step needed which; NULL: there was none. */
void start_times_end(StartTimes *times, uint64_t now_usec, const Plan *plan, bool runs);

/* Why not. cause: NULL where there was none. */
void start_times_cause(StartTimes *times, int exit_code, const char *cause);

/* NULL: out of memory. */
json_t *start_times_to_json(const StartTimes *times);

/* 0, -EUCLEAN where that is no such record, or -ENOMEM. *ret is untouched then. */
int start_times_from_json(const json_t *json, StartTimes *ret);
