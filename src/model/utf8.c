/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdint.h>

#include "model/utf8.h"

/* RFC 3629 §4: what the first byte says of the length and of the range of the second. */
typedef struct Lead {
	uint8_t first, last; /* of the first byte */
	uint8_t length;
	uint8_t second_min, second_max;
} Lead;

static const Lead leads[] = {
	{ 0xc2, 0xdf, 2, 0x80, 0xbf }, { 0xe0, 0xe0, 3, 0xa0, 0xbf }, { 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f }, { 0xee, 0xef, 3, 0x80, 0xbf }, { 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf }, { 0xf4, 0xf4, 4, 0x80, 0x8f },
};

static const Lead *lead_find(uint8_t byte)
{
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++)
		if (byte >= leads[i].first && byte <= leads[i].last)
			return &leads[i];
	return NULL;
}

size_t utf8_character(const char *text, size_t available)
{
	const uint8_t *bytes = (const uint8_t *) text;
	const Lead *lead;

	if (bytes[0] < 0x80) /* nearly all */
		return 1;
	lead = lead_find(bytes[0]);
	if (!lead || lead->length > available)
		return 0;
	if (bytes[1] < lead->second_min || bytes[1] > lead->second_max)
		return 0;
	for (size_t i = 2; i < lead->length; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return lead->length;
}

/* Almost all characters are: no need to look them up. */
static bool is_ascii(char byte)
{
	return (uint8_t) byte < 0x80;
}

size_t utf8_valid_prefix(const char *text, size_t length)
{
	size_t at = 0;

	while (at < length) {
		size_t n = is_ascii(text[at]) ? 1 : utf8_character(text + at, length - at);

		if (n == 0)
			break;
		at += n;
	}
	return at;
}

static bool is_control(const char *text, size_t n)
{
	uint8_t first = (uint8_t) text[0];

	if (n == 2)
		return first == 0xc2 && (uint8_t) text[1] < 0xa0; /* C1 */
	return n == 1 && first != '\t' && (first < ' ' || first == 0x7f);
}

void text_clean(char *text, size_t length)
{
	for (size_t at = 0; at < length;) {
		size_t n = utf8_character(text + at, length - at);

		if (n == 0 || is_control(text + at, n)) {
			n = n ?: 1;
			for (size_t i = 0; i < n; i++)
				text[at + i] = '?';
		}
		at += n;
	}
}

/* The bytes of the control sequence that text begins with; 0: it begins with none that is whole. */
static size_t sequence_length(const char *text, size_t available)
{
	size_t at = 2;

	if (available < 3 || text[0] != '\033' || text[1] != '[')
		return 0;
	while (at < available && text[at] >= 0x20 && text[at] <= 0x3f)
		at++;
	return at < available && text[at] >= 0x40 && text[at] <= 0x7e ? at + 1 : 0;
}

size_t text_drop_sequences(char *text, size_t length)
{
	size_t kept = 0;

	for (size_t at = 0; at < length;) {
		size_t n = sequence_length(text + at, length - at);

		if (n == 0)
			text[kept++] = text[at++];
		at += n;
	}
	return kept;
}
