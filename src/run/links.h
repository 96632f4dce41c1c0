/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "run/step.h"

/*
 * What is wrong now with the taps of a VM that runs, and with their bridges: a tap that is gone or off its bridge, a
 * bridge that is gone or down, a port that lets nothing pass. Each link is asked for by its name, and whoever
 * asks for the status pays for it. Returns 0 or -ENOMEM.
 */
int links_look(const Resources *resources, FaultList *ret);

/* True for the findings that hold only as long as links_look() tells them. */
bool links_finding_is_momentary(const char *id);
