/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/journal.h"
#include "base/log.h"
#include "base/message-id.h"

#define IDENTIFIER     "mvmd"
#define FIELD_NAME_MAX 64 /* of the journal */
#define NUMBER_MAX     24

/*
 * What the last entries of a process wait for journald at most. On a busy host it was seen to leave its queue alone for
 * more than a second, and a last word that is lost is the one that somebody will look for.
 */
#define LOG_FLUSH_USEC (5 * USEC_PER_SEC)

typedef struct LevelStyle {
	const char *label;
	const char *colour; /* ECMA-48, NULL: plain */
	const char *priority; /* of syslog(3) */
} LevelStyle;

static const LevelStyle level_styles[_LOG_LEVEL_MAX] = {
	[LOG_LEVEL_ERROR] = { "error: ", "\033[1;31m", "3" },
	[LOG_LEVEL_WARNING] = { "warning: ", "\033[1;33m", "4" },
	[LOG_LEVEL_INFO] = { "", NULL, "6" },
	[LOG_LEVEL_DEBUG] = { "debug: ", "\033[2m", "7" },
};

typedef struct ContextField {
	const char *name;
	char *value; /* NULL: the place is free */
} ContextField;

static LogLevel log_level = LOG_LEVEL_INFO;
static const char *log_vm;
static ContextField context[LOG_CONTEXT_MAX];
static int log_fd = STDERR_FILENO;
static unsigned log_lost;

void log_set_level(LogLevel level)
{
	log_level = level;
}

bool log_is_verbose(void)
{
	return log_level == LOG_LEVEL_DEBUG;
}

void log_set_vm(const char *name)
{
	log_vm = name;
}

void log_set_field(const char *name, const char *value)
{
	ContextField *place = NULL;

	for (size_t i = LOG_CONTEXT_MAX; i-- > 0;)
		if (!context[i].value)
			place = place ?: &context[i];
	for (size_t i = 0; i < LOG_CONTEXT_MAX; i++)
		if (context[i].value && streq(context[i].name, name))
			place = &context[i];
	if (!place)
		return;
	place->name = name;
	(void) str_set(&place->value, value);
}

bool log_is_journal(void)
{
	return journal_is_stderr();
}

bool log_has_stdout(void)
{
	return journal_is_stdout();
}

void log_flush(void)
{
	journal_flush_within(LOG_FLUSH_USEC);
}

static bool is_terminal(int fd)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

	return isatty(fd) && term && !streq(term, "dumb") && !(no_color && *no_color);
}

bool log_is_terminal(void)
{
	return is_terminal(STDERR_FILENO);
}

bool stdout_is_terminal(void)
{
	return is_terminal(STDOUT_FILENO);
}

void log_never_wait(void)
{
	int fd = log_fd == STDERR_FILENO ? fd_open_nonblocking(STDERR_FILENO) : -EBADF;

	if (fd >= 0)
		log_fd = fd;
}

/* A socket (the journal's) was only duplicated and may block, so it is asked as well. */
static void write_text(const char *text)
{
	struct pollfd out = { .fd = log_fd, .events = POLLOUT };
	bool full = log_fd != STDERR_FILENO && poll(&out, 1, 0) == 0;

	if (full || (write(log_fd, text, strlen(text)) < 0 && errno == EAGAIN))
		log_lost++;
}

static void write_lost(void)
{
	_cleanup_free_ char *text = NULL;
	unsigned before = log_lost;

	log_lost = 0;
	text = str_printf("mvmd: %u lines are missing here: nobody read them\n", before);
	if (text)
		write_text(text);
	if (!text || log_lost > 0)
		log_lost = before;
}

/* One write for the whole line, so that lines of several processes do not mix. */
static void write_line(LogLevel level, const char *indent, const char *text)
{
	const LevelStyle *style = &level_styles[level];
	bool coloured = style->colour && log_is_terminal();
	_cleanup_free_ char *line = NULL;

	if (level > log_level)
		return;
	line = str_printf("mvmd: %s%s%s%s%s%s\n", log_vm ?: "", log_vm ? ": " : "",
			  coloured ? style->colour : "", indent ?: style->label, text,
			  coloured ? "\033[0m" : "");
	if (log_lost > 0)
		write_lost();
	if (line)
		write_text(line);
}

