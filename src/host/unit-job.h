/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/*
 * Whether the systemd that is PID 1 is at a restart of the VM's unit, so that a start follows the stop that is under way. It is waited for,
 * but not for long; where nobody answers, or there is no systemd, false.
 */
bool unit_is_restarting(const char *vm);
