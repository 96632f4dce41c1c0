/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/*
 * A time in the past as people write it: a duration ("30min", "2h", "1d", of the units of a spec and d for days; with or
 * without a leading '-'), "today", "yesterday", a local time ("09:00", "09:00:30"), a date or both
 * ("2026-11-22", "2026-11-22 09:00"). 0 with microseconds of CLOCK_REALTIME, or -EINVAL.
 */
int since_parse(const char *text, uint64_t now_realtime_usec, uint64_t *ret);

/* What since_parse() takes, for a message. */
#define SINCE_EXAMPLES "30min, 2h, 1d, today, yesterday, 09:00, 2026-11-22, \"2026-11-22 09:00\""
