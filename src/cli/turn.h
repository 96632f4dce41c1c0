/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/commands.h"
#include "model/history.h"

/*
 * The turn of a start: after an end that is tried again the next start waits first, longer each time, so that a
 * unit that systemd restarts at once is no storm. How each run ended is kept for that in STATE/NAME/history.json.
 */
typedef struct Turn {
	const Places *places;
	char *name; /* of the VM */
	History history;
	History tries; /* of the unit, without the VM's lock: cli/unit-tries.h */
	bool others; /* the VM runs: its history is its supervisor's */
} Turn;

typedef enum TurnKind {
	TURN_WAITS,
	TURN_NOW, /* it does not wait, whatever happened before */
	TURN_GOES_ON, /* no start, but the run that its supervisor did not see to the end; only a second try of that waits */
} TurnKind;

/*
 * Looks how the last runs of the VM that argument names ended and waits where that asks for it. SIGURG ends the wait, as
 * mvmd start does; SIGTERM, SIGINT and SIGHUP end it and the start with it. Returns true where the start is to go on;
 * else *ret_exit_code is how it
 * ends. *ret is to be freed in any case.
 */
bool turn_take(const Places *places, const char *argument, TurnKind kind, Turn *ret,
	       int *ret_exit_code);

/* The start waits for a slot, and tells again before that time; 0: it waits no longer. */
void turn_waits_for_slot(Turn *turn, uint64_t until_usec);

/*
 * The run begins; it ended. The beginning is written where the start has time for that: of a run that is killed
 * before, nothing is known. cause: the id of its finding, NULL for none. crashes: of all lives up to now.
 */
void turn_begins(Turn *turn);
void turn_ended(Turn *turn, int exit_code, const char *cause, const LifeCrashes *crashes);
void turn_done(Turn *turn);
