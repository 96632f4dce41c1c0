/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/known-issues.h"
#include "model/plan.h"

/* The list of known issues, held against the VM of a plan. */

/* What the rows ask of it; the strings are the plan's. */
IssueFacts plan_issue_facts(const Plan *plan);

/* Finds the rows that fit and hangs them on the plan; the list must live as long. 0 or -ENOMEM. */
int plan_issues_find(Plan *plan, const KnownIssues *issues, FittingIssues *ret);

/* Each row of plan->issues as a fault. 0 or -ENOMEM. */
int plan_issues_tell(const Plan *plan, FaultList *ret);
