/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "model/blame.h"

#define BAR_COLUMNS 40

const char *format_took(char buffer[FORMAT_MAX], uint64_t usec)
{
	if (usec < USEC_PER_MSEC)
		(void) snprintf(buffer, FORMAT_MAX, "%" PRIu64 "us", usec);
	else if (usec < USEC_PER_SEC)
		(void) snprintf(buffer, FORMAT_MAX, "%" PRIu64 ".%" PRIu64 "ms",
				usec / USEC_PER_MSEC, usec % USEC_PER_MSEC / 100);
	else
		(void) snprintf(buffer, FORMAT_MAX, "%" PRIu64 ".%03" PRIu64 "s",
				usec / USEC_PER_SEC, usec % USEC_PER_SEC / USEC_PER_MSEC);
	return buffer;
}

/* The bar of a span in the whole start: at least one letter wide. */
static void add_bar(StrBuf *text, const StartSpan *span, uint64_t start_usec, char letter)
{
	uint64_t whole = start_usec > 0 ? start_usec : 1;
	uint64_t from = span->begin_usec * BAR_COLUMNS / whole;
	uint64_t to = (span->begin_usec + span->took_usec) * BAR_COLUMNS / whole;
	char bar[BAR_COLUMNS + 1];

	if (from >= BAR_COLUMNS)
		from = BAR_COLUMNS - 1;
	if (to <= from)
		to = from + 1;
	memset(bar, ' ', BAR_COLUMNS);
	memset(bar + from, letter, to - from);
	bar[BAR_COLUMNS] = '\0';
	str_buf_add(text, "|%s|", bar);
}

static void add_span(StrBuf *text, const StartSpan *span, uint64_t start_usec, char letter)
{
	char begin[FORMAT_MAX], took[FORMAT_MAX];

	str_buf_add(text, "%10s %10s ", format_took(begin, span->begin_usec),
		    format_took(took, span->took_usec));
	add_bar(text, span, start_usec, letter);
}

static void add_step(StrBuf *text, const StartSpan *step, uint64_t start_usec)
{
	add_span(text, step, start_usec, step->end == SPAN_DONE ? '=' : '#');
	str_buf_add(text, " %c %s", step->decisive ? '*' : ' ', step->name);
	if (step->end != SPAN_DONE)
		str_buf_add(text, ", %s", span_end_to_string(step->end));
	if (step->awaits)
		str_buf_add(text, " (awaits %s)", step->awaits);
	str_buf_add(text, "\n");
}

static void add_head(StrBuf *text, const StartTimes *times, const char *when)
{
	char took[FORMAT_MAX];

	format_took(took, times->took_usec);
	if (times->runs)
		str_buf_add(text, "%s: ran %s after its start began, %s\n", times->name, took,
			    when);
	else if (times->exit_code == 0)
		str_buf_add(text, "%s: its start was ended on request after %s, %s\n", times->name,
			    took, when);
	else
		str_buf_add(text, "%s: its start ended after %s with exit code %d%s%s%s, %s\n",
			    times->name, took, times->exit_code, times->cause ? " [" : "",
			    times->cause ?: "", times->cause ? "]" : "", when);
}

static void add_systemd(StrBuf *text, const StartTimes *times)
{
	char took[FORMAT_MAX];

	if (times->systemd_usec > 0)
		str_buf_add(text, "before it systemd took %s to make the unit's sandbox\n",
			    format_took(took, times->systemd_usec));
}

int blame_to_text(const StartTimes *times, const char *when, char **ret)
{
	StrBuf text = { 0 };
	bool decisive = false;

	add_head(&text, times, when);
	add_systemd(&text, times);
	str_buf_add(&text, "%10s %10s\n", "BEGIN", "TOOK");
	for (size_t i = 0; i < times->n_phases; i++) {
		add_span(&text, &times->phases[i], times->took_usec, '-');
		str_buf_add(&text, " %s\n", times->phases[i].name);
	}
	for (size_t i = 0; i < times->n_steps; i++) {
		add_step(&text, &times->steps[i], times->took_usec);
		decisive = decisive || times->steps[i].decisive;
	}
	if (decisive)
		str_buf_add(&text, "* what the start waited for\n");
	return str_buf_take(&text, ret);
}
