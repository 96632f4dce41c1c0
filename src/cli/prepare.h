/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/commands.h"
#include "host/state-file.h"
#include "model/host-conf.h"
#include "model/known-issues.h"
#include "model/plan.h"

/*
 * All that stands before a start: the spec, the facts about this host, the plan. Each refers to those
 * before it, so it is not to be copied.
 */
typedef struct Prepared {
	Spec *spec;
	Facts facts;
	HostConf host_conf;
	Plan *plan;
	KnownIssues known_issues;
	FittingIssues fitting; /* plan->issues; filled in by prepared_find_issues() */
	Fault cause; /* why a start is refused, the worst of what was printed; empty where the spec is wrong */
} Prepared;

/*
 * Loads, probes and plans the VM that argument names; for a start (and for nothing else) the VM's uid is
 * taken. What is wrong is printed. Returns an exit code; *ret is to be freed in any case.
 * A look also tells of known issues, goes on with a plan where the host lacks something, and returns MVMD_EXIT_OK.
 */
typedef enum PrepareFor {
	PREPARE_FOR_START,
	PREPARE_FOR_LOOK,
} PrepareFor;
int prepare(const Places *places, const char *argument, PrepareFor what_for, Prepared *ret);

/*
 * The same for VM 'name', which runs and is to be adopted: with the spec that it was started with, the VMM that it has,
 * and the host as it is now, whatever that lacks.
 */
int prepare_adoption(const Places *places, const char *name, const StateFile *state, Prepared *ret);
void prepared_done(Prepared *prepared);

/*
 * Reads the list of known issues, finds those that fit, and adds what they have to say (plan_issues_tell()).
 * A list that is wrong is printed, and is no reason to start nothing.
 */
void prepared_find_issues(Prepared *prepared, const Places *places, FaultList *ret);

/* Loads host.conf. What is wrong is printed. Returns an exit code; *ret is set with MVMD_EXIT_OK only. */
int prepare_host_conf(const Places *places, HostConf *ret);
