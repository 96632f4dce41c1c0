/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "model/plan-issues.h"
#include "mvmd/exit-codes.h"

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

static bool list_allows(const AllowedIssue *allowed, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (streq(allowed[i].id, id))
			return true;
	return false;
}

int plan_issues_find(const Plan *plan, const HostConf *host_conf, const KnownIssues *issues,
		     FittingIssues *ret)
{
	IssueFacts facts = plan_issue_facts(plan);
	const Spec *spec = plan->spec;
	FittingIssues fitting;
	int r = known_issues_fitting(issues, &facts, &fitting);

	if (r < 0)
		return r;
	for (size_t i = 0; i < fitting.n; i++) {
		const char *id = fitting.items[i].issue->id;

		fitting.items[i].allowed =
			list_allows(spec->allow_known_issues, spec->n_allow_known_issues, id) ||
			list_allows(host_conf->allow_known_issues, host_conf->n_allow_known_issues,
				    id);
	}
	*ret = fitting;
	return 0;
}

static int tell_refusal(const Plan *plan, const FittingIssue *fitting, FaultList *ret)
{
	const KnownIssue *issue = fitting->issue;
	Fault fault = { 0 };

	(void) fault_set(&fault, -ENOTSUP, MVMD_EXIT_SPEC, "known-issue-refused",
			 "known issue %s: %s has it, and cannot run this VM: %s", issue->id,
			 fitting->subject, issue->symptom);
	(void) fault_evidence(&fault, "issue", "%s", issue->id);
	(void) fault_evidence(&fault, "subject", "%s", fitting->subject);
	(void) fault_why(&fault, "%s (%s)", issue->why, issue->sources);
	(void) fault_remedy(&fault,
			    "%s To start it all the same: \"allow_known_issues\": [ \"%s\" ] in %s",
			    issue->remedy, issue->id, plan->spec->file);
	return fault_list_take(ret, &fault);
}

static const char *nearest_issue(const KnownIssues *issues, const char *id)
{
	const char *best = NULL;

	for (size_t i = 0; i < issues->n_issues; i++) {
		const char *row = issues->issues[i].id;

		if (nearest_name(id, &row, 1) &&
		    (!best || edit_distance(id, row) < edit_distance(id, best)))
			best = row;
	}
	return best;
}

/* Nothing fails for it: a row may be gone because the list knows better now. */
static int tell_unknown(const KnownIssues *issues, const char *id, const char *file, FaultList *ret)
{
	const char *nearest = nearest_issue(issues, id);
	Fault fault = { 0 };

	(void) fault_set(&fault, -ENOENT, MVMD_EXIT_OK, "known-issue-unknown",
			 "\"allow_known_issues\" in %s has %s, and the list of known issues has no "
			 "row of that id",
			 file, id);
	(void) fault_evidence(&fault, "issue", "%s", id);
	(void) fault_why(&fault, "a slip of the pen, or a row that a later list has no more");
	if (nearest)
		(void) fault_remedy(&fault, "did you mean \"%s\"? mvmd explain %s", nearest,
				    nearest);
	else
		(void) fault_remedy(&fault, "take it out");
	return fault_list_take(ret, &fault);
}

static int tell_unknown_of(const KnownIssues *issues, const AllowedIssue *allowed, size_t n,
			   const char *file, FaultList *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		if (!known_issue_find(issues, allowed[i].id))
			r = tell_unknown(issues, allowed[i].id, file, ret);
	return r;
}

int plan_issues_tell(const Plan *plan, const HostConf *host_conf, const KnownIssues *issues,
		     FaultList *ret)
{
	const FittingIssues *fitting = plan->issues;
	const Spec *spec = plan->spec;
	int r = 0;

	for (size_t i = 0; r == 0 && i < fitting->n; i++)
		r = fitting_issue_refuses(&fitting->items[i]) ?
			    tell_refusal(plan, &fitting->items[i], ret) :
			    fitting_issue_tell(&fitting->items[i], ret);
	if (r == 0 && issues->n_issues > 0)
		r = tell_unknown_of(issues, spec->allow_known_issues, spec->n_allow_known_issues,
				    spec->file, ret);
	if (r == 0 && issues->n_issues > 0)
		r = tell_unknown_of(issues, host_conf->allow_known_issues,
				    host_conf->n_allow_known_issues, "host.conf", ret);
	return r;
}
