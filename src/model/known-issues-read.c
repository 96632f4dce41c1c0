/* SPDX-License-Identifier: Apache-2.0 */
#include "model/known-issues.h"
#include "model/spec-merge.h"
#include "model/spec-read.h"
#include "model/spec-report.h"
#include "model/spec-text.h"
#include "model/version.h"

#define ISSUES_MAX	     200
#define TEXT_MAX_BYTES	     2000
#define SHORT_TEXT_MAX_BYTES 200

static const char *const sides[_ISSUE_SIDE_MAX] = {
	[ISSUE_OF_GUEST] = "guest", [ISSUE_OF_HOST] = "host",	    [ISSUE_OF_BOTH] = "both",
	[ISSUE_OF_VMM] = "vmm",	    [ISSUE_OF_BACKEND] = "backend",
};
static const char *const severities[_ISSUE_SEVERITY_MAX] = {
	[ISSUE_REFUSE] = "refuse",
	[ISSUE_WARN] = "warn",
	[ISSUE_NOTE] = "note",
};
static const char *const proofs[_ISSUE_PROOF_MAX] = {
	[ISSUE_PROVEN] = "proven",
	[ISSUE_STATED] = "stated",
};
static const char *const uses[_ISSUE_USE_MAX] = {
	[ISSUE_USE_INTERFACES] = "interfaces",
	[ISSUE_USE_SHARES] = "shares",
	[ISSUE_USE_VSOCK] = "vsock",
};
static const char *const vmms[_VMM_KIND_MAX] = {
	[VMM_CLOUD_HYPERVISOR] = "cloud-hypervisor",
	[VMM_QEMU] = "qemu",
};
static const char *const boot_protocols[_BOOT_PROTOCOL_MAX] = {
	[BOOT_PVH] = "pvh",
	[BOOT_LINUX] = "linux",
};
static const char *const archs[_ARCH_MAX] = {
	[ARCH_X86] = "x86",
	[ARCH_ARM64] = "arm64",
	[ARCH_RISCV64] = "riscv64",
};
static const char *const backends[_ISSUE_BACKEND_MAX] = {
	[ISSUE_BACKEND_VIRTIOFSD] = "virtiofsd",
	[ISSUE_BACKEND_VIRTIOFSD_C] = "virtiofsd-c",
	[ISSUE_BACKEND_STORAGE_DAEMON] = "qemu-storage-daemon",
};
static const char *const accels[_ACCEL_MAX] = {
	[ACCEL_KVM] = "kvm",
	[ACCEL_TCG] = "tcg",
};
static const char *const probes[_HOST_PROBE_MAX] = {
	[HOST_NESTED_KVM] = "nested-kvm",
	[HOST_AMD_CPU] = "amd-cpu",
	[HOST_ZEN4_CLIENT_CPU] = "zen4-client-cpu",
	[HOST_IO_URING_DISABLED] = "io-uring-disabled",
};
static const char *const explained[_ISSUE_EXPLAINS_MAX] = {
	[ISSUE_EXPLAINS_SILENT_DEATH] = "silent-death",
};

const char *issue_severity_to_string(IssueSeverity severity)
{
	return severities[severity];
}

const char *issue_proof_to_string(IssueProof proof)
{
	return proofs[proof];
}

const char *issue_explains_to_string(IssueExplains explains)
{
	return explained[explains];
}

const char *issue_backend_to_string(IssueBackend backend)
{
	return backends[backend];
}

const char *issue_fit_to_string(IssueFit fit)
{
	static const char *const words[_ISSUE_FIT_MAX] = {
		[ISSUE_LOOKS_AFFECTED] = "looks-affected",
		[ISSUE_FITS] = "fits",
	};

	return words[fit];
}

#define STRING(name, longest, is_required, an_example, words)                                      \
	{                                                                                          \
		.key = #name, .type = FIELD_STRING, .required = (is_required),                     \
		.offset = offsetof(KnownIssue, name), .min = 1, .max = (longest),                  \
		.example = (an_example), .sentence = (words),                                      \
	}
#define CHOICE(name, words_of, is_required, an_example, words)                                     \
	{                                                                                          \
		.key = #name, .type = FIELD_ENUM, .required = (is_required),                       \
		.offset = offsetof(KnownIssue, name), .choices = (words_of),                       \
		.n_choices = ELEMENTSOF(words_of), .example = (an_example), .sentence = (words),   \
	}

