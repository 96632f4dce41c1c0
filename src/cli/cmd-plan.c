/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/known-issues.h"
#include "cli/options.h"
#include "cli/prepare.h"
#include "cli/spec-load.h"
#include "mvmd/exit-codes.h"

/* A list that is wrong is told, and changes nothing about the plan. */
static void say_known_issues(const Places *places, const Plan *plan)
{
	_cleanup_(known_issues_done) KnownIssues issues = { 0 };
	_cleanup_(fault_done) Fault fault = { 0 };
	_cleanup_(problems_done) Problems problems = { 0 };
	FaultList faults = { 0 };
	int r = known_issues_load(places, &issues, &problems, &fault);

	if (r == -EINVAL)
		spec_print_problems(&problems);
	else if (r < 0)
		log_fault(LOG_LEVEL_WARNING, &fault);
	else if (known_issues_of_plan(&issues, plan, &faults) < 0)
		log_line(LOG_LEVEL_WARNING, "out of memory");
	known_issues_log(&faults);
	fault_list_done(&faults);
}

int cmd_plan(const Places *places, int argc, char **argv)
{
	bool json = false;
	const Switch switches[] = { { "--json", &json } };
	_cleanup_free_ char *text = NULL;
	Prepared prepared;
	int r = 0, exit_code;

	if (options_parse(argc, argv, switches, ELEMENTSOF(switches), 1, 1) < 0)
		return MVMD_EXIT_USAGE;
	exit_code = prepare(places, argv[1], PREPARE_FOR_LOOK, &prepared);
	if (exit_code == MVMD_EXIT_OK) {
		say_known_issues(places, prepared.plan);
		r = json ? plan_to_json(prepared.plan, &text) : plan_to_text(prepared.plan, &text);
	}
	if (text)
		(void) printf("%s%s", text, json ? "\n" : "");
	prepared_done(&prepared);
	return r < 0 ? MVMD_EXIT_SYSTEM : exit_code;
}
