/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "run/step.h"

/*
 * What is wrong now around a VM that runs: a tap that is gone or off its bridge, a bridge that is gone or down, a port
 * that lets nothing pass, a disk whose file system is full. Each link is asked for by its name, and whoever asks
 * for the status pays for it. Returns 0 or -ENOMEM.
 */
int surroundings_look(const Resources *resources, FaultList *ret);

/* The disks alone: run/link-watch.h looks at the links itself. */
int surroundings_look_at_disks(const Resources *resources, FaultList *ret);

/* True for the findings that hold only as long as surroundings_look() tells them. */
bool finding_is_momentary(const Fault *fault);
