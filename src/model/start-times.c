/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "model/start-times.h"

/* Fields are only ever added. */
#define START_TIMES_VERSION 1

/* A longer one is a record that is damaged; up to there all arithmetic of ours holds. */
#define START_LONGEST_USEC (UINT64_C(366) * 24 * 3600 * USEC_PER_SEC)

static const char *const span_end_table[_SPAN_END_MAX] = {
	[SPAN_DONE] = "done",
	[SPAN_FAILED] = "failed",
	[SPAN_UNFINISHED] = "unfinished",
};

const char *span_end_to_string(SpanEnd end)
{
	return span_end_table[end];
}

void start_times_begin(uint64_t now_usec, uint64_t realtime_usec, StartTimes *ret)
{
	*ret = (StartTimes){ .began_usec = now_usec, .began_realtime_usec = realtime_usec };
}

static void spans_done(StartSpan *spans, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(spans[i].name);
		free(spans[i].what);
		free(spans[i].awaits);
	}
	free(spans);
}

void start_times_done(StartTimes *times)
{
	spans_done(times->phases, times->n_phases);
	spans_done(times->steps, times->n_steps);
	free(times->name);
	free(times->cause);
	*times = (StartTimes){ 0 };
}

/* Those of a span, somebody else's. */
typedef struct SpanTexts {
	const char *name, *what, *awaits;
} SpanTexts;

/* Adds the span, with copies of the texts. 0 or -ENOMEM. */
static int span_add(StartSpan **spans, size_t *n, const SpanTexts *texts, const StartSpan *span)
{
	StartSpan copy = *span;

	if (str_set(&copy.name, texts->name) == 0 && str_set(&copy.what, texts->what) == 0 &&
	    str_set(&copy.awaits, texts->awaits) == 0 &&
	    array_grow(spans, *n, sizeof(**spans)) == 0) {
		(*spans)[(*n)++] = copy;
		return 0;
	}
	free(copy.name);
	free(copy.what);
	free(copy.awaits);
	return -ENOMEM;
}

static void end_phase(StartTimes *times, uint64_t at_usec)
{
	StartSpan *last = times->n_phases > 0 ? &times->phases[times->n_phases - 1] : NULL;

	if (last)
		last->took_usec = at_usec - last->begin_usec;
}

void start_times_phase(StartTimes *times, const char *name, uint64_t now_usec)
{
	StartSpan phase = { .begin_usec = now_usec - times->began_usec };
	SpanTexts texts = { .name = name };

	if (times->over)
		return;
	end_phase(times, phase.begin_usec);
	(void) span_add(&times->phases, &times->n_phases, &texts, &phase);
}

void start_times_step(StartTimes *times, const PlanStep *step, uint64_t began_usec,
		      uint64_t now_usec, SpanEnd end)
{
	SpanTexts texts = { step->id, step->what, step->awaits };
	StartSpan span = { .begin_usec = began_usec - times->began_usec,
			   .took_usec = now_usec - began_usec,
			   .end = end };

	if (!times->over)
		(void) span_add(&times->steps, &times->n_steps, &texts, &span);
}

static int compare_spans(const void *a, const void *b)
{
	const StartSpan *x = a, *y = b;

	return x->begin_usec < y->begin_usec ? -1 : x->begin_usec > y->begin_usec;
}

static StartSpan *find_span(const StartTimes *times, const char *id)
{
	for (size_t i = 0; i < times->n_steps; i++)
		if (streq(times->steps[i].name, id))
			return &times->steps[i];
	return NULL;
}

static const PlanStep *find_step(const Plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->n_steps; i++)
		if (streq(plan->steps[i].id, id))
			return &plan->steps[i];
	return NULL;
}

/* The later of two that ended; NULL: none. */
static StartSpan *later(StartSpan *a, StartSpan *b)
{
	if (!a || !b)
		return a ?: b;
	return b->begin_usec + b->took_usec > a->begin_usec + a->took_usec ? b : a;
}

/* Backwards from the step that ended last: of those that it needed the last one held it up, and so on. */
static void mark_decisive(const StartTimes *times, const Plan *plan)
{
	StartSpan *span = NULL;

	for (size_t i = 0; i < times->n_steps; i++)
		span = later(span, &times->steps[i]);
	while (span) {
		const PlanStep *step = find_step(plan, span->name);
		StartSpan *before = NULL;

		span->decisive = true;
		for (size_t i = 0; step && i < step->n_needs; i++)
			before = later(before, find_span(times, plan->steps[step->needs[i]].id));
		span = before;
	}
}

void start_times_end(StartTimes *times, uint64_t now_usec, const Plan *plan, bool runs)
{
	if (times->over)
		return;
	times->took_usec = now_usec - times->began_usec;
	end_phase(times, times->took_usec);
	times->over = true;
	times->runs = runs;
	if (times->n_steps > 1)
		qsort(times->steps, times->n_steps, sizeof(*times->steps), compare_spans);
	if (plan)
		mark_decisive(times, plan);
}

