/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/commands.h"

/* `mvmd unit sweep NAME`: what the end of its supervisor left of a VM is swept away, or not (model/sweep.h). */
int unit_sweep(const Places *places, int argc, char **argv);
