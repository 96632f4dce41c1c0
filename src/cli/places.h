/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/commands.h"

/*
 * Whose VMs are meant, the host's or those of the user who calls, and where they lie. systemctl's words: --system and
 * --user. Where neither is given root means the host's; another user his own, where the command is about a spec by its
 * path, about a VM that he has a spec of and the host has not, or about no VM and he has a folder of specs.
 */

/* What stands before the command and says where things lie; zero-initialise. */
typedef struct PlaceWords {
	const char *given[4]; /* by an option; the order is that of the table in places.c */
	bool user, system; /* --user, --system */
} PlaceWords;

/* Takes "--spec-dir=X", "--spec-dir X", "--user" and the like off argv[0]. How many words it took, or -EINVAL. */
int places_take(PlaceWords *words, int argc, char **argv);

/*
 * Decides for a command with its words, argv[0] its name. The strings in *ret are words', the environment's, or in
 * owned, which must live as long. Says what is wrong; returns an exit code.
 */
int places_choose(const PlaceWords *words, const Command *command, char **argv, Places *ret,
		  StrList *owned);

/*
 * Makes the folders above a user's state that are missing; the last one is made with the first record. Where that fails
 * nothing is kept.
 */
void places_make_state(const Places *places);

/* The options, for the help. */
const char *places_help(void);
