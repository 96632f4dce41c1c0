/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/explain-log.h"
#include "cli/known-issues.h"
#include "cli/options.h"
#include "cli/spec-load.h"
#include "model/catalog.h"
#include "model/findings.h"
#include "mvmd/exit-codes.h"

static int say_unknown(const char *id)
{
	const char *nearest = finding_nearest(id);

	if (nearest)
		log_line(LOG_LEVEL_ERROR, "there is no finding \"%s\"; did you mean \"%s\"?", id,
			 nearest);
	else
		log_line(LOG_LEVEL_ERROR, "there is no finding \"%s\"; mvmd explain lists all", id);
	return MVMD_EXIT_USAGE;
}

/* A row of the list of known issues. Returns an exit code. */
static int explain_issue(const Places *places, const char *id)
{
	_cleanup_(known_issues_done) KnownIssues issues = { 0 };
	_cleanup_(fault_done) Fault fault = { 0 };
	_cleanup_(problems_done) Problems problems = { 0 };
	_cleanup_free_ char *text = NULL;
	const KnownIssue *issue;
	int r = known_issues_load(places, &issues, &problems, &fault);

	if (r == -EINVAL) {
		spec_print_problems(&problems);
		return MVMD_EXIT_SPEC;
	}
	if (r < 0) {
		log_fault(LOG_LEVEL_ERROR, &fault);
		return fault.exit_code;
	}
	issue = known_issue_find(&issues, id);
	if (!issue)
		return say_unknown(id);
	if (known_issue_to_text(&issues, issue, &text) < 0)
		return MVMD_EXIT_SYSTEM;
	(void) fputs(text, stdout);
	return MVMD_EXIT_OK;
}

int cmd_explain(const Places *places, int argc, char **argv)
{
	bool json = false, man = false, log = false, catalog = false;
	const Switch switches[] = {
		{ "--json", &json }, { "--man", &man }, { "--log", &log }, { "--catalog", &catalog }
	};
	_cleanup_free_ char *text = NULL;
	const Finding *finding = NULL;
	int n, r;

	n = options_parse(argc, argv, switches, ELEMENTSOF(switches), 0, 1);
	if (n < 0)
		return MVMD_EXIT_USAGE;
	if ((man || catalog) && (json || log || n > 0 || man == catalog)) {
		log_line(LOG_LEVEL_ERROR, "explain: %s stands alone", man ? "--man" : "--catalog");
		return MVMD_EXIT_USAGE;
	}
	if (log && n == 0) {
		log_line(LOG_LEVEL_ERROR, "explain --log: which file? \"-\" is stdin");
		return MVMD_EXIT_USAGE;
	}
	if (log)
		return explain_log(argv[1], json);
	if (n > 0) {
		finding = finding_find(argv[1]);
		if (!finding)
			return explain_issue(places, argv[1]);
	}

	if (man)
		r = findings_to_man(&text);
	else if (catalog)
		r = catalog_to_text(&text);
	else if (finding)
		r = json ? finding_to_json(finding, &text) : finding_to_text(finding, &text);
	else
		r = json ? findings_to_json(&text) : findings_to_list(&text);
	if (r < 0) {
		log_line(LOG_LEVEL_ERROR, "out of memory");
		return MVMD_EXIT_SYSTEM;
	}
	(void) printf("%s%s", text, json ? "\n" : "");
	return MVMD_EXIT_OK;
}
