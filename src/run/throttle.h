/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/util.h"

/* Lines of one writer on their way into the journal, bounded by model/line-limit.h. */
typedef struct Throttle Throttle;

typedef struct ThrottleHandler {
	void (*on_line)(const char *line, void *userdata);
	void (*on_gap)(uint64_t lines, void *userdata); /* so many were left out here */
	void *userdata;
} ThrottleHandler;

/* 0 or -ENOMEM. */
int throttle_new(sd_event *event, const ThrottleHandler *handler, Throttle **ret);
void throttle_line(Throttle *throttle, const char *line);

/* Lets go what is held: the writer has ended. */
void throttle_flush(Throttle *throttle);

/* The same, without it. */
Throttle *throttle_free(Throttle *throttle);
DEFINE_CLEANUP(Throttle *, throttle_free)
