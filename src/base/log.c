/* SPDX-License-Identifier: Apache-2.0 */
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

/* One write for the whole line, so that lines of several processes do not mix. */
static void write_line(LogLevel level, const char *indent, const char *text)
{
	const LevelStyle *style = &level_styles[level];
	bool coloured = style->colour && log_is_terminal();
	_cleanup_free_ char *line = NULL;

	line = str_printf("mvmd: %s%s%s%s%s%s\n", log_vm ?: "", log_vm ? ": " : "",
			  coloured ? style->colour : "", indent ?: style->label, text,
			  coloured ? "\033[0m" : "");
	if (line)
		(void) !write(STDERR_FILENO, line, strlen(line));
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

void log_fault(LogLevel level, const Fault *fault)
{
	_cleanup_free_ char *why = NULL, *remedy = NULL;

	if (level > log_level)
		return;
	write_line(level, NULL, fault->what ?: "out of memory");
	if (fault->why && (why = str_printf("why: %s", fault->why)))
		write_line(level, "  ", why);
	if (fault->remedy && (remedy = str_printf("try: %s", fault->remedy)))
		write_line(level, "  ", remedy);
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
