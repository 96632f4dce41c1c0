/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/known-issues.h"
#include "base/log.h"
#include "host/spec-files.h"

int known_issues_load(const Places *places, KnownIssues *ret, Problems *problems, Fault *fault)
{
	_cleanup_free_ char *file = str_printf("%s/known-issues.json", places->data_directory);
	_cleanup_free_ char *directory = str_printf("%s/known-issues.d", places->spec_directory);
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

void known_issues_log(const FaultList *faults)
{
	for (size_t i = 0; i < faults->n; i++) {
		const char *id = faults->items[i].id;

		log_fault(streq(id, "known-issue")	  ? LOG_LEVEL_WARNING :
			  streq(id, "known-issue-likely") ? LOG_LEVEL_INFO :
							    LOG_LEVEL_DEBUG,
			  &faults->items[i]);
	}
}
