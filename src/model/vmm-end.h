/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/child-end.h"
#include "model/plan.h"

/* A VMM that ended and nobody had asked, told with its cause. Pure. */
typedef struct VmmEnd {
	EndFacts facts;
	bool answered; /* it had answered us before, so it had taken its command line */
} VmmEnd;

/*
 * Sets fault to one of vmm-killed, vmm-oom-killed, vmm-seccomp, vmm-bus-error, vmm-crashed, vmm-refused and
 * vmm-exited, which says no more than is known. Returns its error.
 */
int fault_vmm_ended(const Plan *plan, const VmmEnd *end, Fault *fault);

/* Adds to a "vmm-refused" what can be done about its evidence "vmm_error". Returns fault->error. */
int vmm_refusal_add_remedy(const Plan *plan, Fault *fault);
