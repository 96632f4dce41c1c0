/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/facts.h"
#include "model/spec.h"

/* Of ways onto the network without a bridge: what plan_problems() and plan_awaited() find there. Return 0 or -ENOMEM. */
int attach_problems(const Spec *spec, const Facts *facts, FaultList *faults);
int attach_awaited(const Spec *spec, const Facts *facts, FaultList *faults);
