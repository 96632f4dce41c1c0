/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/plan.h"

/* Of interfaces as ports of their bridges: part of plan_problems() and plan_warnings(). Return 0 or -ENOMEM. */
int ports_problems(const Spec *spec, const Facts *facts, FaultList *faults);
int ports_warnings(const Spec *spec, const Facts *facts, FaultList *faults);

/* The one of these that a start tells later, as it looks at the filter while its VMM starts. 0 or -ENOMEM. */
int ports_warn_of_filter(const BridgeFilterFact *filter, FaultList *faults);
