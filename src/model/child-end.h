/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"

/* How a process ended, and what that says about why. Pure: run/child.h brings the facts. */

/*
 * As waitid(2) says it. Of a process that was no child of ours older kernels do not tell how it ended
 * (host/process.h): {0} is such an end.
 */
typedef struct ChildEnd {
	int code; /* CLD_EXITED, CLD_KILLED, CLD_DUMPED; 0: not known */
	int status; /* exit status or signal */
} ChildEnd;

/* "exit status 1", "signal 9 (SIGKILL)", "how is not known, for it was no child of this mvmd": in words, in buffer. */
#define CHILD_END_MAX 64
const char *child_end_to_text(char buffer[CHILD_END_MAX], const ChildEnd *end);
bool child_end_is_clean(const ChildEnd *end); /* exit status 0 */
bool child_end_is_signal(const ChildEnd *end);
bool child_end_is_unknown(const ChildEnd *end); /* then it is neither of the two */

/* How many processes the kernel killed for want of memory, up to one moment (host/oom.h). */
typedef struct OomKills {
	bool known;
	bool of_group; /* in our own control group; else on the whole host */
	uint64_t n;
} OomKills;

/* All that is known about the end of one process. */
typedef struct EndFacts {
	ChildEnd end;
	const char
		*last_words; /* what it wrote shortly before, lines joined by " / "; "": nothing */
	OomKills oom_before, oom_after;
} EndFacts;

typedef enum EndCause {
	END_UNKNOWN, /* an exit status, and no more; or not even that */
	END_USAGE, /* it did not take the options that it was given */
	END_PANIC, /* a panic of its own (Rust), whatever its status */
	END_CRASH, /* SIGSEGV, SIGABRT and the like */
	END_SECCOMP, /* SIGSYS */
	END_BUS_ERROR, /* SIGBUS */
	END_OOM_KILL, /* SIGKILL, and our control group counts a kill by the kernel */
	END_KILLED, /* a signal from outside */
	_END_CAUSE_MAX,
} EndCause;

/* What cannot be told is END_UNKNOWN. */
EndCause end_cause(const EndFacts *facts);

/* How many the OOM killer killed meanwhile; 0 where that is not known. */
uint64_t end_oom_kills(const EndFacts *facts);

/* Adds exit_status or signal, core_dumped, last_words and oom_kills. Returns fault->error. */
int end_evidence(const EndFacts *facts, Fault *fault);
