/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/child-end.h"

#define STATUS_EX_USAGE 64 /* sysexits.h */

const char *child_end_to_text(char buffer[CHILD_END_MAX], const ChildEnd *end)
{
	const char *name;

	if (child_end_is_unknown(end)) {
		(void) snprintf(buffer, CHILD_END_MAX,
				"how is not known, for it was no child of this mvmd");
		return buffer;
	}
	if (!child_end_is_signal(end)) {
		(void) snprintf(buffer, CHILD_END_MAX, "exit status %d", end->status);
		return buffer;
	}
	name = sigabbrev_np(end->status);
	(void) snprintf(buffer, CHILD_END_MAX, "signal %d (SIG%s)%s", end->status, name ?: "?",
			end->code == CLD_DUMPED ? ", core dumped" : "");
	return buffer;
}

bool child_end_is_clean(const ChildEnd *end)
{
	return end->code == CLD_EXITED && end->status == 0;
}

bool child_end_is_signal(const ChildEnd *end)
{
	return end->code == CLD_KILLED || end->code == CLD_DUMPED;
}

bool child_end_is_unknown(const ChildEnd *end)
{
	return end->code == 0;
}

static bool says_any(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(text, words[i]))
			return true;
	return false;
}

/*
 * The words of clap (virtiofsd, cloud-hypervisor), of getopt_long(3) and of QEMU's own two parsers
 * (softmmu/vl.c: "invalid option"; qapi/qobject-input-visitor.c: "Parameter '%s' is unexpected").
 */
static bool is_usage(const EndFacts *facts)
{
	static const char *const words[] = {
		"unexpected argument",
		"unrecognized option",
		"unknown option",
		"invalid option",
		"wasn't expected",
		"is unexpected",
		"Invalid parameter '",
		"requires an argument",
		"Usage:",
		"usage: ",
	};

	if (child_end_is_clean(&facts->end) || child_end_is_signal(&facts->end))
		return false;
	return facts->end.status == STATUS_EX_USAGE ||
	       says_any(facts->last_words, words, ELEMENTSOF(words));
}

/*
 * The signal that ended it; 0: none did. A virtiofsd in its sandbox is two processes, of which the outer one tells how
 * the other ended and leaves with that number as its own status (its util.rs: wait_for_child).
 */
static int signal_of(const EndFacts *facts)
{
	static const char told[] = "Child process terminated by signal ";
	const char *words = strstr(facts->last_words, told);

	if (child_end_is_signal(&facts->end))
		return facts->end.status;
	return words && !child_end_is_clean(&facts->end) ?
		       (int) strtol(words + strlen(told), NULL, 10) :
		       0;
}

static EndCause cause_of_signal(const EndFacts *facts, int signal)
{
	switch (signal) {
	case SIGSEGV:
	case SIGABRT:
	case SIGILL:
	case SIGFPE:
	case SIGTRAP:
		return END_CRASH;
	case SIGBUS:
		return END_BUS_ERROR;
	case SIGSYS:
		return END_SECCOMP;
	case SIGKILL:
		return facts->oom_after.of_group && end_oom_kills(facts) > 0 ? END_OOM_KILL :
									       END_KILLED;
	default:
		return END_KILLED;
	}
}

EndCause end_cause(const EndFacts *facts)
{
	int signal = signal_of(facts);

	if (signal != 0)
		return cause_of_signal(facts, signal);
	if (strstr(facts->last_words, "panicked at"))
		return END_PANIC;
	return is_usage(facts) ? END_USAGE : END_UNKNOWN;
}

uint64_t end_oom_kills(const EndFacts *facts)
{
	const OomKills *before = &facts->oom_before, *after = &facts->oom_after;

	if (!before->known || !after->known || before->of_group != after->of_group ||
	    after->n < before->n)
		return 0;
	return after->n - before->n;
}

static void oom_evidence(const EndFacts *facts, Fault *fault)
{
	if (facts->oom_before.known && facts->oom_after.known)
		(void) fault_evidence(fault, "oom_kills", "%" PRIu64 " %s", end_oom_kills(facts),
				      facts->oom_after.of_group ? "in the control group" :
								  "on the host");
}

int end_evidence(const EndFacts *facts, Fault *fault)
{
	int signal = signal_of(facts);

	if (signal != 0) {
		(void) fault_evidence(fault, "signal", "SIG%s", sigabbrev_np(signal) ?: "?");
		(void) fault_evidence(fault, "core_dumped", "%s",
				      facts->end.code == CLD_DUMPED ? "yes" : "no");
		oom_evidence(facts, fault);
	} else if (child_end_is_unknown(&facts->end)) {
		(void) fault_evidence(fault, "exit_status", "unknown");
		oom_evidence(facts, fault);
	} else {
		(void) fault_evidence(fault, "exit_status", "%d", facts->end.status);
	}
	if (*facts->last_words)
		(void) fault_evidence(fault, "last_words", "%s", facts->last_words);
	return fault->error;
}
