/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "base/util.h"

/*
 * The program's own lines: one on stderr each, "mvmd: NAME: text". Only vm.c and the commands log; what
 * fails below them says so in a Fault.
 */
typedef enum LogLevel {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	_LOG_LEVEL_MAX,
} LogLevel;

/* Lines of a lower level than this are not printed. The default is LOG_LEVEL_INFO. */
void log_set_level(LogLevel level);

/*
 * From now on a line that stderr does not take at once is left out, and the next one says how many were: a
 * supervisor must not stand still because nobody reads what it says.
 */
void log_never_wait(void);

/* Names the VM that all following lines are about; NULL: none. The string must stay. */
void log_set_vm(const char *name);

/* True where stderr (stdout) is a terminal that takes colours: NO_COLOR and TERM=dumb are heeded. */
bool log_is_terminal(void);
bool stdout_is_terminal(void);

void log_line(LogLevel level, const char *format, ...) _printf_(2, 3);

/*
 * A fault in full: what and its id, and where they are known why and the next command, a line each; at the level of
 * debugging its evidence too, "seen: KEY=VALUE, KEY=VALUE".
 */
void log_fault(LogLevel level, const Fault *fault);

/* A line that a child wrote: "NAME: SOURCE| line". Control bytes are replaced by '?'. */
void log_child_line(const char *source, const char *line);
