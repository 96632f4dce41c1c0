/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/facts.h"
#include "model/kernel.h"
#include "model/problem.h"
#include "model/schema.h"
#include "model/spec.h"

/*
 * known-issues.json: which kernels and VMMs are known to break VMs, as data that is younger than the
 * program. Rows explain; none is ever the proof that it is to blame (design.md §12).
 */

typedef enum IssueSide {
	ISSUE_OF_GUEST, /* the guest's kernel has it */
	ISSUE_OF_HOST,
	ISSUE_OF_BOTH, /* whichever kernel has it */
	ISSUE_OF_VMM, /* a VMM has it, in the versions "vmms"; kernels are then the guest's */
	ISSUE_OF_BACKEND, /* one has it, in the versions "backends"; kernels are then the guest's */
	_ISSUE_SIDE_MAX,
} IssueSide;

typedef enum IssueSeverity {
	ISSUE_REFUSE, /* the VM cannot run; only a proven one may say so */
	ISSUE_WARN,
	ISSUE_NOTE,
	_ISSUE_SEVERITY_MAX,
} IssueSeverity;

typedef enum IssueProof {
	ISSUE_PROVEN, /* its commit and its fix are known */
	ISSUE_STATED, /* one source says so */
	_ISSUE_PROOF_MAX,
} IssueProof;

typedef enum IssueUse {
	ISSUE_USE_ANY,
	ISSUE_USE_INTERFACES,
	ISSUE_USE_SHARES,
	ISSUE_USE_VSOCK,
	_ISSUE_USE_MAX,
} IssueUse;

/* Whose "backends" are the versions of. */
typedef enum IssueBackend {
	ISSUE_BACKEND_NONE,
	ISSUE_BACKEND_VIRTIOFSD,
	ISSUE_BACKEND_VIRTIOFSD_C, /* QEMU's old one, which counts as QEMU does */
	ISSUE_BACKEND_STORAGE_DAEMON,
	_ISSUE_BACKEND_MAX,
} IssueBackend;

/* What mvmd can see happen that a row then explains; without it the row is never named as a cause. */
typedef enum IssueExplains {
	ISSUE_EXPLAINS_NOTHING,
	ISSUE_EXPLAINS_SILENT_DEATH, /* the guest dies before its first byte on the console */
	_ISSUE_EXPLAINS_MAX,
} IssueExplains;

typedef struct KnownIssue {
	char *description;
	char *id;
	IssueSide side;
	IssueSeverity severity;
	IssueProof proof;
	char *kernels; /* version.h; NULL: any */
	char *releases; /* parts of a release, with commas: a distribution's kernels that have it */
	char *vmms; /* version.h, of the VMM */
	VmmKind vmm; /* VMM_AUTO: any */
	IssueBackend backend; /* ISSUE_BACKEND_NONE: any, and then "backends" must not be there */
	char *backends; /* version.h, of that backend */
	BootProtocol boot_protocol; /* BOOT_UNKNOWN: any */
	Arch arch; /* ARCH_UNKNOWN: any */
	Accel accel; /* ACCEL_AUTO: any */
	IssueUse uses;
	HostProbe probe; /* HOST_PROBE_NONE: none */
	IssueExplains explains;
	char *symptom, *why, *remedy, *sources;
} KnownIssue;

typedef struct KnownIssues {
	char *schema;
	char *description;
	char *date; /* of the list */
	KnownIssue *issues;
	size_t n_issues;
} KnownIssues;

extern const ObjectType known_issues_object;

/*
 * Reads the lists, the later over the earlier: entries merge by id. Returns 0, -EINVAL (problems tell;
 * *ret untouched) or -ENOMEM. Without documents the list is empty.
 */
int known_issues_parse(const SpecDoc *docs, size_t n_docs, KnownIssues *ret, Problems *problems);
void known_issues_done(KnownIssues *issues);

/* NULL: none of that id. */
const KnownIssue *known_issue_find(const KnownIssues *issues, const char *id);

/* As explain prints it: a new string in *ret. 0 or -ENOMEM. */
int known_issue_to_text(const KnownIssues *issues, const KnownIssue *issue, char **ret);

/* A kernel by its names; each may be NULL. */
typedef struct KernelNames {
	const char *release; /* "6.1.0-40-cloud-amd64" */
	const char *build; /* uname's version, or the banner: may tell the upstream version */
} KernelNames;

/* Zero: not known, or the VM has none. */
typedef struct IssueFacts {
	KernelNames host, guest;
	const bool *probes; /* HostFacts.holds; NULL: none is known to hold */
	VmmKind vmm;
	const char *vmm_version;
	const char *backend_versions[_ISSUE_BACKEND_MAX];
	BootProtocol boot_protocol;
	Arch arch;
	Accel accel; /* ACCEL_AUTO: not known */
	bool interfaces, shares, vsock;
} IssueFacts;

typedef enum IssueFit {
	ISSUE_FITS_NOT,
	ISSUE_LOOKS_AFFECTED, /* a distribution's kernel: the version says so, patches may not */
	ISSUE_FITS,
	_ISSUE_FIT_MAX,
} IssueFit;

/* What is unknown fits nothing. */
IssueFit known_issue_match(const KnownIssue *issue, const IssueFacts *facts);

/* A row that fits. */
typedef struct FittingIssue {
	const KnownIssue *issue; /* in its list, which must live as long */
	IssueFit fit; /* never ISSUE_FITS_NOT */
	char *subject; /* what it fits: "the guest's kernel 6.6.64" */
	bool allowed; /* by allow_known_issues of the spec or of host.conf */
} FittingIssue;

/* All that fit one VM, severest first and surest first among those. Zero-initialise. */
typedef struct FittingIssues FittingIssues;
struct FittingIssues {
	const char *date; /* of the list; NULL: it does not say */
	FittingIssue *items;
	size_t n;
};

/* None is allowed yet. 0 or -ENOMEM; *ret untouched then. */
int known_issues_fitting(const KnownIssues *issues, const IssueFacts *facts, FittingIssues *ret);
void fitting_issues_done(FittingIssues *fitting);

/* A start is refused for it: proven, of severity "refuse", its version sure, and not allowed. */
bool fitting_issue_refuses(const FittingIssue *fitting);

/*
 * After something was seen to happen: what the first row knows that fits and explains it comes before fault's why,
 * takes the place of its remedy, and is evidence ("issue"). Returns whether there was one; NULL stands for no rows.
 */
bool fitting_issues_explain(const FittingIssues *fitting, IssueExplains happened, Fault *fault);

/*
 * Adds a fault with exit code 0: "known-issue" where it is proven and its version sure (spec and host.conf
 * may allow it), "known-issue-likely" where one of the two is not, "known-issue-minor" for severity "note".
 * 0 or -ENOMEM.
 */
int fitting_issue_tell(const FittingIssue *fitting, FaultList *ret);

/* The same for each row that fits: of a host without a VM, for instance. */
int known_issues_tell(const KnownIssues *issues, const IssueFacts *facts, FaultList *ret);

/* The words of the list: "refuse", "proven", "silent-death" (NULL: nothing), and "fits" or "looks-affected". */
const char *issue_severity_to_string(IssueSeverity severity);
const char *issue_proof_to_string(IssueProof proof);
const char *issue_explains_to_string(IssueExplains explains);
const char *issue_backend_to_string(IssueBackend backend);
const char *issue_fit_to_string(IssueFit fit);
