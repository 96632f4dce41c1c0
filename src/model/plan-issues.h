/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/host-conf.h"
#include "model/known-issues.h"
#include "model/plan.h"

/* The list of known issues, held against the VM of a plan. */

/* What the rows ask of it; the strings are the plan's. */
IssueFacts plan_issue_facts(const Plan *plan);

/*
 * Finds the rows that fit, and which of them spec or host.conf allow. The list and the plan must live as long as
 * *ret. 0 or -ENOMEM.
 */
int plan_issues_find(const Plan *plan, const HostConf *host_conf, const KnownIssues *issues,
		     FittingIssues *ret);

/*
 * What plan->issues has to say, severest first: "known-issue-refused" with an exit code for each that refuses a
 * start, the others as fitting_issue_tell() does; then "known-issue-unknown" for each id that is allowed and that no
 * row has, unless the list is empty. 0 or -ENOMEM.
 */
int plan_issues_tell(const Plan *plan, const HostConf *host_conf, const KnownIssues *issues,
		     FaultList *ret);
