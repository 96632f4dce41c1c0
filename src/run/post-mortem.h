/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "run/status.h"

/*
 * One record of a run that failed, instead of a thousand lines: what GetStatus would have told while all was still
 * there, and
 *
 *	exit_code, cause (a Finding; null: none), ended_realtime_usec, facts (model/facts-json.h),
 *	console (the end of what the guest wrote; null: nothing)
 *
 * STATE/NAME/post-mortem/ keeps the last POST_MORTEM_KEPT (host/record-series.h).
 */
#define POST_MORTEM_SERIES "post-mortem"
#define POST_MORTEM_KEPT   10

/* Looks before anything is undone. A new object, NULL: out of memory. */
json_t *post_mortem_look(const Resources *resources, const VmStatus *status);

/* What is known only at the end. cause: NULL where there was none. */
void post_mortem_finish(json_t *record, int exit_code, const Fault *cause,
			const FaultList *findings);

/* 0 or -errno. */
int post_mortem_write(const char *state_directory, const char *vm, const json_t *record);
