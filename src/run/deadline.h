/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/* How long the VM may stay in its state. */

/* How often a deadline that counts down says how much is left. */
#define COUNTDOWN_INTERVAL_SEC 5

typedef struct DeadlineHandler {
	void (*on_passed)(void *userdata);
	void (*on_countdown)(uint64_t seconds_left, void *userdata);
	void *userdata;
} DeadlineHandler;

/* Zero-initialise, set event and handler; they must live longer. */
typedef struct Deadline {
	sd_event *event;
	DeadlineHandler handler;
	sd_event_source *end, *countdown;
	uint64_t end_usec; /* CLOCK_MONOTONIC */
} Deadline;

/* In place of the one before. */
void deadline_set(Deadline *deadline, uint64_t after_usec, bool counts_down);
void deadline_clear(Deadline *deadline);

/* Rounded up; 0: it has passed. */
uint64_t deadline_seconds_left(const Deadline *deadline);
