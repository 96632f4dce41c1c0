/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/util.h"

/*
 * What a failed function has to say to a person: filled in where the failure is known best, carried up
 * unchanged, printed once at the top. The functions that fill it in return its error, so that
 *
 *	return fault_set(f, -errno, MVMD_EXIT_SYSTEM, "tap-create", "cannot create tap %s", name);
 *
 * is a whole error path. A Fault is never NULL.
 * Zero-initialise; fault_done() frees the texts.
 */
typedef struct Evidence {
	char *key; /* snake_case; named in the finding's row (model/findings.h) */
	char *value;
} Evidence;

typedef struct Fault {
	int error; /* -errno; 0: no fault */
	int exit_code; /* its class, include/mvmd/exit-codes.h */
	const char *id; /* stable name of the finding, kebab-case, a string literal */
	char *what; /* what was tried and what happened, in one sentence without a final dot */
	char *why; /* why, where that is known; NULL: not known */
	char *remedy; /* the next command or edit; NULL: none */
	Evidence *evidence; /* what was seen, as data: the texts say the same to people */
	size_t n_evidence;
} Fault;

/*
 * Sets all of a fault but why and remedy; an earlier content is replaced. The text ends with the error's
 * own words (": No such file or directory") where error is not 0 and the format ends in ": %m"; then
 * its name is evidence too ("errno").
 */
int fault_set(Fault *fault, int error, int exit_code, const char *id, const char *format, ...)
	_printf_(5, 6);

/* Adds or replaces the why or the remedy. Return fault->error. */
int fault_why(Fault *fault, const char *format, ...) _printf_(2, 3);
int fault_remedy(Fault *fault, const char *format, ...) _printf_(2, 3);

/* Adds what was seen, or replaces it where the key is there; without memory it is missing. Returns fault->error. */
int fault_evidence(Fault *fault, const char *key, const char *format, ...) _printf_(3, 4);

/* The value; NULL: there is none of that key. */
const char *fault_evidence_get(const Fault *fault, const char *key);

/* Puts "PREFIX: " before what a deeper function said. Returns fault->error. */
int fault_prefix(Fault *fault, const char *format, ...) _printf_(2, 3);

/* Out of memory, in words: the one fault that needs no arguments. Returns -ENOMEM. */
int fault_oom(Fault *fault);

void fault_done(Fault *fault);

/* Moves from's content to fault and empties from. */
void fault_move(Fault *fault, Fault *from);

/* Copies it; a text for which memory is short is missing. */
void fault_copy(Fault *fault, const Fault *from);

/* Several faults of one look at the host, all to be told in one go. Zero-initialise. */
typedef struct FaultList {
	Fault *items;
	size_t n;
} FaultList;

/* Moves fault into the list and empties it. 0 or -ENOMEM; then the fault is lost and freed. */
int fault_list_take(FaultList *list, Fault *fault);

/* Takes the fault with that index out; what follows moves up. */
void fault_list_drop(FaultList *list, size_t i);

/* The exit code of the worst: 78 before 77 before 69 before 75, then any other; 0 where empty. */
int fault_list_exit_code(const FaultList *list);
void fault_list_done(FaultList *list);

/* Of two exit codes the worse, in the same order; 0 is the best. */
int exit_code_worse(int a, int b);
