/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/unit-tasks.h"

/* How a task ended, in words, and the exit code of a failure: for unit_tasks_wait(), which has named the VM. */
int unit_end_of_start(UnitTasks *tasks, const UnitTask *task); /* and restart */
int unit_end_of_reload(UnitTasks *tasks, const UnitTask *task);

/* The job of a stop: whether a VMM still lives is another question. */
int unit_end_of_stop(UnitTasks *tasks, const UnitTask *task);
