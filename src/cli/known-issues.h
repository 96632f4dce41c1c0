/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/commands.h"
#include "model/known-issues.h"

/*
 * The list of DATA_DIR/known-issues.json with those in SPEC_DIR/known-issues.d over it; empty where none is there.
 * Returns 0; -EINVAL with problems; or another -errno with fault.
 */
int known_issues_load(const Places *places, KnownIssues *ret, Problems *problems, Fault *fault);

/* Says them: warnings, notes, and, with -v, those that only cost time. */
void known_issues_log(const FaultList *faults);
