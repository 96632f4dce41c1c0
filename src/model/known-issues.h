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
	ISSUE_OF_BACKEND, /* told by explain; mvmd does not match it */
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
	BootProtocol boot_protocol; /* BOOT_UNKNOWN: any */
	Arch arch; /* ARCH_UNKNOWN: any */
	IssueUse uses;
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

typedef struct IssueFacts {
	KernelNames host, guest;
	VmmKind vmm;
	const char *vmm_version; /* NULL: unknown */
	BootProtocol boot_protocol;
	Arch arch;
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

/*
 * Adds a fault with exit code 0 for each row that fits, severest first: "known-issue" where it is proven and its
 * version sure, "known-issue-likely" where one of the two is not, "known-issue-minor" for rows of severity "note".
 * 0 or -ENOMEM.
 */
int known_issues_tell(const KnownIssues *issues, const IssueFacts *facts, FaultList *ret);
