/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdlib.h>

#include "model/log-patterns.h"
#include "model/utf8.h"
#include "model/wrap.h"

#define TEXT_INDENT 2

/* Of a longer line so much is shown. */
#define LINE_SHOWN_MAX_BYTES 300

static bool fits(const LogPattern *pattern, const char *line)
{
	if (pattern->without && strstr(line, pattern->without))
		return false;
	for (size_t i = 0; i < LOG_PIECES_MAX && pattern->pieces[i]; i++) {
		line = strstr(line, pattern->pieces[i]);
		if (!line)
			return false;
		line += strlen(pattern->pieces[i]);
	}
	return true;
}

const LogPattern *log_pattern_find(const char *line)
{
	for (size_t i = 0; i < n_log_patterns; i++)
		if (fits(&log_patterns[i], line))
			return &log_patterns[i];
	return NULL;
}

bool log_line_is_noise(const char *line)
{
	const LogPattern *pattern = log_pattern_find(line);

	return pattern && pattern->verdict == LOG_NOISE;
}

static int keep_line(LogMatch *match, const char *line)
{
	size_t length;

	line += strspn(line, " \t");
	length = utf8_valid_prefix(line, strnlen(line, LINE_SHOWN_MAX_BYTES));
	match->line = strndup(line, length > 0 ? length : strnlen(line, LINE_SHOWN_MAX_BYTES));
	if (!match->line)
		return -ENOMEM;
	text_clean(match->line, strlen(match->line));
	return 0;
}

int log_reading_add(LogReading *reading, const char *line)
{
	const LogPattern *pattern = log_pattern_find(line);
	LogMatch *match;

	if (!reading->matches)
		reading->matches = calloc(n_log_patterns, sizeof(*reading->matches));
	if (!reading->matches)
		return -ENOMEM;
	reading->lines++;
	if (!pattern)
		return 0;
	reading->known++;
	match = &reading->matches[pattern - log_patterns];
	if (match->count++ > 0)
		return 0;
	match->first_line = reading->lines;
	return keep_line(match, line);
}

static void add_match(StrBuf *buf, const LogPattern *pattern, const LogMatch *match)
{
	static const char *const words[_LOG_VERDICT_MAX] = {
		[LOG_CAUSE] = "CAUSE",
		[LOG_SYMPTOM] = "SYMPTOM",
		[LOG_NOISE] = "NOISE",
	};

	str_buf_add(buf, "\n%s %s, line %zu", words[pattern->verdict], pattern->id,
		    match->first_line);
	if (match->count > 1)
		str_buf_add(buf, ", %zu times", match->count);
	str_buf_add(buf, "\n%*s| %s\n", TEXT_INDENT, "", match->line);
	wrap_add(buf, TEXT_INDENT, "What it means", pattern->meaning);
	if (pattern->check)
		wrap_add(buf, TEXT_INDENT, "What to check", pattern->check);
	else
		wrap_add(buf, TEXT_INDENT, "What to check", "Nothing; it is harmless.");
}

int log_reading_to_text(const LogReading *reading, char **ret)
{
	StrBuf buf = { 0 };

	str_buf_add(&buf, "%zu lines, %zu of them known\n", reading->lines, reading->known);
	for (LogVerdict verdict = 0; verdict < _LOG_VERDICT_MAX; verdict++)
		for (size_t i = 0; reading->matches && i < n_log_patterns; i++)
			if (log_patterns[i].verdict == verdict && reading->matches[i].count > 0)
				add_match(&buf, &log_patterns[i], &reading->matches[i]);
	if (reading->known == 0)
		wrap_add(&buf, 0, NULL,
			 "Nothing of this is known here, which means neither that all is well "
			 "nor that it is not.");
	return str_buf_take(&buf, ret);
}

static json_t *match_to_json(const LogPattern *pattern, const LogMatch *match)
{
	static const char *const words[_LOG_VERDICT_MAX] = {
		[LOG_CAUSE] = "cause",
		[LOG_SYMPTOM] = "symptom",
		[LOG_NOISE] = "noise",
	};

	return json_pack("{s:s, s:s, s:I, s:I, s:s, s:s, s:s?}", "id", pattern->id, "verdict",
			 words[pattern->verdict], "count", (json_int_t) match->count, "first_line",
			 (json_int_t) match->first_line, "line", match->line, "meaning",
			 pattern->meaning, "check", pattern->check);
}

int log_reading_to_json(const LogReading *reading, char **ret)
{
	json_t *list = json_array(), *json;
	char *text = NULL;
	int r = 0;

	for (size_t i = 0; reading->matches && i < n_log_patterns; i++)
		if (reading->matches[i].count > 0)
			r |= json_array_append_new(
				list, match_to_json(&log_patterns[i], &reading->matches[i]));
	json = json_pack("{s:i, s:I, s:I, s:o}", "version", 1, "lines", (json_int_t) reading->lines,
			 "known", (json_int_t) reading->known, "matches", list);
	if (json && r == 0)
		text = json_dumps(json, JSON_INDENT(2));
	json_decref(json);
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

void log_reading_done(LogReading *reading)
{
	for (size_t i = 0; reading->matches && i < n_log_patterns; i++)
		free(reading->matches[i].line);
	free(reading->matches);
	*reading = (LogReading){ 0 };
}
