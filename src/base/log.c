/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

typedef struct LevelStyle {
	const char *label;
	const char *colour; /* ECMA-48, NULL: plain */
} LevelStyle;

static const LevelStyle level_styles[_LOG_LEVEL_MAX] = {
	[LOG_LEVEL_ERROR] = { "error: ", "\033[1;31m" },
	[LOG_LEVEL_WARNING] = { "warning: ", "\033[1;33m" },
	[LOG_LEVEL_INFO] = { "", NULL },
	[LOG_LEVEL_DEBUG] = { "debug: ", "\033[2m" },
};

static LogLevel log_level = LOG_LEVEL_INFO;
static const char *log_vm;
static int log_fd = STDERR_FILENO;
static unsigned log_lost;

void log_set_level(LogLevel level)
{
	log_level = level;
}

void log_set_vm(const char *name)
{
	log_vm = name;
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

	line = str_printf("mvmd: %s%s%s%s%s%s\n", log_vm ?: "", log_vm ? ": " : "",
			  coloured ? style->colour : "", indent ?: style->label, text,
			  coloured ? "\033[0m" : "");
	if (log_lost > 0)
		write_lost();
	if (line)
		write_text(line);
}

void log_line(LogLevel level, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;
	int n;

	if (level > log_level)
		return;
	va_start(arguments, format);
	n = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (n < 0) {
		text = NULL;
		return;
	}
	write_line(level, NULL, text);
}

/* "seen: bridge=br0, errno=ENODEV": what the texts say, as data. */
static void write_evidence(const Fault *fault)
{
	_cleanup_(str_buf_done) StrBuf text = { 0 };

	for (size_t i = 0; i < fault->n_evidence; i++)
		str_buf_add(&text, "%s%s=%s", i > 0 ? ", " : "seen: ", fault->evidence[i].key,
			    fault->evidence[i].value ?: "");
	if (text.length > 0 && !text.failed)
		write_line(LOG_LEVEL_DEBUG, "  ", text.text);
}

void log_fault(LogLevel level, const Fault *fault)
{
	_cleanup_free_ char *what = NULL, *why = NULL, *remedy = NULL;

	if (level > log_level)
		return;
	what = str_printf("%s [%s]", fault->what ?: "?", fault->id);
	write_line(level, NULL, what ?: "out of memory");
	if (fault->why && (why = str_printf("why: %s", fault->why)))
		write_line(level, "  ", why);
	if (fault->remedy && (remedy = str_printf("try: %s", fault->remedy)))
		write_line(level, "  ", remedy);
	if (log_level >= LOG_LEVEL_DEBUG)
		write_evidence(fault);
}

void log_child_line(const char *source, const char *line)
{
	_cleanup_free_ char *text = str_printf("%s| %s", source, line);

	if (!text)
		return;
	for (char *c = text; *c; c++)
		if ((unsigned char) *c < ' ' || *c == 0x7f)
			*c = '?';
	write_line(LOG_LEVEL_INFO, NULL, text);
}
