/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/plan.h"

/*
 * Whether somebody has a port of the host's that is to lead to that VM, which does not run, in this network namespace:
 * -EADDRINUSE, with fault, which names the process, and the VM where one on record has that port. passt itself would tell
 * it of TCP alone, and not who: its UDP sockets share a port (SO_REUSEADDR), and the last one gets all. 0: no, or it
 * cannot be looked at.
 */
int forwards_look(const Plan *plan, Fault *fault);
