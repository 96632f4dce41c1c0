/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <time.h>

#include "cli/since.h"

#define SEC_PER_DAY UINT64_C(86400)

typedef struct AgoUnit {
	const char *suffix;
	uint64_t sec;
} AgoUnit;

static const AgoUnit ago_units[] = {
	{ "s", 1 }, { "min", 60 }, { "h", 3600 }, { "d", SEC_PER_DAY }, { "w", 7 * SEC_PER_DAY },
};

static int parse_ago(const char *text, uint64_t now_usec, uint64_t *ret)
{
	uint64_t n = 0;
	char *unit;

	text += *text == '-';
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &unit, 10);
	if (errno != 0)
		return -EINVAL;
	for (size_t i = 0; i < ELEMENTSOF(ago_units); i++) {
		if (!streq(unit, ago_units[i].suffix))
			continue;
		if (n > now_usec / USEC_PER_SEC / ago_units[i].sec)
			return -EINVAL; /* before 1970 */
		*ret = now_usec - n * ago_units[i].sec * USEC_PER_SEC;
		return 0;
	}
	return -EINVAL;
}

static int from_local(struct tm *local, uint64_t *ret)
{
	time_t sec;

	local->tm_isdst = -1;
	sec = mktime(local);
	if (sec < 0)
		return -EINVAL;
	*ret = (uint64_t) sec * USEC_PER_SEC;
	return 0;
}

/* What the text leaves out is today's, or 0 for hours and less. */
static int parse_time(const char *text, const struct tm *now, uint64_t *ret)
{
	static const char *const formats[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d",
					       "%H:%M:%S", "%H:%M" };

	for (size_t i = 0; i < ELEMENTSOF(formats); i++) {
		struct tm local = { .tm_year = now->tm_year,
				    .tm_mon = now->tm_mon,
				    .tm_mday = now->tm_mday };
		const char *end = strptime(text, formats[i], &local);

		if (end && !*end)
			return from_local(&local, ret);
	}
	return -EINVAL;
}

int since_parse(const char *text, uint64_t now_realtime_usec, uint64_t *ret)
{
	time_t sec = (time_t) (now_realtime_usec / USEC_PER_SEC);
	struct tm now;

	if (parse_ago(text, now_realtime_usec, ret) == 0)
		return 0;
	if (!localtime_r(&sec, &now))
		return -EINVAL;
	if (streq(text, "today") || streq(text, "yesterday")) {
		struct tm day = { .tm_year = now.tm_year,
				  .tm_mon = now.tm_mon,
				  .tm_mday = now.tm_mday - streq(text, "yesterday") };

		return from_local(&day, ret);
	}
	return parse_time(text, &now, ret);
}
