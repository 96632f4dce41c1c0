/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/commands.h"

/*
 * The VMs that a command for units is about: its n words, each once, or with 'all' those with a spec and, where running
 * is set, all others that there are. What is wrong is said. Returns an exit code; *ret is set with MVMD_EXIT_OK only.
 */
typedef struct UnitNames {
	const char *command;
	bool all;
	bool running; /* also VMs without a spec: with --all, and by the PATH of a spec that may be gone */
} UnitNames;
int unit_names_get(const Places *places, const UnitNames *names, int n, char **words, StrList *ret);
