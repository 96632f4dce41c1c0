/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/util.h"

/* One thing that is wrong in a spec, and its place: what a compiler would say. */
typedef struct Problem {
	const char *rule; /* which rule it breaks, kebab-case, a string literal */
	size_t document; /* the file's rank in merging order, for sorting */
	char *file;
	size_t line; /* from 1; 0: the file as a whole */
	size_t column; /* from 1, in bytes */
	char *pointer; /* RFC 6901, within this file; "" is the whole document */
	char *text; /* what is wrong, what would be right */
	char *excerpt; /* the line itself, a long one around the place; NULL: none to show */
	size_t caret; /* where in the excerpt the place lies, in bytes from 0 */
} Problem;

/* Zero-initialise. */
typedef struct Problems {
	Problem *items;
	size_t n;
} Problems;

/*
 * Adds a problem; its strings are copied and made fit for a terminal. excerpt is the line of
 * excerpt_length bytes in which 'column' lies; 'caret' is found here. Returns 0 or -ENOMEM.
 */
int problems_add(Problems *problems, const Problem *problem, size_t excerpt_length);

/* Sorts those from 'first' on by document, line, column and pointer. */
void problems_sort(Problems *problems, size_t first);

/*
 * All as text: "FILE:LINE:COL: /json/pointer: text" each, in their order; where with_excerpt the line and
 * a caret below it follow. A new string in *ret. Returns 0 or -ENOMEM.
 */
int problems_to_text(const Problems *problems, bool with_excerpt, char **ret);

void problems_done(Problems *problems);
