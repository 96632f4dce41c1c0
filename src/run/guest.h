/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "model/lives.h"
#include "run/clock-watch.h"
#include "run/step.h"

/*
 * The guest as it is seen from outside: its lives (model/lives.h), the words on its console, and the time that it
 * may be silent.
 */

typedef struct GuestHandler {
	/* Something that a person should know and that ends nothing. */
	void (*on_remark)(const Fault *fault, void *userdata);
	/* One crashed life too many: the VM is to end, and not to be tried again. From within guest_life_ends(). */
	void (*on_given_up)(const Fault *fault, void *userdata);
	void *userdata;
} GuestHandler;

typedef struct Guest {
	sd_event *event;
	const Resources *resources;
	GuestHandler handler;
	ClockWatch *clock; /* from the first life on; NULL where it cannot be watched */
	/* timeouts.guest of the life that goes on: its console, its drivers */
	sd_event_source *timer;
	bool given_up; /* no life begins any more, whatever the VMM does meanwhile */
	Lives lives;
	/* Of what it died the last time: a loop of the same is told once. */
	char told[GUEST_LINE_MAX];
} Guest;

/* event and resources must live longer. */
void guest_init(sd_event *event, const Resources *resources, const GuestHandler *handler,
		Guest *ret);
void guest_done(Guest *guest);

/*
 * The VMM says that it has booted the guest, and that it has reset it. The answer to the boot may come after the
 * first reset: then that life is known already.
 */
void guest_booted(Guest *guest);
void guest_life_begins(Guest *guest);

/* It has lived on without us: lives is what the last supervisor knew. unheard: nobody heard its console meanwhile. */
void guest_continues(Guest *guest, bool unheard);
void guest_life_ends(Guest *guest, LifeEnd end);

/* What it writes, as a ConsoleListener; userdata: the Guest. */
void guest_hear(const char *bytes, size_t n, void *userdata);

/* This moment, all that it has written until now having been read. */
LifeMoment guest_moment(const Guest *guest);
