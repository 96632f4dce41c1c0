/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "base/util.h"
#include "mvmd/journal.h"

/*
 * The program's own lines: one on stderr each, "mvmd: NAME: text". Only vm.c and the commands log; what
 * fails below them says so in a Fault.
 *
 * Where stderr is the journal's (systemd.exec(5), JOURNAL_STREAM) each is an entry with fields instead
 * (mvmd/journal.h), of any level; a fault is one entry with all that it says. Nothing of it ever waits for journald.
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

/* True where log_set_level() asked for the lowest. */
bool log_is_verbose(void);

/*
 * From now on a line that stderr does not take at once is left out, and the next one says how many were: a
 * supervisor must not stand still because nobody reads what it says.
 */
void log_never_wait(void);

/* Names the VM that all following lines are about; NULL: none. The string must stay. */
void log_set_vm(const char *name);

/*
 * A field that all following entries have, until it is set to NULL; a copy is kept. The name is one of mvmd/journal.h
 * and must stay. LOG_CONTEXT_MAX of them at a time.
 */
#define LOG_CONTEXT_MAX 6
void log_set_field(const char *name, const char *value);

/* True where lines become entries of the journal. */
bool log_is_journal(void);

/* True where stdout is the journal's as well: what is for a person's eyes would be raw text there. */
bool log_has_stdout(void);

/*
 * Sends entries that wait for journald, as far as it takes them. False where some wait still. Who wants that to happen
 * while nothing is logged uses journal_on_waiting().
 */
bool log_retry(void);

/* Waits a moment for entries that wait for journald: call it before the end of the process, and before an exec. */
void log_flush(void);

/* True where stderr (stdout) is a terminal that takes colours: NO_COLOR and TERM=dumb are heeded. */
bool log_is_terminal(void);
bool stdout_is_terminal(void);

typedef struct LogField {
	const char *name; /* of mvmd/journal.h */
	const char *value; /* NULL: the entry is without */
} LogField;

/* What an entry has beside its text. */
#define LOG_FIELDS_MAX 5
typedef struct LogKind {
	LogLevel level;
	const char *message_id; /* of mvmd/journal.h; NULL: none */
	LogField fields[LOG_FIELDS_MAX];
} LogKind;

void log_entry(const LogKind *kind, const char *format, ...) _printf_(2, 3);
void log_line(LogLevel level, const char *format, ...) _printf_(2, 3);

/*
 * A fault in full: what and its id, and where they are known why and the next command, a line each; at the level of
 * debugging its evidence too, "seen: KEY=VALUE, KEY=VALUE".
 */
void log_fault(LogLevel level, const Fault *fault);

/* Whose lines are handed on: a process of ours, or the guest's console. */
typedef struct LogStream {
	const char *label; /* "virtiofsd[data]" */
	const char *message_id;
	const char *stream; /* MVMD_STREAM= */
	const char *backend; /* MVMD_BACKEND=; NULL: none */
} LogStream;

/*
 * A line that somebody else wrote: "NAME: LABEL| line"; in the journal an entry whose identifier is "NAME/LABEL".
 * Control bytes are replaced by '?'.
 */
void log_stream_line(const LogStream *stream, const char *line);

/* In the journal, that so many of its lines were left out here. */
void log_stream_gap(const LogStream *stream, uint64_t lines);
