/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/util.h"

/*
 * Calls handler once, so long from now. sd_event_add_time_relative(3) counts from when the event loop woke up: what begins
 * behind something that took its time would have less than its limit. 0 or -errno.
 */
int timer_after(sd_event *event, sd_event_source **ret, uint64_t after_usec, uint64_t accuracy_usec,
		sd_event_time_handler_t handler, void *userdata);
