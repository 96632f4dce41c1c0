/* SPDX-License-Identifier: Apache-2.0 */
#include "run/timer.h"

int timer_after(sd_event *event, sd_event_source **ret, uint64_t after_usec, uint64_t accuracy_usec,
		sd_event_time_handler_t handler, void *userdata)
{
	int r = sd_event_add_time(event, ret, CLOCK_MONOTONIC, now_usec() + after_usec,
				  accuracy_usec, handler, userdata);

	return r < 0 ? r : 0;
}
