/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/commands.h"
#include "host/state-file.h"
#include "run/kept.h"

/* A VM that runs without a supervisor, because its own was killed, crashed, or was ended by the watchdog. */
typedef enum AdoptCase {
	ADOPT_NOTHING, /* no VMM lives, or it has its supervisor */
	ADOPT_UNBORN, /* a VMM lives that has no guest yet: it can go */
	ADOPT_RUNNING,
	_ADOPT_CASE_MAX,
} AdoptCase;

/* Looks at the VM's record. *ret, which is to be freed, is set for ADOPT_RUNNING only. */
AdoptCase adopt_look(const Places *places, const char *argument, StateFile *ret);

/*
 * Becomes the supervisor of such a VM until it ends. stop: asks it to power off at once. Returns the exit code;
 * *ret_gone: its VMM had ended before anything was done, so that a start is to follow.
 */
int adopt_run(const Places *places, const char *argument, const StateFile *state, Kept *kept,
	      bool stop, bool *ret_gone);