void start_times_cause(StartTimes *times, int exit_code, const char *cause)
{
	times->exit_code = exit_code;
	(void) str_set(&times->cause, cause);
}

static json_t *span_to_json(const StartSpan *span)
{
	return json_pack("{s:s, s:I, s:I, s:s}", "name", span->name, "begin_usec",
			 (json_int_t) span->begin_usec, "took_usec", (json_int_t) span->took_usec,
			 "end", span_end_to_string(span->end));
}

static json_t *spans_to_json(const StartSpan *spans, size_t n, bool steps)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *span = span_to_json(&spans[i]);

		if (steps && span)
			(void) json_object_update_new(span, json_pack("{s:s?, s:s?, s:b}", "what",
								      spans[i].what, "awaits",
								      spans[i].awaits, "decisive",
								      spans[i].decisive));
		(void) json_array_append_new(list, span);
	}
	return list;
}

json_t *start_times_to_json(const StartTimes *times)
{
	json_t *systemd = times->systemd_usec > 0 ? json_integer((json_int_t) times->systemd_usec) :
						    json_null();

	return json_pack("{s:i, s:s, s:I, s:o, s:I, s:b, s:i, s:s?, s:o, s:o}", "version",
			 START_TIMES_VERSION, "name", times->name, "began_realtime_usec",
			 (json_int_t) times->began_realtime_usec, "systemd_usec", systemd,
			 "took_usec", (json_int_t) times->took_usec, "runs", times->runs,
			 "exit_code", times->exit_code, "cause", times->cause, "phases",
			 spans_to_json(times->phases, times->n_phases, false), "steps",
			 spans_to_json(times->steps, times->n_steps, true));
}

static int number_from_json(const json_t *json, const char *key, uint64_t *ret)
{
	const json_t *number = json_object_get(json, key);

	if (!json_is_integer(number) || json_integer_value(number) < 0)
		return -EUCLEAN;
	*ret = (uint64_t) json_integer_value(number);
	return 0;
}

/* What a newer mvmd calls otherwise has not ended well. */
static SpanEnd end_from_json(const json_t *json)
{
	const char *text = json_string_value(json) ?: "";

	for (SpanEnd end = SPAN_DONE; end < _SPAN_END_MAX; end++)
		if (streq(text, span_end_table[end]))
			return end;
	return SPAN_UNFINISHED;
}

/* The texts stay json's. A span ends within its start. */
static int span_from_json(const json_t *json, uint64_t start_usec, SpanTexts *ret_texts,
			  StartSpan *ret)
{
	*ret_texts = (SpanTexts){
		.name = json_string_value(json_object_get(json, "name")),
		.what = json_string_value(json_object_get(json, "what")),
		.awaits = json_string_value(json_object_get(json, "awaits")),
	};
	*ret = (StartSpan){
		.end = end_from_json(json_object_get(json, "end")),
		.decisive = json_is_true(json_object_get(json, "decisive")),
	};
	if (!ret_texts->name || number_from_json(json, "begin_usec", &ret->begin_usec) < 0 ||
	    number_from_json(json, "took_usec", &ret->took_usec) < 0 ||
	    ret->begin_usec > start_usec || ret->took_usec > start_usec - ret->begin_usec)
		return -EUCLEAN;
	return 0;
}

static int spans_from_json(const json_t *list, uint64_t start_usec, StartSpan **ret, size_t *ret_n)
{
	const json_t *json;
	SpanTexts texts;
	StartSpan span;
	size_t i;
	int r = json_is_array(list) ? 0 : -EUCLEAN;

	json_array_foreach(list, i, json) {
		if (r == 0)
			r = span_from_json(json, start_usec, &texts, &span);
		if (r == 0)
			r = span_add(ret, ret_n, &texts, &span);
	}
	return r;
}

int start_times_from_json(const json_t *json, StartTimes *ret)
{
	const char *name = json_string_value(json_object_get(json, "name"));
	StartTimes times = { .over = true, .runs = json_is_true(json_object_get(json, "runs")) };
	int r = name ? str_set(&times.name, name) : -EUCLEAN;

	times.exit_code = (int) json_integer_value(json_object_get(json, "exit_code"));
	if (r == 0)
		r = str_set(&times.cause, json_string_value(json_object_get(json, "cause")));
	if (r == 0)
		r = number_from_json(json, "began_realtime_usec", &times.began_realtime_usec);
	if (r == 0)
		r = number_from_json(json, "took_usec", &times.took_usec);
	if (r == 0 && times.took_usec > START_LONGEST_USEC)
		r = -EUCLEAN;
	if (r == 0)
		r = spans_from_json(json_object_get(json, "phases"), times.took_usec, &times.phases,
				    &times.n_phases);
	if (r == 0)
		r = spans_from_json(json_object_get(json, "steps"), times.took_usec, &times.steps,
				    &times.n_steps);
	if (r < 0)
		start_times_done(&times);
	else
		*ret = times;
	return r;
}
