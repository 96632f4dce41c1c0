/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/*
 * After the end of a unit's supervisor: whether what is left of its VM is swept away, or left for the next supervisor,
 * which adopts it. Pure.
 *
 *	the supervisor                                      what is left
 *	ended in order, as it was asked or by itself        swept: there should be nothing
 *	left with an exit code that no restart cures        swept: nobody comes after it
 *	did not end within the unit's limits                swept: it was stopping, or never got anywhere
 *	died while it was stopping the VM                   swept: the stop is brought to its end
 *	crashed, was killed, hung, left with another code   left
 */

/* What systemd.exec(5) sets for ExecStopPost=; NULL: it is not set. */
typedef struct UnitEnd {
	const char *
		service_result; /* $SERVICE_RESULT: "success", "exit-code", "signal", "timeout", … */
	const char *exit_code; /* $EXIT_CODE: "exited", "killed", "dumped" */
	const char *exit_status; /* $EXIT_STATUS: a number, or a signal's name */
	bool was_stopping; /* the VM's stop had begun: host/vm-dir.h */
} UnitEnd;

typedef enum SweepChoice {
	SWEEP_LEAVE,
	SWEEP_AWAY,
	SWEEP_NOT_ASKED, /* no systemd set these */
	_SWEEP_CHOICE_MAX,
} SweepChoice;

SweepChoice sweep_choose(const UnitEnd *end);
