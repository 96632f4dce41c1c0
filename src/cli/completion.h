/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/commands.h"

/*
 * What shells complete of mvmd's command line, as a script for each of them, made from the table of commands. Names of
 * VMs and findings they ask for each time: `mvmd complete vms`.
 */

/* One line of Command.options. */
typedef struct CommandOption {
	char *name; /* "--all" */
	char value; /* '=': "--since=TIME"; ' ': "--log FILE"; '\0': none */
	char *text; /* what it does */
} CommandOption;

typedef struct CommandOptions {
	CommandOption *items;
	size_t n;
} CommandOptions;

/* 0 or -ENOMEM. *ret is to be freed in any case. */
int command_options(const Command *command, CommandOptions *ret);
void command_options_done(CommandOptions *options);

/* Adds text between single quotes, as the three shells read it. */
void add_quoted(StrBuf *script, const char *text);

/* The script: 0 or -ENOMEM. */
int completion_bash(StrBuf *script);
int completion_zsh(StrBuf *script);
int completion_fish(StrBuf *script);
