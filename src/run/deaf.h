/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "run/step.h"

/*
 * Adds to the fault of a VMM that does not answer which device it waits for, as far as that can be seen: the
 * sockets of its backends, its connections to them, the processes that serve. Returns fault->error.
 */
int deaf_tell(const Resources *resources, Fault *fault);
