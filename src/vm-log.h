/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "host/state-file.h"
#include "model/lifecycle.h"
#include "model/lives.h"
#include "model/plan.h"

/* What a run says of itself: each with the fields and the MESSAGE_ID of its kind (mvmd/journal.h). */

void vm_log_state(VmState from, VmState to, VmEvent event);

void vm_log_step_waits(const PlanStep *step);
void vm_log_step(const PlanStep *step, uint64_t took_usec);

/* The VMM runs the guest, so long after the start began. */
void vm_log_running(VmmKind kind, const char *version, pid_t pid, uint64_t took_usec);

/* The VM runs still, and has a supervisor again. life: NULL where none is known. */
void vm_log_adopted(VmmKind kind, const StateFile *state, const Life *life, uint64_t took_usec);

/* It runs still, and this is another program. */
void vm_log_reloaded(uint64_t took_usec);

/* What the guest did, and the number of its life: 0 before the first. */
void vm_log_life(unsigned life);
void vm_log_guest(const char *did);

/* What a finding of that id told of a link is so no more. */
void vm_log_mended(const char *id, const char *words);

/* So long it may take to say that it is ready. */
void vm_log_guest_awaited(uint64_t limit_usec);

/* A stop that somebody asked for, and how it goes. */
void vm_log_stop(const char *format, ...) _printf_(1, 2);

/* The last word of a run, in the journal only: on a terminal the cause stands a few lines above. */
void vm_log_ended(int exit_code, const Fault *cause);
