/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/lifecycle.h"
#include "model/plan.h"
#include "run/vmm.h"

/*
 * What the systemd that started us is told of a run: sd_notify(3). Without NOTIFY_SOCKET in the environment nothing
 * of it happens. Children never see that variable: host/spawn.h gives them an environment of its own.
 *
 * A limit of the unit (TimeoutStartSec=, TimeoutStopSec=) is only for a supervisor that hangs: whatever it waits for
 * has a limit of ours, and each time one begins systemd is asked for that and UNIT_MARGIN_SEC.
 */

/* How STATUS= begins: the commands that wait for a unit read it. */
#define UNIT_STATUS_WAITING "waiting: " /* a start waits for its turn */
#define UNIT_STATUS_RUNNING "running: "
#define UNIT_STATUS_READYING                                                                       \
	UNIT_STATUS_RUNNING "waiting " /* for the guest to say that it is ready */
#define UNIT_STATUS_STOPPING "stopping: " /* the guest is asked to power off */
#define UNIT_STATUS_ENDED    "ended"
#define UNIT_STATUS_FAILED   UNIT_STATUS_ENDED " with exit code "

/* The cause of a failure in what STATUS= says, in status; NULL: it tells of none. */
const char *unit_status_cause(const char *status);

/* Beyond our own limits: for what has none because it takes no time, on a busy host. */
#define UNIT_MARGIN_SEC 30

typedef struct WaitingStep {
	const PlanStep *step;
} WaitingStep;

/* Zero-initialise. */
typedef struct SystemdUnit {
	WaitingStep *waiting; /* now */
	size_t n_waiting;
	VmState state; /* the last that was entered */
	bool ready; /* READY=1 was sent */
	int *slot_fd; /* the start slot, freed with READY=1 (host/slots.h); NULL: none */
} SystemdUnit;

/* True where a systemd started us and is told of the run. */
bool unit_is_told(void);

/* The start waits for its turn: before there is a run (cli/turn.h). */
void unit_waits_for_turn(uint64_t wait_usec);

/* The start waits for one of so many slots, which are taken: told again each interval_usec (cli/start-slot.h). */
void unit_waits_for_slot(unsigned slots, uint64_t interval_usec);

/* A step begins to wait; it waits no longer. */
void unit_step_waits(SystemdUnit *unit, const PlanStep *step);
void unit_step_done(SystemdUnit *unit, const PlanStep *step);

/* The VM enters a state that may last limit_usec; 0: none of its own. */
void unit_enters(SystemdUnit *unit, VmState state, uint64_t limit_usec);

/*
 * The VM runs, and the guest is to say that it is ready, within limit_usec; says: what it says of itself meanwhile, ""
 * where it says nothing. Only the first call, with a limit, asks systemd for so much time; later ones have 0.
 */
void unit_awaits_guest(uint64_t limit_usec, const char *says);

/* The guest says of itself. */
void unit_guest_says(const char *says);

/* The VM runs: the unit is active. */
void unit_runs(SystemdUnit *unit, VmmKind kind, const Vmm *vmm);

/*
 * The last word: what `systemctl status` shows of a unit that failed. cause: NULL where nothing is known. Without a
 * failure the unit was active, however short the guest lived; else systemd would call it a failure of its own.
 * Frees what unit has.
 */
void unit_ended(SystemdUnit *unit, int exit_code, const char *cause);