/* What every entry has. The unit: journald may find it out for a process that lives still, and only then. */
static void entry_begin(StrBuf *entry, LogLevel level, const char *message_id, const char *text)
{
	journal_add(entry, "MESSAGE", text);
	journal_add(entry, "PRIORITY", level_styles[level].priority);
	if (message_id)
		journal_add(entry, "MESSAGE_ID", message_id);
	if (log_vm)
		journal_add(entry, MVMD_FIELD_VM, log_vm);
	journal_add_unit(entry);
	for (size_t i = 0; i < LOG_CONTEXT_MAX; i++)
		if (context[i].value)
			journal_add(entry, context[i].name, context[i].value);
}

static void add_number(StrBuf *entry, const char *name, int64_t number)
{
	char text[NUMBER_MAX];

	(void) snprintf(text, sizeof(text), "%" PRId64, number);
	journal_add(entry, name, text);
}

/* Returns false where there is no journal to have it: then it is to be a line. */
static bool entry_end(StrBuf *entry, const char *identifier)
{
	journal_add(entry, "SYSLOG_IDENTIFIER", identifier);
	if (!journal_send(entry))
		return false;
	(void) log_retry();
	return true;
}

bool log_retry(void)
{
	unsigned lost;

	if (!journal_flush())
		return false;
	lost = journal_take_lost();
	if (lost > 0)
		log_entry(&(LogKind){ .level = LOG_LEVEL_WARNING, .message_id = MVMD_MESSAGE_LOST },
			  "%u entries are missing before the last ones: journald took none for a "
			  "while",
			  lost);
	return true;
}

static bool send_entry(const LogKind *kind, const char *text)
{
	StrBuf entry = { 0 };

	if (!log_is_journal())
		return false;
	entry_begin(&entry, kind->level, kind->message_id, text);
	for (size_t i = 0; i < LOG_FIELDS_MAX; i++)
		if (kind->fields[i].value)
			journal_add(&entry, kind->fields[i].name, kind->fields[i].value);
	return entry_end(&entry, IDENTIFIER);
}

_printf_(2, 0) static void log_formatted(const LogKind *kind, const char *format, va_list arguments)
{
	_cleanup_free_ char *text = NULL;

	if (kind->level > log_level && !log_is_journal())
		return;
	if (vasprintf(&text, format, arguments) < 0) {
		text = NULL;
		return;
	}
	if (!send_entry(kind, text))
		write_line(kind->level, NULL, text);
}

void log_entry(const LogKind *kind, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_formatted(kind, format, arguments);
	va_end(arguments);
}

void log_line(LogLevel level, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_formatted(&(LogKind){ .level = level }, format, arguments);
	va_end(arguments);
}

/* "bridge=br0, errno=ENODEV": what the texts say, as data. A new string; NULL: out of memory. */
static char *evidence_words(const Fault *fault)
{
	_cleanup_(str_buf_done) StrBuf text = { 0 };

	for (size_t i = 0; i < fault->n_evidence; i++)
		str_buf_add(&text, "%s%s=%s", i > 0 ? ", " : "", fault->evidence[i].key,
			    fault->evidence[i].value ?: "");
	return text.failed ? NULL : TAKE_PTR(text.text);
}

/* MVMD_EVIDENCE_BRIDGE=br0 */
static void add_evidence(StrBuf *entry, const Evidence *evidence)
{
	char name[FIELD_NAME_MAX + 1];

	(void) snprintf(name, sizeof(name), MVMD_FIELD_EVIDENCE_PREFIX "%s", evidence->key);
	for (char *c = name; *c; c++)
		*c = (char) toupper((unsigned char) *c);
	if (evidence->value)
		journal_add(entry, name, evidence->value);
}

