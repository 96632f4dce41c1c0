/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/known-issues.h"
#include "cli/spec-load.h"
#include "host/spec-files.h"
#include "model/findings.h"
#include "mvmd/exit-codes.h"

int known_issues_load(const Places *places, KnownIssues *ret, Problems *problems, Fault *fault)
{
	_cleanup_free_ char *file = str_printf("%s/known-issues.json", places->data_directory);
	_cleanup_free_ char *directory =
		str_printf("%s/known-issues.d", settings_directory(places, "known-issues.d"));
	SpecFiles files = { 0 };
	int r;

	if (!file || !directory)
		return fault_oom(fault);
	r = spec_files_read_known_issues(file, directory, &files, fault);
	if (r >= 0)
		r = known_issues_parse(files.docs, files.n, ret, problems);
	spec_files_done(&files);
	return r == -ENOMEM ? fault_oom(fault) : r;
}

LogLevel known_issue_level(const Fault *fault)
{
	if (fault->exit_code != MVMD_EXIT_OK)
		return LOG_LEVEL_ERROR;
	switch (finding_find(fault->id)->severity) {
	case FINDING_ERROR:
	case FINDING_WARNING:
		return LOG_LEVEL_WARNING;
	case FINDING_NOTE:
	case _FINDING_SEVERITY_MAX:
		break;
	}
	return streq(fault->id, "known-issue-minor") ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
}
