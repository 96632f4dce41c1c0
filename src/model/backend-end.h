/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/child-end.h"
#include "model/plan.h"

/* A backend that ended, and not because its client had left it. Pure. */

/*
 * Sets fault to "backend-crashed" or "backend-usage", with its cause, evidence and remedy, and the exit code that
 * its policy asks for. Returns the fault's error.
 */
int fault_backend_ended(const Plan *plan, const PlanBackend *backend, const EndFacts *facts,
			Fault *fault);

/* It will be started again: what its guest has to do for that, where it has to do anything. */
void backend_end_is_survived(const PlanBackend *backend, unsigned crashes, Fault *fault);

/* It ended that often in a row and is not started again: "backend-lost". */
void backend_end_is_the_last(unsigned crashes, Fault *fault);

/*
 * Its policy says that it is not to come back: "backend-lost", with what the VM comes to. What no start can
 * cure keeps its name.
 */
void backend_end_is_the_vms(const Plan *plan, const PlanBackend *backend, Fault *fault);

/* A start of the same program with the same options would end in the same way. */
bool backend_end_is_hopeless(const Fault *fault);

/*
 * The guest begins anew, and with it its mounts and drivers: drops the findings that asked for a new mount, or missed
 * a driver.
 */
void findings_new_life(FaultList *findings);