static const Field issue_fields[] = {
	DESCRIPTION_FIELD(KnownIssue),
	{ .key = "id",
	  .type = FIELD_ID,
	  .required = true,
	  .offset = offsetof(KnownIssue, id),
	  .example = "\"PVH-6664\"",
	  .sentence = "Its name; a later file overrides the keys of the entry that has it." },
	CHOICE(side, sides, true, "\"guest\"",
	       "Whose it is: the kernel's of the guest, of the host, of both, the VMM's, or a "
	       "backend's."),
	CHOICE(severity, severities, true, "\"warn\"",
	       "Whether the VM cannot run, runs with a fault, or only slower. The first needs a "
	       "proof."),
	CHOICE(proof, proofs, true, "\"proven\"",
	       "Whether its commit and its fix are known, or one source states it."),
	STRING(kernels, SHORT_TEXT_MAX_BYTES, false, "\"6.6.64..6.6.65\"",
	       "The versions that have it, of that side's kernel; for a VMM's, of the guest's."),
	STRING(releases, SHORT_TEXT_MAX_BYTES, false, "\"6.8.0-58-generic\"",
	       "Parts of a release as uname -r tells it, with commas between them: kernels of "
	       "distributions that have it."),
	CHOICE(vmm, vmms, false, "\"qemu\"", "Only with this VMM."),
	STRING(vmms, SHORT_TEXT_MAX_BYTES, false, "\"51.0..52.0\"",
	       "The versions of the VMM with which it is seen."),
	CHOICE(backend, backends, false, "\"virtiofsd\"",
	       "Only for a VM that mvmd starts this for; virtiofsd-c is QEMU's old one."),
	STRING(backends, SHORT_TEXT_MAX_BYTES, false, "\"1.10..1.11\"",
	       "The versions of that backend with which it is seen."),
	CHOICE(boot_protocol, boot_protocols, false, "\"pvh\"",
	       "Only where the VMM enters the guest so."),
	CHOICE(arch, archs, false, "\"x86\"", "Only on this architecture."),
	CHOICE(accel, accels, false, "\"kvm\"", "Only where this runs the guest's code."),
	CHOICE(probe, probes, false, "\"nested-kvm\"",
	       "Only on a host of which this holds: guests may run VMs; the CPU is AMD's, or one of "
	       "its Zen 4 for clients; kernel.io_uring_disabled is 2."),
	CHOICE(uses, uses, false, "\"vsock\"", "Only for a VM that has this."),
	CHOICE(explains, explained, false, "\"silent-death\"",
	       "What mvmd can see happen and this explains: a guest that dies before its first byte "
	       "on the console. Unset: mvmd never names it as a cause."),
	STRING(symptom, TEXT_MAX_BYTES, true, "\"no console output\"", "What one sees."),
	STRING(why, TEXT_MAX_BYTES, true, "\"a backport\"", "What is known of the cause."),
	STRING(remedy, TEXT_MAX_BYTES, true, "\"take 6.6.65\"", "What to do."),
	STRING(sources, TEXT_MAX_BYTES, true, "\"cloud-hypervisor #7447\"",
	       "Where that is written."),
};

static const ObjectType issue_object = {
	.name = "a known issue",
	.sentence = "One known issue. All conditions that are written must hold.",
	.fields = issue_fields,
	.n_fields = ELEMENTSOF(issue_fields),
	.size = sizeof(KnownIssue),
	.merges_by_id = true,
};

static const Field fields[] = {
	{ .key = "$schema",
	  .type = FIELD_STRING,
	  .offset = offsetof(KnownIssues, schema),
	  .max = PATH_MAX_BYTES,
	  .example = "\"/usr/share/mvmd/known-issues.schema.json\"",
	  .sentence = "Where an editor finds the JSON Schema; mvmd does nothing with it." },
	DESCRIPTION_FIELD(KnownIssues),
	{ .key = "date",
	  .type = FIELD_STRING,
	  .offset = offsetof(KnownIssues, date),
	  .min = 1,
	  .max = SHORT_TEXT_MAX_BYTES,
	  .example = "\"2026-11-22\"",
	  .sentence = "Of which day the list is." },
	{ .key = "issues",
	  .type = FIELD_LIST,
	  .offset = offsetof(KnownIssues, issues),
	  .extra_offset = offsetof(KnownIssues, n_issues),
	  .max = ISSUES_MAX,
	  .object = &issue_object,
	  .example = "[]",
	  .sentence = "The known issues." },
};

