/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Backends started by hand, on listeners that they inherit as mvmd's do. */

#define WORDS_MAX     32
#define COMMAND_BYTES 8192

/* The words of one, as /proc/PID/cmdline shows them: each with a NUL byte at its end. */
typedef struct Command {
	char text[COMMAND_BYTES];
	char *words[WORDS_MAX + 1];
} Command;

bool command_read(const char *path, Command *ret);

/* A listener on a new socket of that path, in place of an old one. -1: not possible. */
int command_listen(const char *path);

/* Starts it as that user on the listener. Returns its pid; -1: not possible. */
pid_t command_start(const Command *command, uid_t uid, int listener);
