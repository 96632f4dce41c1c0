/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "model/version.h"

#define NUMBER_MAX UINT64_C(1000000)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool read_number(const char **at, unsigned *ret)
{
	uint64_t number = 0;

	if (!is_digit(**at))
		return false;
	for (; is_digit(**at); (*at)++) {
		number = number * 10 + (uint64_t) (**at - '0');
		if (number > NUMBER_MAX)
			return false;
	}
	*ret = (unsigned) number;
	return true;
}

bool version_read(const char *text, Version *ret, const char **ret_end)
{
	Version version = { .rc = VERSION_FINAL };
	const char *at = *text == 'v' ? text + 1 : text;

	if (!read_number(&at, &version.numbers[0]))
		return false;
	for (size_t i = 1; i < ELEMENTSOF(version.numbers) && at[0] == '.' && is_digit(at[1]);
	     i++) {
		at++;
		if (!read_number(&at, &version.numbers[i]))
			return false;
	}
	if (strncmp(at, "-rc", 3) == 0 && is_digit(at[3])) {
		at += 3;
		if (!read_number(&at, &version.rc))
			return false;
	}
	version.has_suffix = *at != '\0';
	if (ret_end)
		*ret_end = at;
	*ret = version;
	return true;
}

int version_compare(const Version *a, const Version *b)
{
	for (size_t i = 0; i < ELEMENTSOF(a->numbers); i++)
		if (a->numbers[i] != b->numbers[i])
			return a->numbers[i] < b->numbers[i] ? -1 : 1;
	return a->rc == b->rc ? 0 : a->rc < b->rc ? -1 : 1;
}

/* One side of a range, absent where open. */
typedef struct Range {
	bool has_first, has_last;
	Version first, last;
} Range;

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " ");
}

/* Reads a range and the comma behind it. */
static bool read_range(const char **at, Range *ret)
{
	Range range = { 0 };

	*at = skip_blanks(*at);
	range.has_first = version_read(*at, &range.first, at);
	if (strncmp(*at, "..", 2) != 0)
		return false;
	*at += 2;
	range.has_last = version_read(*at, &range.last, at);
	*at = skip_blanks(*at);
	if (!range.has_first && !range.has_last)
		return false;
	if (range.has_first && range.has_last && version_compare(&range.first, &range.last) >= 0)
		return false;
	if (**at == ',') {
		*at = skip_blanks(*at + 1);
		if (!**at)
			return false;
	} else if (**at) {
		return false;
	}
	*ret = range;
	return true;
}

bool ranges_are_valid(const char *ranges)
{
	Range range;

	do {
		if (!read_range(&ranges, &range))
			return false;
	} while (*ranges);
	return true;
}

bool ranges_contain(const char *ranges, const Version *version)
{
	bool found = false;
	Range range;

	do {
		if (!read_range(&ranges, &range))
			return false;
		found = found ||
			((!range.has_first || version_compare(&range.first, version) <= 0) &&
			 (!range.has_last || version_compare(version, &range.last) < 0));
	} while (*ranges);
	return found;
}
