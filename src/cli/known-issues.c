/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/utsname.h>

#include "base/log.h"
#include "cli/known-issues.h"
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

int known_issues_of_plan(const KnownIssues *issues, const Plan *plan, FaultList *ret)
{
	const ImageFact *guest = &plan->facts->guest_kernel;
	struct utsname host = { 0 };
	IssueFacts facts = {
		.guest = { guest->version, guest->banner },
		.vmm = plan->vmm,
		.vmm_version = plan->vmm_program->version,
		.boot_protocol = plan->boot_protocol,
		.arch = plan->facts->arch,
		.interfaces = plan->spec->n_interfaces > 0,
		.shares = plan->spec->n_shares > 0,
		.vsock = plan->cid != 0,
	};

	if (uname(&host) == 0)
		facts.host = (KernelNames){ host.release, host.version };
	return known_issues_tell(issues, &facts, ret);
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
