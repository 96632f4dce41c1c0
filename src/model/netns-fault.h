/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/facts.h"
#include "model/spec.h"

/* The network namespace that the spec names cannot be entered: error, as netns_enter() has it. Returns error. */
int fault_netns(const char *name, int error, Fault *fault);

/* What plan_problems() finds about it. 0 or -ENOMEM. */
int netns_problems(const Spec *spec, const Facts *facts, FaultList *faults);
