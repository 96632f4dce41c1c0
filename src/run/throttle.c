/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "model/line-limit.h"
#include "run/throttle.h"

struct Throttle {
	sd_event *event;
	sd_event_source *timer; /* there while lines are held */
	ThrottleHandler handler;
	LineLimit limit;
};

int throttle_new(sd_event *event, const ThrottleHandler *handler, Throttle **ret)
{
	Throttle *throttle = calloc(1, sizeof(*throttle));

	if (!throttle)
		return -ENOMEM;
	throttle->event = sd_event_ref(event);
	throttle->handler = *handler;
	*ret = throttle;
	return 0;
}

void throttle_flush(Throttle *throttle)
{
	const ThrottleHandler *handler = &throttle->handler;
	uint64_t left_out = line_limit_release(&throttle->limit, now_usec());
	char *line;

	throttle->timer = sd_event_source_disable_unref(throttle->timer);
	if (left_out > 0)
		handler->on_gap(left_out, handler->userdata);
	while ((line = line_limit_next(&throttle->limit))) {
		handler->on_line(line, handler->userdata);
		free(line);
	}
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	throttle_flush(userdata);
	return 0;
}

void throttle_line(Throttle *throttle, const char *line)
{
	if (line_limit_take(&throttle->limit, line, now_usec())) {
		throttle->handler.on_line(line, throttle->handler.userdata);
		return;
	}
	/* Without a timer they would be held until the end: then nothing is. */
	if (!throttle->timer &&
	    sd_event_add_time_relative(throttle->event, &throttle->timer, CLOCK_MONOTONIC,
				       LINE_LIMIT_HOLD_USEC, 0, on_time, throttle) < 0)
		throttle_flush(throttle);
}

Throttle *throttle_free(Throttle *throttle)
{
	if (!throttle)
		return NULL;
	(void) sd_event_source_disable_unref(throttle->timer);
	(void) sd_event_unref(throttle->event);
	line_limit_done(&throttle->limit);
	free(throttle);
	return NULL;
}
