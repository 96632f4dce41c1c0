/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "model/known-issues.h"
#include "mvmd/exit-codes.h"

void fitting_issues_done(FittingIssues *fitting)
{
	for (size_t i = 0; i < fitting->n; i++)
		free(fitting->items[i].subject);
	free(fitting->items);
	*fitting = (FittingIssues){ 0 };
}

/* The row of a kernel, held against one kernel alone. */
static IssueFit fit_of_kernel(const KnownIssue *issue, const IssueFacts *facts, IssueSide side)
{
	KnownIssue one = *issue;

	one.side = side;
	return known_issue_match(&one, facts);
}

static char *subject_of(const KnownIssue *issue, const IssueFacts *facts)
{
	bool host = issue->side == ISSUE_OF_HOST ||
		    (issue->side == ISSUE_OF_BOTH &&
		     fit_of_kernel(issue, facts, ISSUE_OF_HOST) >
			     fit_of_kernel(issue, facts, ISSUE_OF_GUEST));

	if (issue->side == ISSUE_OF_VMM)
		return str_printf("%s %s", vmm_kind_to_string(facts->vmm), facts->vmm_version);
	if (issue->side == ISSUE_OF_BACKEND)
		return str_printf("%s %s", issue_backend_to_string(issue->backend),
				  facts->backend_versions[issue->backend]);
	return str_printf("the %s's kernel %s", host ? "host" : "guest",
			  (host ? facts->host.release : facts->guest.release) ?: "?");
}

static int add(FittingIssues *fitting, const KnownIssue *issue, const IssueFacts *facts)
{
	IssueFit fit = known_issue_match(issue, facts);
	FittingIssue item = { .issue = issue, .fit = fit };

	if (fit == ISSUE_FITS_NOT)
		return 0;
	item.subject = subject_of(issue, facts);
	if (!item.subject || array_grow(&fitting->items, fitting->n, sizeof(item)) < 0) {
		free(item.subject);
		return -ENOMEM;
	}
	fitting->items[fitting->n++] = item;
	return 0;
}

/* What is one step surer is said earlier; the list's own order decides the rest. */
static bool comes_before(const FittingIssue *a, const FittingIssue *b)
{
	if (a->issue->severity != b->issue->severity)
		return a->issue->severity < b->issue->severity;
	if (a->fit != b->fit)
		return a->fit > b->fit;
	return a->issue->proof < b->issue->proof;
}

static void sort(FittingIssues *fitting)
{
	for (size_t i = 1; i < fitting->n; i++) {
		FittingIssue moved = fitting->items[i];
		size_t at = i;

		for (; at > 0 && comes_before(&moved, &fitting->items[at - 1]); at--)
			fitting->items[at] = fitting->items[at - 1];
		fitting->items[at] = moved;
	}
}

int known_issues_fitting(const KnownIssues *issues, const IssueFacts *facts, FittingIssues *ret)
{
	FittingIssues fitting = { .date = issues->date };

	for (size_t i = 0; i < issues->n_issues; i++)
		if (add(&fitting, &issues->issues[i], facts) < 0) {
			fitting_issues_done(&fitting);
			return -ENOMEM;
		}
	sort(&fitting);
	*ret = fitting;
	return 0;
}

static bool is_sure(const FittingIssue *fitting)
{
	return fitting->fit == ISSUE_FITS && fitting->issue->proof == ISSUE_PROVEN;
}

bool fitting_issue_refuses(const FittingIssue *fitting)
{
	return fitting->issue->severity == ISSUE_REFUSE && is_sure(fitting) && !fitting->allowed;
}

static const char *fit_to_words(IssueFit fit)
{
	return fit == ISSUE_FITS ? "has it" :
				   "looks as if it had it (a distribution may have mended it)";
}

bool fitting_issues_explain(const FittingIssues *fitting, IssueExplains happened, Fault *fault)
{
	_cleanup_free_ char *text = NULL, *before = TAKE_PTR(fault->why);
	const FittingIssue *first = NULL;
	StrBuf others = { 0 };

	for (size_t i = 0; fitting && i < fitting->n; i++) {
		const FittingIssue *item = &fitting->items[i];

		if (item->issue->explains != happened)
			continue;
		if (first)
			str_buf_add(&others, " Known issue %s fits, too.", item->issue->id);
		else
			first = item;
	}
	(void) str_buf_take(&others, &text);
	if (!first) {
		fault->why = TAKE_PTR(before);
		return false;
	}
	(void) fault_why(fault, "known issue %s: %s %s: %s%s%s%s", first->issue->id, first->subject,
			 fit_to_words(first->fit), first->issue->why, text ?: "",
			 before ? " Seen: " : "", before ?: "");
	(void) fault_evidence(fault, "issue", "%s", first->issue->id);
	(void) fault_remedy(fault, "%s mvmd explain %s tells more", first->issue->remedy,
			    first->issue->id);
	return true;
}

int fitting_issue_tell(const FittingIssue *fitting, FaultList *ret)
{
	const KnownIssue *issue = fitting->issue;
	const char *id = "known-issue";
	Fault fault = { 0 };

	if (issue->severity == ISSUE_NOTE)
		id = "known-issue-minor";
	else if (!is_sure(fitting))
		id = "known-issue-likely";
	(void) fault_set(&fault, 0, MVMD_EXIT_OK, id, "known issue %s: %s %s%s: %s", issue->id,
			 fitting->subject, fit_to_words(fitting->fit),
			 fitting->allowed ? ", which is allowed" : "", issue->symptom);
	(void) fault_evidence(&fault, "issue", "%s", issue->id);
	(void) fault_evidence(&fault, "subject", "%s", fitting->subject);
	(void) fault_why(&fault, "%s", issue->why);
	(void) fault_remedy(&fault, "%s", issue->remedy);
	return fault_list_take(ret, &fault);
}

int known_issues_tell(const KnownIssues *issues, const IssueFacts *facts, FaultList *ret)
{
	FittingIssues fitting = { 0 };
	int r = known_issues_fitting(issues, facts, &fitting);

	for (size_t i = 0; r == 0 && i < fitting.n; i++)
		r = fitting_issue_tell(&fitting.items[i], ret);
	fitting_issues_done(&fitting);
	return r;
}
