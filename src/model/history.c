/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "model/history.h"
#include "mvmd/exit-codes.h"

#define HISTORY_VERSION 1

bool exit_code_is_retried(int exit_code)
{
	static const int final[] = { MVMD_EXIT_OK,	   MVMD_EXIT_USAGE, MVMD_EXIT_NO_SPEC,
				     MVMD_EXIT_BUG,	   MVMD_EXIT_SPEC,  MVMD_EXIT_PERMISSION,
				     MVMD_EXIT_CRASH_LIMIT };

	for (size_t i = 0; i < ELEMENTSOF(final); i++)
		if (exit_code == final[i])
			return false;
	return true;
}

static void history_count_end(History *history, bool retried, uint64_t now_usec)
{
	bool was_stable = history->runs && now_usec - history->began_usec >= RETRY_STABLE_USEC;

	history->runs = false;
	history->ended_usec = now_usec;
	if (!retried)
		history->failed = 0;
	else
		history->failed = was_stable ? 1 : history->failed + 1;
}

void history_look(History *history, const char *boot_id, uint64_t now_usec)
{
	if (!streq(history->boot_id, boot_id)) {
		*history = (History){ 0 };
		(void) snprintf(history->boot_id, sizeof(history->boot_id), "%s", boot_id);
	}
	history->waits_until_usec = 0;
	if (history->runs) {
		history->last_exit_code = 0;
		history->last_finding[0] = '\0';
		history_count_end(history, true, now_usec);
	}
}

uint64_t history_wait_usec(const History *history, uint64_t now_usec)
{
	uint64_t delay_usec = RETRY_FIRST_USEC, due_usec;

	if (history->failed == 0 || history->runs)
		return 0;
	for (unsigned i = 1; i < history->failed && delay_usec < RETRY_MAX_USEC; i++)
		delay_usec *= 2;
	if (delay_usec > RETRY_MAX_USEC)
		delay_usec = RETRY_MAX_USEC;
	due_usec = history->ended_usec + delay_usec;
	if (due_usec <= now_usec)
		return 0;
	/* A file that was damaged is no reason to wait for ever. */
	return due_usec - now_usec < delay_usec ? due_usec - now_usec : delay_usec;
}

void history_run_begins(History *history, uint64_t now_usec)
{
	history->runs = true;
	history->began_usec = now_usec;
	history->waits_until_usec = 0;
}

void history_run_ended(History *history, int exit_code, const char *finding,
		       const LifeCrashes *crashes, uint64_t now_usec)
{
	bool retried = exit_code_is_retried(exit_code);

	history->last_exit_code = exit_code;
	(void) snprintf(history->last_finding, sizeof(history->last_finding), "%s", finding ?: "");
	history->crashes = retried ? *crashes : (LifeCrashes){ 0 };
	history_count_end(history, retried, now_usec);
}

bool history_is_over(const History *history)
{
	return !history->runs && history->last_exit_code == 0 && history->failed == 0;
}

json_t *history_to_json(const History *history)
{
	json_t *crashes = json_array();

	for (size_t i = 0; i < history->crashes.n; i++)
		(void) json_array_append_new(crashes,
					     json_integer((json_int_t) history->crashes.usec[i]));
	return json_pack("{s:i, s:s, s:i, s:b, s:i, s:s, s:I, s:I, s:I, s:b, s:o}", "version",
			 HISTORY_VERSION, "boot_id", history->boot_id, "failed",
			 (int) history->failed, "runs", history->runs, "last_exit_code",
			 history->last_exit_code, "last_finding", history->last_finding,
			 "began_usec", (json_int_t) history->began_usec, "ended_usec",
			 (json_int_t) history->ended_usec, "waits_until_usec",
			 (json_int_t) history->waits_until_usec, "waits_for_slot",
			 history->waits_for_slot, "crashes_usec", crashes);
}

static void crashes_from_json(const json_t *list, LifeCrashes *ret)
{
	const json_t *crash;
	size_t i;

	json_array_foreach(list, i, crash)
		if (json_is_integer(crash) && ret->n < LIVES_CRASHES_MAX)
			ret->usec[ret->n++] = (uint64_t) json_integer_value(crash);
}

int history_from_json(json_t *json, History *ret)
{
	json_int_t began = 0, ended = 0, waits = 0;
	const char *boot_id = NULL, *finding = NULL;
	int version = 0, failed = 0, runs = 0, waits_for_slot = 0;
	json_t *crashes = NULL;
	History history = { 0 };

	if (json_unpack(json, "{s:i, s:s, s:i, s:b, s:i, s:s, s:I, s:I, s:I, s?b, s:o}", "version",
			&version, "boot_id", &boot_id, "failed", &failed, "runs", &runs,
			"last_exit_code", &history.last_exit_code, "last_finding", &finding,
			"began_usec", &began, "ended_usec", &ended, "waits_until_usec", &waits,
			"waits_for_slot", &waits_for_slot, "crashes_usec", &crashes) < 0 ||
	    version != HISTORY_VERSION || failed < 0)
		return -EUCLEAN;
	(void) snprintf(history.boot_id, sizeof(history.boot_id), "%s", boot_id);
	(void) snprintf(history.last_finding, sizeof(history.last_finding), "%s", finding);
	history.failed = (unsigned) failed;
	history.runs = runs;
	history.began_usec = (uint64_t) began;
	history.ended_usec = (uint64_t) ended;
	history.waits_until_usec = (uint64_t) waits;
	history.waits_for_slot = waits_for_slot;
	crashes_from_json(crashes, &history.crashes);
	*ret = history;
	return 0;
}