static bool send_fault(LogLevel level, const Fault *fault)
{
	char message_id[MESSAGE_ID_MAX];
	_cleanup_free_ char *text = NULL, *evidence = NULL;
	StrBuf entry = { 0 };

	if (!log_is_journal())
		return false;
	text = str_printf("%s [%s]%s%s%s%s", fault->what ?: "?", fault->id,
			  fault->why ? "\nwhy: " : "", fault->why ?: "",
			  fault->remedy ? "\ntry: " : "", fault->remedy ?: "");
	evidence = evidence_words(fault);
	entry_begin(&entry, level, message_id_of_finding(message_id, fault->id),
		    text ?: "out of memory");
	journal_add(&entry, MVMD_FIELD_FINDING, fault->id);
	if (fault->why)
		journal_add(&entry, MVMD_FIELD_WHY, fault->why);
	if (fault->remedy)
		journal_add(&entry, MVMD_FIELD_REMEDY, fault->remedy);
	journal_add(&entry, MVMD_FIELD_EVIDENCE, evidence ?: "none");
	for (size_t i = 0; i < fault->n_evidence; i++)
		add_evidence(&entry, &fault->evidence[i]);
	add_number(&entry, MVMD_FIELD_EXIT_CODE, fault->exit_code);
	if (fault->error < 0)
		add_number(&entry, "ERRNO", -fault->error);
	return entry_end(&entry, IDENTIFIER);
}

void log_fault(LogLevel level, const Fault *fault)
{
	_cleanup_free_ char *what = NULL, *why = NULL, *remedy = NULL, *evidence = NULL;

	if (send_fault(level, fault) || level > log_level)
		return;
	what = str_printf("%s [%s]", fault->what ?: "?", fault->id);
	write_line(level, NULL, what ?: "out of memory");
	if (fault->why && (why = str_printf("why: %s", fault->why)))
		write_line(level, "  ", why);
	if (fault->remedy && (remedy = str_printf("try: %s", fault->remedy)))
		write_line(level, "  ", remedy);
	evidence = evidence_words(fault);
	if (evidence)
		write_line(LOG_LEVEL_DEBUG, "  seen: ", evidence);
}

static bool send_stream(const LogStream *stream, const char *line)
{
	_cleanup_free_ char *identifier = NULL;
	StrBuf entry = { 0 };

	if (!log_is_journal())
		return false;
	identifier = str_printf("%s/%s", log_vm ?: IDENTIFIER, stream->label);
	entry_begin(&entry, LOG_LEVEL_INFO, stream->message_id, line);
	journal_add(&entry, MVMD_FIELD_STREAM, stream->stream);
	if (stream->backend)
		journal_add(&entry, MVMD_FIELD_BACKEND, stream->backend);
	return entry_end(&entry, identifier ?: IDENTIFIER);
}

static void clean(char *text)
{
	for (char *c = text; *c; c++)
		if ((unsigned char) *c < ' ' || *c == 0x7f)
			*c = '?';
}

void log_stream_line(const LogStream *stream, const char *line)
{
	_cleanup_free_ char *copy = strdup(line), *text = NULL;

	if (!copy)
		return;
	clean(copy);
	if (send_stream(stream, copy))
		return;
	text = str_printf("%s| %s", stream->label, copy);
	if (text)
		write_line(LOG_LEVEL_INFO, NULL, text);
}

void log_stream_gap(const LogStream *stream, uint64_t lines)
{
	char number[NUMBER_MAX];

	(void) snprintf(number, sizeof(number), "%" PRIu64, lines);
	log_entry(&(LogKind){ LOG_LEVEL_WARNING,
			      MVMD_MESSAGE_LEFT_OUT,
			      { { MVMD_FIELD_STREAM, stream->stream },
				{ MVMD_FIELD_BACKEND, stream->backend },
				{ MVMD_FIELD_LINES, number } } },
		  "%s wrote too much at once: %s lines are left out here", stream->label, number);
}
