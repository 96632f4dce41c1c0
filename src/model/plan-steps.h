/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/plan.h"

/* Adds its steps to a plan that has everything else: for plan_build() alone. 0 or -ENOMEM. */
int plan_add_steps(Plan *plan);
