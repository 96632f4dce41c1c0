/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/fault.h"
#include "model/lifecycle.h"
#include "model/plan.h"

/* What can be said of taking over a VM whose supervisor died. Each sets fault and returns its error. */

/* Its VMM ended in the very moment. */
int fault_adopt_vmm_gone(const Plan *plan, pid_t pid, Fault *fault);

int fault_adopt_console(const Plan *plan, int error, Fault *fault);

/* The guest cannot be heard any more. Not a failure. */
int fault_console_lost(const Plan *plan, Fault *fault);

/* The VMM was not there long enough to have a guest. */
int fault_adopt_no_guest(const Plan *plan, Fault *fault);

/* It could not be taken over, for that cause, and goes on running by itself. */
int fault_adopt_failed(const Plan *plan, pid_t pid, const Fault *cause, Fault *fault);

/* The VM's record cannot be gone on with: error of lives_from_record() and the like. */
int fault_adopt_record(const Plan *plan, const char *part, int error, Fault *fault);

/* A reload cannot be now; not with that program, which cannot be executed, or is older. The VM runs on as it is. */
int fault_reload_refused(const Plan *plan, VmState state, Fault *fault);
int fault_reload_program(const Plan *plan, const char *path, int error, Fault *fault);
int fault_reload_older(const Plan *plan, const char *path, Fault *fault);
