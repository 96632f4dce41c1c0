/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/util.h"

/* A switch of a command: "--json". */
typedef struct Switch {
	const char *name;
	bool *value; /* set where it was given */
} Switch;

/*
 * Takes an option with a value, "NAME=VALUE" or "NAME VALUE", of a NAME with one dash also "NAMEVALUE", off argv[0].
 * Returns how many words that are, 0 where it is another word, or -EINVAL where the value is missing, which is told.
 */
int option_take_value(const char *command, const char *name, int argc, char **argv,
		      const char **ret);

/*
 * Takes all options with a value out of argv: take() is given the words from each on, and returns as
 * option_take_value(). Returns the new argc, or -EINVAL.
 */
typedef int (*OptionTake)(int argc, char **argv, void *userdata);
int options_take_values(int argc, char **argv, OptionTake take, void *userdata);

/*
 * Reads a command's words: switches are set, all others are left in argv[1…]. Says what is wrong.
 * Returns the number of words left, or -EINVAL where there are fewer than least or more than most, or an
 * unknown option.
 */
int options_parse(int argc, char **argv, const Switch *switches, size_t n_switches, int least,
		  int most);
