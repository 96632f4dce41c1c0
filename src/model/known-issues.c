/* SPDX-License-Identifier: Apache-2.0 */
#include "model/known-issues.h"
#include "model/version.h"
#include "model/wrap.h"
#include "mvmd/exit-codes.h"

#define TEXT_INDENT 2

const KnownIssue *known_issue_find(const KnownIssues *issues, const char *id)
{
	for (size_t i = 0; i < issues->n_issues; i++)
		if (streq(issues->issues[i].id, id))
			return &issues->issues[i];
	return NULL;
}

int known_issue_to_text(const KnownIssues *issues, const KnownIssue *issue, char **ret)
{
	StrBuf buf = { 0 };

	str_buf_add(&buf, "%s (known issue, %s%s%s)\n\n", issue->id,
		    issue->proof == ISSUE_PROVEN ? "proven" : "as one source says",
		    issues->date ? "; list of " : "", issues->date ?: "");
	wrap_add(&buf, TEXT_INDENT, "What one sees", issue->symptom);
	wrap_add(&buf, TEXT_INDENT, "Why", issue->why);
	wrap_add(&buf, TEXT_INDENT, "What to do", issue->remedy);
	if (issue->kernels)
		wrap_add(&buf, TEXT_INDENT, "Kernels", issue->kernels);
	if (issue->releases)
		wrap_add(&buf, TEXT_INDENT, "Distribution kernels", issue->releases);
	if (issue->vmms)
		wrap_add(&buf, TEXT_INDENT, "Versions of the VMM", issue->vmms);
	wrap_add(&buf, TEXT_INDENT, "Sources", issue->sources);
	return str_buf_take(&buf, ret);
}

/* Whether one of the parts, with commas between them, stands in text. */
static bool has_part(const char *text, const char *parts)
{
	while (*parts) {
		size_t length = strcspn(parts, ",");

		for (const char *at = text; length > 0 && *at; at++)
			if (strncmp(at, parts, length) == 0)
				return true;
		parts += length;
		parts += strspn(parts, ", ");
	}
	return false;
}

/*
 * Debian's release is that of its ABI, "6.1.0-40-amd64"; the version that it is made from stands in the
 * build: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.153-1 (2025-09-20)".
 */
static bool kernel_version(const KernelNames *kernel, Version *ret)
{
	static const char debian[] = " Debian ";
	const char *build = kernel->build ? strstr(kernel->build, debian) : NULL;

	if (build && version_read(build + strlen(debian), ret, NULL))
		return true;
	return kernel->release && version_read(kernel->release, ret, NULL);
}

static IssueFit match_kernel(const KnownIssue *issue, const KernelNames *kernel)
{
	Version version;

	if (issue->releases && kernel->release && has_part(kernel->release, issue->releases))
		return ISSUE_FITS;
	if (!issue->kernels || !kernel_version(kernel, &version) ||
	    !ranges_contain(issue->kernels, &version))
		return ISSUE_FITS_NOT;
	return version.has_suffix ? ISSUE_LOOKS_AFFECTED : ISSUE_FITS;
}

static IssueFit match_side(const KnownIssue *issue, const IssueFacts *facts)
{
	IssueFit guest = match_kernel(issue, &facts->guest);
	IssueFit host = match_kernel(issue, &facts->host);

	switch (issue->side) {
	case ISSUE_OF_HOST:
		return host;
	case ISSUE_OF_BOTH:
		return guest > host ? guest : host;
	case ISSUE_OF_GUEST:
		return guest;
	case ISSUE_OF_VMM:
		if (!issue->vmms)
			return ISSUE_FITS_NOT;
		return issue->kernels || issue->releases ? guest : ISSUE_FITS;
	case ISSUE_OF_BACKEND:
	case _ISSUE_SIDE_MAX:
		break;
	}
	return ISSUE_FITS_NOT;
}

static bool uses_it(IssueUse use, const IssueFacts *facts)
{
	switch (use) {
	case ISSUE_USE_INTERFACES:
		return facts->interfaces;
	case ISSUE_USE_SHARES:
		return facts->shares;
	case ISSUE_USE_VSOCK:
		return facts->vsock;
	case ISSUE_USE_ANY:
	case _ISSUE_USE_MAX:
		break;
	}
	return true;
}

static bool vmm_fits(const KnownIssue *issue, const IssueFacts *facts)
{
	Version version;

	if (issue->vmm != VMM_AUTO && issue->vmm != facts->vmm)
		return false;
	return !issue->vmms ||
	       (facts->vmm_version && version_read(facts->vmm_version, &version, NULL) &&
		ranges_contain(issue->vmms, &version));
}

IssueFit known_issue_match(const KnownIssue *issue, const IssueFacts *facts)
{
	if (issue->arch != ARCH_UNKNOWN && issue->arch != facts->arch)
		return ISSUE_FITS_NOT;
	if (issue->boot_protocol != BOOT_UNKNOWN && issue->boot_protocol != facts->boot_protocol)
		return ISSUE_FITS_NOT;
	if (!vmm_fits(issue, facts) || !uses_it(issue->uses, facts))
		return ISSUE_FITS_NOT;
	return match_side(issue, facts);
}

/* "the guest's kernel 6.6.64": what the row fits. */
static char *subject(const KnownIssue *issue, const IssueFacts *facts)
{
	bool host = issue->side == ISSUE_OF_HOST ||
		    (issue->side == ISSUE_OF_BOTH &&
		     match_kernel(issue, &facts->host) > match_kernel(issue, &facts->guest));

	if (issue->side == ISSUE_OF_VMM)
		return str_printf("%s %s", vmm_kind_to_string(facts->vmm),
				  facts->vmm_version ?: "(version unknown)");
	return str_printf("the %s's kernel %s", host ? "host" : "guest",
			  host ? facts->host.release : facts->guest.release);
}

static int tell(const KnownIssue *issue, const IssueFacts *facts, IssueFit fit, FaultList *ret)
{
	_cleanup_free_ char *what = subject(issue, facts);
	const char *id = "known-issue";
	Fault fault = { 0 };

	if (issue->severity == ISSUE_NOTE)
		id = "known-issue-minor";
	else if (fit != ISSUE_FITS || issue->proof != ISSUE_PROVEN)
		id = "known-issue-likely";
	if (!what)
		return -ENOMEM;
	(void) fault_set(&fault, 0, MVMD_EXIT_OK, id, "known issue %s: %s %s: %s", issue->id, what,
			 fit == ISSUE_FITS ?
				 "has it" :
				 "looks as if it had it (a distribution may have mended it)",
			 issue->symptom);
	(void) fault_why(&fault, "%s", issue->why);
	(void) fault_remedy(&fault, "%s", issue->remedy);
	return fault_list_take(ret, &fault);
}

int known_issues_tell(const KnownIssues *issues, const IssueFacts *facts, FaultList *ret)
{
	int r = 0;

	for (IssueSeverity severity = 0; severity < _ISSUE_SEVERITY_MAX; severity++)
		for (size_t i = 0; r == 0 && i < issues->n_issues; i++) {
			const KnownIssue *issue = &issues->issues[i];
			IssueFit fit = known_issue_match(issue, facts);

			if (issue->severity == severity && fit != ISSUE_FITS_NOT)
				r = tell(issue, facts, fit, ret);
		}
	return r;
}
