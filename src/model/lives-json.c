/* SPDX-License-Identifier: Apache-2.0 */
#include "model/lives-json.h"

/* What is no UTF-8 is no JSON: it is not known, then. */
static json_t *text_to_json(const char *text)
{
	return (text ? json_string(text) : NULL) ?: json_null();
}

static json_t *words_to_json(const StrList *words)
{
	json_t *list = json_array();

	for (size_t i = 0; i < words->n; i++)
		(void) json_array_append_new(list, json_string(words->items[i]));
	return list;
}

static json_t *life_to_json(const Life *life, const LifeMoment *now)
{
	bool goes_on = life->end == LIFE_GOES_ON;
	const char *words = guest_words_text(&life->words);

	return json_pack(
		"{s:i, s:I, s:o, s:I, s:s?, s:s?, s:I, s:o, s:s?, s:o, s:o}", "number",
		(int) life->number, "began_realtime_usec", (json_int_t) life->began.realtime_usec,
		"ended_realtime_usec",
		goes_on ? json_null() : json_integer((json_int_t) life->ended.realtime_usec),
		"duration_usec", (json_int_t) life_duration_usec(life, now->usec), "end",
		life_end_to_string(life->end), "asked_by", life_asker_to_string(life->asked_by),
		"console_bytes", (json_int_t) life_bytes(life, now->console_bytes), "devices",
		words_to_json(&life->devices), "console_words", *words ? words : NULL,
		"vmm_last_words", text_to_json(life->last_words), "backend_exits",
		words_to_json(&life->backend_exits));
}

json_t *lives_to_json(const Lives *lives, const LifeMoment *now)
{
	json_t *list = json_array();

	for (size_t i = 0; i < lives->n_kept; i++)
		(void) json_array_append_new(list, life_to_json(&lives->kept[i], now));
	return list;
}

static const char *const death_table[_GUEST_DEATH_MAX] = {
	[GUEST_LIVES] = NULL,
	[GUEST_PANIC] = "panic",
	[GUEST_NO_ROOT] = "no-root",
	[GUEST_NO_INIT] = "no-init",
	[GUEST_OUT_OF_MEMORY] = "out-of-memory",
};

/* The line that is being written, as far as it could be one of the kernel's. */
static json_t *line_to_json(const GuestWords *words)
{
	char line[GUEST_LINE_MAX];

	for (size_t i = 0; i < words->n_line; i++) {
		unsigned char c = (unsigned char) words->line[i];

		line[i] = (char) (c < ' ' || c > '~' ? '?' : c);
	}
	return json_stringn(line, words->n_line);
}

static json_t *moment_to_json(const LifeMoment *moment)
{
	return json_pack("{s:I, s:I, s:I}", "usec", (json_int_t) moment->usec, "realtime_usec",
			 (json_int_t) moment->realtime_usec, "console_bytes",
			 (json_int_t) moment->console_bytes);
}

static json_t *hearing_to_json(const GuestWords *words)
{
	return json_pack("{s:o, s:s?, s:o, s:i}", "line", line_to_json(words), "death",
			 death_table[words->death], "text", text_to_json(words->text),
			 "lines_since", (int) words->lines_since);
}

static json_t *life_to_record(const Life *life)
{
	return json_pack("{s:i, s:o, s:o, s:s?, s:s?, s:o, s:o, s:o, s:o, s:b}", "number",
			 (int) life->number, "began", moment_to_json(&life->began), "ended",
			 moment_to_json(&life->ended), "end", life_end_to_string(life->end),
			 "asked_by", life_asker_to_string(life->asked_by), "words",
			 hearing_to_json(&life->words), "devices", words_to_json(&life->devices),
			 "backend_exits", words_to_json(&life->backend_exits), "last_words",
			 text_to_json(life->last_words), "unheard", life->unheard);
}

json_t *lives_to_record(const Lives *lives)
{
	json_t *kept = json_array(), *crashes = json_array();

	for (size_t i = 0; i < lives->n_kept; i++)
		(void) json_array_append_new(kept, life_to_record(&lives->kept[i]));
	for (size_t i = 0; i < lives->crashes.n; i++)
		(void) json_array_append_new(crashes,
					     json_integer((json_int_t) lives->crashes.usec[i]));
	return json_pack("{s:i, s:o, s:o, s:s?, s:I, s:b, s:b, s:b, s:b}", "n", (int) lives->n,
			 "kept", kept, "crashes_usec", crashes, "asked_by",
			 life_asker_to_string(lives->asked_by), "last_ended_usec",
			 (json_int_t) lives->last_ended_usec, "neighbour_spoke",
			 lives->neighbour_spoke, "may_be_mute", lives->may_be_mute, "lost_backend",
			 lives->lost_backend, "ignored_power_off", lives->ignored_power_off);
}

/* Of a number that cannot be negative. 0 or -EUCLEAN. */
static int number_from_json(const json_t *number, uint64_t *ret)
{
	if (!json_is_integer(number) || json_integer_value(number) < 0)
		return -EUCLEAN;
	*ret = (uint64_t) json_integer_value(number);
	return 0;
}

static int moment_from_json(const json_t *json, LifeMoment *ret)
{
	int r = number_from_json(json_object_get(json, "usec"), &ret->usec);

	if (r == 0)
		r = number_from_json(json_object_get(json, "realtime_usec"), &ret->realtime_usec);
	if (r == 0)
		r = number_from_json(json_object_get(json, "console_bytes"), &ret->console_bytes);
	return r;
}

