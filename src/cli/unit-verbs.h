/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/commands.h"

/* What `mvmd start NAME...` does, and what `mvmd stop NAME...` does to those that run, which sorts names. Return an exit code. */
int start_vms(const Places *places, const StrList *names);
int stop_vms_that_run(const Places *places, StrList *names);
