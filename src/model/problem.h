/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/util.h"

/* One thing that is wrong in a spec, and its place: what a compiler would say. */
typedef struct Problem {
	char *file;
	size_t line; /* from 1; 0: the file as a whole */
	size_t column; /* from 1, in bytes */
	char *pointer; /* RFC 6901; "" is the whole document */
	char *text; /* what is wrong, what would be right */
	char *excerpt; /* the line itself; NULL where there is none to show */
} Problem;

/* Zero-initialise. */
typedef struct Problems {
	Problem *items;
	size_t n;
} Problems;

/* Adds a problem; strings are copied, excerpt_length bytes of excerpt are. Returns 0 or -ENOMEM. */
int problems_add(Problems *problems, const Problem *problem, size_t excerpt_length);

/*
 * All as text: "FILE:LINE:COL: /json/pointer: text" each, in the order of file and place; where
 * with_excerpt the line and a caret below it follow. A new string in *ret. Returns 0 or -ENOMEM.
 */
int problems_to_text(const Problems *problems, bool with_excerpt, char **ret);

void problems_done(Problems *problems);
