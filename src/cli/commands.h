/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/util.h"

/*
 * One command is one file, cli/cmd-NAME.c, with one function that takes the words from its own name on
 * and returns an exit code (include/mvmd/exit-codes.h). main.c is the table of them.
 */

/* The host's specs, and where its units have their sockets. */
#define SPEC_DIRECTORY	  "/etc/mvmd"
#define RUNTIME_DIRECTORY "/run/mvmd"

/* Where things lie; from the options before the command, the environment, or the defaults (cli/places.h). */
typedef struct Places {
	const char *spec_directory; /* --spec-dir, MVMD_SPEC_DIR, /etc/mvmd */
	const char *runtime_directory; /* --runtime-dir, MVMD_RUNTIME_DIR, /run/mvmd */
	const char *state_directory; /* --state-dir, MVMD_STATE_DIR, /var/lib/mvmd */
	const char *data_directory; /* --data-dir, MVMD_DATA_DIR, /usr/share/mvmd */
	bool user; /* the VMs are those of the user who calls, and their systemd is his */
	const char *units_runtime_directory; /* where their units have it */
} Places;

/* What the words of a command are: the completion of shells goes by it. */
typedef enum CommandTakes {
	TAKES_NOTHING,
	TAKES_SPEC, /* one VM by its NAME, or the PATH of a spec */
	TAKES_SPECS,
	TAKES_VM, /* one VM by its NAME */
	TAKES_VMS,
	TAKES_FINDING, /* the id of a finding */
	TAKES_VERB, /* of `mvmd unit`, then one VM */
	_TAKES_MAX,
} CommandTakes;

typedef struct Command {
	const char *name;
	CommandTakes takes;
	const char *arguments; /* for the usage line */
	const char
		*sentence; /* what it does; NULL: no person types it, it is not in `mvmd --help` */
	int (*run)(const Places *places, int argc, char **argv);
	/* Its options, a line each, "  --NAME" or "  --NAME=X" and what it does, for "mvmd COMMAND --help"; NULL: none. */
	const char *options;
} Command;

/* The tables of main.c and places.c: commands, and options that say where things lie ("--spec-dir"); NULL behind the last. */
const Command *command_at(size_t i);
const char *place_option_at(size_t i);

int cmd_blame(const Places *places, int argc, char **argv);
int cmd_check(const Places *places, int argc, char **argv);
int cmd_complete(const Places *places, int argc, char **argv);
int cmd_console(const Places *places, int argc, char **argv);
int cmd_disable(const Places *places, int argc, char **argv);
int cmd_doctor(const Places *places, int argc, char **argv);
int cmd_enable(const Places *places, int argc, char **argv);
int cmd_explain(const Places *places, int argc, char **argv);
int cmd_grant(const Places *places, int argc, char **argv);
int cmd_list(const Places *places, int argc, char **argv);
int cmd_logs(const Places *places, int argc, char **argv);
int cmd_networkd(const Places *places, int argc, char **argv);
int cmd_plan(const Places *places, int argc, char **argv);
int cmd_reload(const Places *places, int argc, char **argv);
int cmd_restart(const Places *places, int argc, char **argv);
int cmd_run(const Places *places, int argc, char **argv);
int cmd_schema(const Places *places, int argc, char **argv);
int cmd_start(const Places *places, int argc, char **argv);
int cmd_status(const Places *places, int argc, char **argv);
int cmd_stop(const Places *places, int argc, char **argv);
int cmd_unit(const Places *places, int argc, char **argv);
