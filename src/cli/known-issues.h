/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/log.h"
#include "cli/commands.h"
#include "model/known-issues.h"

/*
 * The list of DATA_DIR/known-issues.json with those in SPEC_DIR/known-issues.d over it; empty where none is there.
 * Returns 0; -EINVAL with problems; or another -errno with fault.
 */
int known_issues_load(const Places *places, KnownIssues *ret, Problems *problems, Fault *fault);

/*
 * How loud what plan_issues_tell() says is: an error for what refuses a start, then warnings, notes, and for -v alone
 * those that only cost time.
 */
LogLevel known_issue_level(const Fault *fault);
