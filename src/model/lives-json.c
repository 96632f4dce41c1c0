/* SPDX-License-Identifier: Apache-2.0 */
#include "model/lives-json.h"

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
		"{s:i, s:I, s:o, s:I, s:s?, s:s?, s:I, s:o, s:s?, s:s?, s:o}", "number",
		(int) life->number, "began_realtime_usec", (json_int_t) life->began.realtime_usec,
		"ended_realtime_usec",
		goes_on ? json_null() : json_integer((json_int_t) life->ended.realtime_usec),
		"duration_usec", (json_int_t) life_duration_usec(life, now->usec), "end",
		life_end_to_string(life->end), "asked_by", life_asker_to_string(life->asked_by),
		"console_bytes", (json_int_t) life_bytes(life, now->console_bytes), "devices",
		words_to_json(&life->devices), "console_words", *words ? words : NULL,
		"vmm_last_words", life->last_words, "backend_exits",
		words_to_json(&life->backend_exits));
}

json_t *lives_to_json(const Lives *lives, const LifeMoment *now)
{
	json_t *list = json_array();

	for (size_t i = 0; i < lives->n_kept; i++)
		(void) json_array_append_new(list, life_to_json(&lives->kept[i], now));
	return list;
}
