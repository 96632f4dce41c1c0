/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "cli/record-text.h"
#include "model/utf8.h"

#define RECORD_VERSION 1
#define TIME_MAX       32
/* Most labels fit; longer ones push their line to the right. */
#define LABEL_COLUMNS 16

/* syslog(3) */
#define PRIORITY_ERROR	 3
#define PRIORITY_WARNING 4
#define PRIORITY_DEBUG	 7

/* ECMA-48 */
#define COLOUR_NONE "\033[0m"
static const char *const source_colours[_JOURNAL_SOURCE_MAX] = {
	[JOURNAL_OF_MVMD] = "\033[1;34m",    [JOURNAL_OF_VMM] = "\033[35m",
	[JOURNAL_OF_BACKEND] = "\033[36m",   [JOURNAL_OF_CONSOLE] = "\033[32m",
	[JOURNAL_OF_SYSTEMD] = "\033[2;37m", [JOURNAL_OF_OTHER] = "\033[33m",
};

static const char *text_colour(const JournalRecord *record)
{
	if (record->priority <= PRIORITY_ERROR)
		return "\033[1;31m";
	if (record->priority == PRIORITY_WARNING)
		return "\033[1;33m";
	return record->priority >= PRIORITY_DEBUG ? "\033[2m" : "";
}

static const char *local_time(char buffer[TIME_MAX], uint64_t realtime_usec)
{
	time_t sec = (time_t) (realtime_usec / USEC_PER_SEC);
	struct tm local;

	if (!localtime_r(&sec, &local) || strftime(buffer, TIME_MAX, "%b %d %H:%M:%S", &local) == 0)
		*buffer = '\0';
	return buffer;
}

void record_print(FILE *stream, const JournalRecord *record, bool coloured)
{
	_cleanup_free_ char *text = strdup(record->text), *label = strdup(record->label);
	char time[TIME_MAX], *rest = text;
	int indent;

	if (!text || !label)
		return;
	text_clean(label, strlen(label));
	(void) local_time(time, record->realtime_usec);
	(void) fprintf(stream, "%s %s%-*s%s ", time, coloured ? source_colours[record->source] : "",
		       LABEL_COLUMNS, label, coloured ? COLOUR_NONE : "");
	indent = (int) strlen(time) + 1 + LABEL_COLUMNS + 1;
	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
		text_clean(line, strlen(line));
		(void) fprintf(stream, "%*s%s%s%s\n", line == text ? 0 : indent, "",
			       coloured ? text_colour(record) : "", line,
			       coloured ? COLOUR_NONE : "");
	}
}

/* JSON has UTF-8 only; a line break is its own affair there. NULL: null. */
static json_t *clean_string(const char *text)
{
	_cleanup_free_ char *copy = text ? strdup(text) : NULL;
	char *rest = copy;

	if (!copy)
		return json_null();
	for (char *line = rest; line; line = rest) {
		size_t length = strcspn(line, "\n");

		text_clean(line, length);
		rest = line[length] ? line + length + 1 : NULL;
	}
	return json_string(copy);
}

static json_t *number_or_null(const char *text)
{
	uint64_t n;

	return text && parse_u64(text, INT64_MAX, &n) == 0 ? json_integer((json_int_t) n) :
							     json_null();
}

json_t *record_to_json(const JournalRecord *record)
{
	return json_pack(
		"{s:i, s:I, s:s, s:o, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "version",
		RECORD_VERSION, "realtime_usec", (json_int_t) record->realtime_usec, "source",
		journal_source_to_string(record->source), "label", clean_string(record->label),
		"priority", (int) record->priority, "message", clean_string(record->text),
		"message_id", clean_string(record->message_id), "state",
		clean_string(record->state), "step", clean_string(record->step), "backend",
		clean_string(record->backend), "finding", clean_string(record->finding), "life",
		number_or_null(record->life), "exit_code", number_or_null(record->exit_code));
}
