/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-bus.h>

#include "base/fault.h"
#include "host/unit-bus.h"

/* What systemd, the message bus or polkit answered to a call about unit, in words. vm: NULL where it is about all. Return error. user: of his own systemd. */
int unit_fault_call(bool user, UnitVerb verb, const char *vm, int error, const sd_bus_error *answer,
		    Fault *fault);

/* The VM runs, and not as a unit. */
int unit_fault_by_hand(UnitVerb verb, const char *vm, Fault *fault);

/* There is no systemd as PID 1, or no way to it, or to the user's own. */
int unit_fault_no_systemd(Fault *fault);
int unit_fault_no_bus(bool user, int error, Fault *fault);
