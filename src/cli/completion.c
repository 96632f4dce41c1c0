/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "cli/completion.h"

/* "  --backend=ID         only what is of that backend", without the end of the line. 0 or -ENOMEM. */
static int option_read(const char *line, size_t length, CommandOption *ret)
{
	size_t name, at;

	line += strspn(line, " ");
	name = strcspn(line, " =\n");
	ret->value = line[name] == '=' ? '=' : '\0';
	/* Two spaces are in front of what it does; a value stands behind one. */
	if (line[name] == ' ' && line[name + 1] != ' ')
		ret->value = ' ';
	for (at = name; at < length && strncmp(line + at, "  ", 2) != 0;)
		at++;
	at += strspn(line + at, " ");
	ret->name = strndup(line, name);
	ret->text = strndup(line + at, strcspn(line + at, "\n"));
	if (ret->name && ret->text)
		return 0;
	free(ret->name);
	free(ret->text);
	return -ENOMEM;
}

int command_options(const Command *command, CommandOptions *ret)
{
	const char *line = command->options;
	int r = 0;

	*ret = (CommandOptions){ 0 };
	while (r == 0 && line && *line) {
		size_t length = strcspn(line, "\n");

		r = array_grow(&ret->items, ret->n, sizeof(*ret->items));
		if (r == 0)
			r = option_read(line, length, &ret->items[ret->n]);
		if (r == 0)
			ret->n++;
		line += length + (line[length] == '\n');
	}
	return r;
}

void command_options_done(CommandOptions *options)
{
	for (size_t i = 0; i < options->n; i++) {
		free(options->items[i].name);
		free(options->items[i].text);
	}
	free(options->items);
	*options = (CommandOptions){ 0 };
}

void add_quoted(StrBuf *script, const char *text)
{
	str_buf_add(script, "'");
	for (; *text; text++) {
		if (*text == '\'')
			str_buf_add(script, "'\\''");
		else
			str_buf_add(script, "%c", *text);
	}
	str_buf_add(script, "'");
}
