/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/doctor-vm.h"

/*
 * What the VM does now, and how it failed the last time, as lines: it runs, waits for its next try, or has left a VMM
 * behind. True where it or its VMM runs, so that nothing is in the way of a start but itself.
 */
bool doctor_look_at_life(DoctorRun *run, const char *argument);