/* A way of ending that a newer mvmd tells apart is not known here. */
static LifeEnd end_from_json(const json_t *json)
{
	const char *text = json_string_value(json);

	for (LifeEnd end = LIFE_GOES_ON; end < _LIFE_END_MAX; end++)
		if (streq_null(text, life_end_to_string(end)))
			return end;
	return LIFE_UNKNOWN;
}

static LifeAsker asker_from_json(const json_t *json)
{
	const char *text = json_string_value(json);

	for (LifeAsker asker = LIFE_ASKED_BY_NOBODY; asker < _LIFE_ASKER_MAX; asker++)
		if (streq_null(text, life_asker_to_string(asker)))
			return asker;
	return LIFE_ASKED_BY_NOBODY;
}

static int hearing_from_json(const json_t *json, GuestWords *ret)
{
	const char *text = json_string_value(json_object_get(json, "text"));
	const char *death = json_string_value(json_object_get(json, "death"));
	const json_t *line = json_object_get(json, "line");
	uint64_t lines_since;

	if (number_from_json(json_object_get(json, "lines_since"), &lines_since) < 0 ||
	    json_string_length(line) >= sizeof(ret->line) ||
	    (text && strlen(text) >= sizeof(ret->text)))
		return -EUCLEAN;
	for (GuestDeath i = GUEST_LIVES; i < _GUEST_DEATH_MAX; i++)
		if (streq_null(death, death_table[i]))
			ret->death = i;
	ret->lines_since = (unsigned) lines_since;
	ret->n_line = json_string_length(line);
	if (ret->n_line > 0)
		memcpy(ret->line, json_string_value(line), ret->n_line);
	if (text)
		memcpy(ret->text, text, strlen(text) + 1);
	return 0;
}

static int words_from_json(const json_t *list, size_t max, StrList *ret)
{
	const json_t *word;
	size_t i;

	json_array_foreach(list, i, word)
		if (json_is_string(word) && ret->n < max)
			str_list_add(ret, "%s", json_string_value(word));
	return ret->failed ? -ENOMEM : 0;
}

static int life_from_record(const json_t *json, Life *ret)
{
	const char *last_words = json_string_value(json_object_get(json, "last_words"));
	uint64_t number = 0;
	int r;

	r = number_from_json(json_object_get(json, "number"), &number);
	if (r == 0)
		r = moment_from_json(json_object_get(json, "began"), &ret->began);
	if (r == 0)
		r = moment_from_json(json_object_get(json, "ended"), &ret->ended);
	if (r == 0)
		r = hearing_from_json(json_object_get(json, "words"), &ret->words);
	if (r == 0)
		r = words_from_json(json_object_get(json, "devices"), LIFE_DEVICES_MAX,
				    &ret->devices);
	if (r == 0)
		r = words_from_json(json_object_get(json, "backend_exits"), LIFE_EXITS_MAX,
				    &ret->backend_exits);
	if (r == 0 && last_words)
		r = str_set(&ret->last_words, last_words);
	ret->number = (unsigned) number;
	ret->end = end_from_json(json_object_get(json, "end"));
	ret->asked_by = asker_from_json(json_object_get(json, "asked_by"));
	ret->unheard = json_is_true(json_object_get(json, "unheard"));
	return r;
}

/* The last ones, where there are more than this version keeps. */
static int kept_from_json(const json_t *list, Lives *ret)
{
	size_t n = json_array_size(list), first = n > LIVES_KEPT ? n - LIVES_KEPT : 0;
	int r = json_is_array(list) ? 0 : -EUCLEAN;

	for (size_t i = first; r == 0 && i < n; i++)
		r = life_from_record(json_array_get(list, i), &ret->kept[ret->n_kept++]);
	return r;
}

static int crashes_from_json(const json_t *list, LifeCrashes *ret)
{
	size_t n = json_array_size(list);
	int r = json_is_array(list) ? 0 : -EUCLEAN;

	for (size_t i = n > LIVES_CRASHES_MAX ? n - LIVES_CRASHES_MAX : 0; r == 0 && i < n; i++)
		r = number_from_json(json_array_get(list, i), &ret->usec[ret->n++]);
	return r;
}

int lives_from_record(const json_t *record, Lives *ret)
{
	_cleanup_(lives_done) Lives lives = { 0 };
	uint64_t n = 0;
	int r;

	r = number_from_json(json_object_get(record, "n"), &n);
	if (r == 0)
		r = number_from_json(json_object_get(record, "last_ended_usec"),
				     &lives.last_ended_usec);
	if (r == 0)
		r = crashes_from_json(json_object_get(record, "crashes_usec"), &lives.crashes);
	if (r == 0)
		r = kept_from_json(json_object_get(record, "kept"), &lives);
	if (r < 0)
		return r;
	lives.n = (unsigned) n;
	lives.asked_by = asker_from_json(json_object_get(record, "asked_by"));
	lives.neighbour_spoke = json_is_true(json_object_get(record, "neighbour_spoke"));
	lives.may_be_mute = json_is_true(json_object_get(record, "may_be_mute"));
	lives.lost_backend = json_is_true(json_object_get(record, "lost_backend"));
	lives.ignored_power_off = json_is_true(json_object_get(record, "ignored_power_off"));
	*ret = lives;
	lives = (Lives){ 0 };
	return 0;
}
