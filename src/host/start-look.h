/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/plan.h"

/*
 * What a start of that plan would stumble over right now, found without taking or making anything: locks of others
 * on its disks, names of its taps or ports of its forwards that are taken, bridges that are full, sockets that nobody listens on. What cannot
 * be looked at is not told. Adds a fault for each. 0 or -ENOMEM.
 */
int start_look(const Plan *plan, FaultList *ret);
