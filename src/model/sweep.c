/* SPDX-License-Identifier: Apache-2.0 */
#include "model/sweep.h"
#include "model/history.h"

/* Codes from 200 on are systemd's: the supervisor could not even be executed (systemd.exec(5)). */
static bool is_final(const char *exit_status)
{
	uint64_t code;

	return parse_u64(exit_status, UINT8_MAX, &code) == 0 && !exit_code_is_retried((int) code);
}

SweepChoice sweep_choose(const UnitEnd *end)
{
	if (!end->service_result)
		return SWEEP_NOT_ASKED;
	if (end->was_stopping || streq(end->service_result, "timeout"))
		return SWEEP_AWAY;
	if (streq_null(end->exit_code, "exited") && end->exit_status && is_final(end->exit_status))
		return SWEEP_AWAY;
	return SWEEP_LEAVE;
}
