/* SPDX-License-Identifier: Apache-2.0 */
#include "model/plan-issues.h"

IssueFacts plan_issue_facts(const Plan *plan)
{
	const Facts *facts = plan->facts;
	IssueBackend virtiofsd =
		facts->virtiofsd_is_c ? ISSUE_BACKEND_VIRTIOFSD_C : ISSUE_BACKEND_VIRTIOFSD;
	IssueFacts ret = {
		.host = { facts->host.release, facts->host.build },
		.guest = { facts->guest_kernel.version, facts->guest_kernel.banner },
		.probes = facts->host.holds,
		.vmm = plan->vmm,
		.vmm_version = plan->vmm_program->version,
		.boot_protocol = plan->boot_protocol,
		.arch = facts->arch,
		.accel = plan->accel,
		.interfaces = plan->spec->n_interfaces > 0,
		.shares = plan->spec->n_shares > 0,
		.vsock = plan->cid != 0,
	};

	for (size_t i = 0; i < plan->n_backends; i++) {
		if (plan->backends[i].kind == BACKEND_VIRTIOFSD)
			ret.backend_versions[virtiofsd] = facts->virtiofsd.version;
		else if (plan->backends[i].kind == BACKEND_STORAGE_DAEMON)
			ret.backend_versions[ISSUE_BACKEND_STORAGE_DAEMON] =
				facts->storage_daemon.version;
	}
	return ret;
}

int plan_issues_find(Plan *plan, const KnownIssues *issues, FittingIssues *ret)
{
	IssueFacts facts = plan_issue_facts(plan);
	int r = known_issues_fitting(issues, &facts, ret);

	if (r == 0)
		plan->issues = ret;
	return r;
}

int plan_issues_tell(const Plan *plan, FaultList *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && plan->issues && i < plan->issues->n; i++)
		r = fitting_issue_tell(&plan->issues->items[i], ret);
	return r;
}