const ObjectType known_issues_object = {
	.name = "known-issues.json",
	.sentence = "A list of known issues.",
	.fields = fields,
	.n_fields = ELEMENTSOF(fields),
	.size = sizeof(KnownIssues),
	.title = "mvmd-known-issues(5): kernels and VMMs that are known to break VMs",
	.least = "{}",
};

static const Field allowed_issue_fields[] = {
	DESCRIPTION_FIELD(AllowedIssue),
	{ .key = "id",
	  .type = FIELD_ID,
	  .required = true,
	  .offset = offsetof(AllowedIssue, id),
	  .max = SPEC_ID_MAX,
	  .example = "\"PVH-6664\"",
	  .sentence = "Its row's in mvmd-known-issues(5)." },
};

const ObjectType allowed_issue_object = {
	.name = "a known issue that is allowed",
	.sentence = "A known issue for which no start is refused; a warning is left.",
	.fields = allowed_issue_fields,
	.n_fields = ELEMENTSOF(allowed_issue_fields),
	.size = sizeof(AllowedIssue),
};

static void check_ranges(SpecReport *report, JsonNode *entry, const char *key, const char *ranges)
{
	JsonNode *node = json_member(entry, key);

	if (ranges && node && !ranges_are_valid(ranges))
		report_value(report, RULE_NUMBER, node,
			     "is no range of versions: FIRST..GOOD, with commas between several; "
			     "one end may be left out, such as \"6.6.64..6.6.65, 7.0..\"");
}

static void check_issue(SpecReport *report, JsonNode *entry, const KnownIssue *issue)
{
	JsonNode *severity = json_member(entry, "severity");
	bool of_kernel = issue->side == ISSUE_OF_GUEST || issue->side == ISSUE_OF_HOST ||
			 issue->side == ISSUE_OF_BOTH;

	check_ranges(report, entry, "kernels", issue->kernels);
	check_ranges(report, entry, "vmms", issue->vmms);
	check_ranges(report, entry, "backends", issue->backends);
	if (issue->backends && issue->backend == ISSUE_BACKEND_NONE && !report->incomplete)
		report_missing(report, RULE_MISSING_KEY, entry, "backend",
			       "is missing; \"backends\" are the versions of one");
	if (severity && issue->severity == ISSUE_REFUSE && issue->proof != ISSUE_PROVEN)
		report_value(report, RULE_CHOICE, severity,
			     "is \"refuse\", which only a \"proven\" issue may be; write \"warn\"");
	if (of_kernel && !issue->kernels && !issue->releases && !report->incomplete)
		report_missing(
			report, RULE_MISSING_KEY, entry, "kernels",
			"is missing; an issue of a kernel needs \"kernels\" or \"releases\"");
}

static void check_issues(SpecReport *report, const JsonNode *root, const KnownIssues *issues)
{
	const JsonNode *list = json_member(root, "issues");

	for (size_t i = 0; i < issues->n_issues; i++)
		check_issue(report, json_element(list, i), &issues->issues[i]);
}

static void read_docs(SpecReport *report, KnownIssues *issues, JsonPool *pool)
{
	JsonNode *merged = NULL;

	for (size_t i = 0; i < report->n_docs; i++) {
		JsonNode *root = spec_text_read(report, i, &known_issues_object, NULL, pool);

		if (!root) {
			report->incomplete = true;
			continue;
		}
		spec_check_keys(report, &known_issues_object, root);
		merged = spec_merge(report, &known_issues_object, merged, root);
	}
	if (!merged)
		return;
	spec_object_read(report, &known_issues_object, merged, issues);
	check_issues(report, merged, issues);
}

int known_issues_parse(const SpecDoc *docs, size_t n_docs, KnownIssues *ret, Problems *problems)
{
	_cleanup_(known_issues_done) KnownIssues issues = { 0 };
	SpecReport report = { .docs = docs, .n_docs = n_docs, .problems = problems };
	size_t first = problems->n;
	JsonPool pool = { 0 };

	spec_object_init(&known_issues_object, &issues);
	read_docs(&report, &issues, &pool);
	json_pool_done(&pool);
	problems_sort(problems, first);

	if (report.failed)
		return -ENOMEM;
	if (problems->n > first)
		return -EINVAL;
	*ret = issues;
	issues = (KnownIssues){ 0 };
	return 0;
}

void known_issues_done(KnownIssues *issues)
{
	spec_object_done(&known_issues_object, issues);
	*issues = (KnownIssues){ 0 };
}
