/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/lives.h"
#include "model/plan.h"
#include "model/start-times.h"
#include "run/step.h"

/*
 * One VM from its start to its end: the place where plan, steps, VMM, backends, console and control
 * meet. Events go in, the lifecycle's table says what follows, and this is done. Its files are the only ones that
 * log a run.
 */

typedef struct VmOptions {
	Kept *kept; /* what the process before us left; never NULL */
	const StateFile *adoption; /* the VM runs, and this is known of it; NULL: it is started */
	bool stop; /* it is to power off as soon as it can hear that */
	bool replace; /* a VMM that outlived its supervisor is killed first */
	int console_fd; /* the guest's console is copied there; -EBADF: nowhere */
	StartJudge judge;
	int *start_slot_fd; /* freed when the VM runs (host/slots.h); NULL: none */
	const char *state_directory; /* where a run that failed leaves its post-mortem */
	StartTimes *times; /* of this start up to here, written when the VM runs; NULL: no */
} VmOptions;

/* What is to be known after the run. */
typedef struct VmOutcome {
	LifeCrashes crashes; /* in: of earlier runs; out: and of this one */
	const char *cause; /* the id of the finding that ended it; NULL: none */
	bool took_lock; /* no: the VM is somebody else's */
	bool vmm_gone; /* it was to be adopted, and ended before: nothing was done */
} VmOutcome;

/*
 * Runs the plan until the VM is gone and all is undone, or could not be adopted and lives on. Returns the exit code
 * of the run. SIGTERM, SIGINT and SIGHUP are taken: the first presses the power button, the second ends the VM at once.
 */
int vm_run(const Plan *plan, const VmOptions *options, VmOutcome *outcome);
