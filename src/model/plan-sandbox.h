/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/facts.h"
#include "model/plan.h"

/* What the unit or the container forbids and the VM needs: a part of plan_problems(). 0 or -ENOMEM. */
int plan_sandbox(const Spec *spec, const Facts *facts, const VmmChoice *choice, FaultList *faults);

/*
 * True where not a device's mode but the unit refuses it: fault tells. error is that of the try; mode 0: nobody looked,
 * and it is known to be a device.
 */
bool device_is_refused(const Spec *spec, const char *path, mode_t mode, int error, Fault *fault);

/* True where a file is missing that a /tmp of our own would hide. */
bool path_may_be_out_of_view(const PathFact *path);

/* True where a file is missing since the unit has a /tmp of its own, or hides users' homes: fault tells. */
bool path_is_out_of_view(const Spec *spec, const Facts *facts, const PathFact *path, Fault *fault);
