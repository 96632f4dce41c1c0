/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "model/lives.h"

/*
 * What the next start has to know of the last ones: how many in a row ended so that they are tried again, and when
 * lives crashed. It is kept in STATE/NAME/history.json while there is something to know; times are of CLOCK_MONOTONIC,
 * so it is about one boot of the host. Pure: the caller brings clock and files.
 */

#define HISTORY_FILE "history.json"

/* Doubled with each end in a row, up to the last; a run that was as long as the third begins anew. */
#define RETRY_FIRST_USEC  (250 * USEC_PER_MSEC)
#define RETRY_MAX_USEC	  (60 * USEC_PER_SEC)
#define RETRY_STABLE_USEC (600 * USEC_PER_SEC)

#define BOOT_ID_MAX 40

/* Zero-initialise: nothing happened yet. */
typedef struct History {
	char boot_id[BOOT_ID_MAX]; /* /proc/sys/kernel/random/boot_id */
	unsigned failed; /* ends in a row that are tried again */
	bool runs; /* a run began; where its supervisor is gone, it was killed */
	int last_exit_code;
	char last_finding[64]; /* its id; "" for none */
	uint64_t began_usec, ended_usec; /* of the last run; began also of one that goes on */
	uint64_t waits_until_usec; /* a start waits for its turn; 0: none does */
	bool waits_for_slot; /* what it waits for is a start slot, and that time only when it tells again */
	LifeCrashes crashes;
} History;

/* True for the exit codes that systemd starts a unit again with: all but 0 and those that a restart cannot cure. */
bool exit_code_is_retried(int exit_code);

/* Forgets what was before the host's boot; a run that nobody ended is taken for one that was killed now. */
void history_look(History *history, const char *boot_id, uint64_t now_usec);

/* How long a start has to wait from now on; 0: it need not. */
uint64_t history_wait_usec(const History *history, uint64_t now_usec);

void history_run_begins(History *history, uint64_t now_usec);

/* Also of a start that failed before it began. finding: the id of its cause, NULL for none. crashes: of all lives up to now. */
void history_run_ended(History *history, int exit_code, const char *finding,
		       const LifeCrashes *crashes, uint64_t now_usec);

/* True where there is nothing to know of: the last run ended well. */
bool history_is_over(const History *history);

/* A new object, NULL: out of memory. And back: -EUCLEAN where it is none of ours; *ret untouched then. */
json_t *history_to_json(const History *history);
int history_from_json(json_t *json, History *ret);
