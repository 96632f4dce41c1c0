/* SPDX-License-Identifier: Apache-2.0 */
#include "run/deadline.h"
#include "base/util.h"

#define COUNTDOWN_INTERVAL_USEC (COUNTDOWN_INTERVAL_SEC * USEC_PER_SEC)

static int on_end(sd_event_source *source, uint64_t usec, void *userdata)
{
	Deadline *deadline = userdata;

	deadline->handler.on_passed(deadline->handler.userdata);
	return 0;
}

static int on_countdown(sd_event_source *source, uint64_t usec, void *userdata)
{
	Deadline *deadline = userdata;

	(void) sd_event_source_set_time_relative(source, COUNTDOWN_INTERVAL_USEC);
	(void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	deadline->handler.on_countdown(deadline_seconds_left(deadline), deadline->handler.userdata);
	return 0;
}

void deadline_set(Deadline *deadline, uint64_t after_usec, bool counts_down)
{
	deadline_clear(deadline);
	deadline->end_usec = now_usec() + after_usec;
	(void) sd_event_add_time(deadline->event, &deadline->end, CLOCK_MONOTONIC,
				 deadline->end_usec, 0, on_end, deadline);
	if (counts_down)
		(void) sd_event_add_time_relative(deadline->event, &deadline->countdown,
						  CLOCK_MONOTONIC, COUNTDOWN_INTERVAL_USEC, 0,
						  on_countdown, deadline);
}

void deadline_clear(Deadline *deadline)
{
	deadline->end = sd_event_source_disable_unref(deadline->end);
	deadline->countdown = sd_event_source_disable_unref(deadline->countdown);
}

uint64_t deadline_seconds_left(const Deadline *deadline)
{
	uint64_t now = now_usec(), end = deadline->end_usec, left = end > now ? end - now : 0;

	return (left + USEC_PER_SEC - 1) / USEC_PER_SEC;
}
