/* SPDX-License-Identifier: Apache-2.0 */
#include "model/known-issues.h"
#include "model/version.h"
#include "model/wrap.h"

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
	if (issue->backends)
		wrap_add(&buf, TEXT_INDENT, "Versions of the backend", issue->backends);
	if (issue->severity == ISSUE_REFUSE)
		wrap_add(&buf, TEXT_INDENT, "A start",
			 "is refused where it surely fits, unless allow_known_issues has its id");
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

/* A VMM or a backend has it, which is known by its own versions; a kernel is then one condition more. */
static IssueFit match_program(const KnownIssue *issue, const char *versions, IssueFit guest)
{
	if (!versions)
		return ISSUE_FITS_NOT;
	return issue->kernels || issue->releases ? guest : ISSUE_FITS;
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
		return match_program(issue, issue->vmms, guest);
	case ISSUE_OF_BACKEND:
		return match_program(issue, issue->backends, guest);
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

static bool version_fits(const char *ranges, const char *text)
{
	Version version;

	return !ranges ||
	       (text && version_read(text, &version, NULL) && ranges_contain(ranges, &version));
}

static bool vmm_fits(const KnownIssue *issue, const IssueFacts *facts)
{
	if (issue->vmm != VMM_AUTO && issue->vmm != facts->vmm)
		return false;
	return version_fits(issue->vmms, facts->vmm_version);
}

static bool backend_fits(const KnownIssue *issue, const IssueFacts *facts)
{
	const char *version = facts->backend_versions[issue->backend];

	return issue->backend == ISSUE_BACKEND_NONE ||
	       (version && version_fits(issue->backends, version));
}

static bool probe_fits(const KnownIssue *issue, const IssueFacts *facts)
{
	return issue->probe == HOST_PROBE_NONE || (facts->probes && facts->probes[issue->probe]);
}

IssueFit known_issue_match(const KnownIssue *issue, const IssueFacts *facts)
{
	if (issue->arch != ARCH_UNKNOWN && issue->arch != facts->arch)
		return ISSUE_FITS_NOT;
	if (issue->accel != ACCEL_AUTO && issue->accel != facts->accel)
		return ISSUE_FITS_NOT;
	if (issue->boot_protocol != BOOT_UNKNOWN && issue->boot_protocol != facts->boot_protocol)
		return ISSUE_FITS_NOT;
	if (!vmm_fits(issue, facts) || !backend_fits(issue, facts) || !probe_fits(issue, facts) ||
	    !uses_it(issue->uses, facts))
		return ISSUE_FITS_NOT;
	return match_side(issue, facts);
}
