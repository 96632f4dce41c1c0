/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "model/problem.h"
#include "model/utf8.h"

/* Of a longer line only this much around the place is kept and shown. */
#define EXCERPT_MAX_BYTES    160
#define EXCERPT_BEFORE_BYTES 80

static void problem_done(Problem *problem)
{
	free(problem->file);
	free(problem->pointer);
	free(problem->text);
	free(problem->excerpt);
	*problem = (Problem){ 0 };
}

static int copy_clean(char **ret, const char *text)
{
	int r = str_set(ret, text);

	if (r >= 0 && *ret)
		text_clean(*ret, strlen(*ret));
	return r;
}

static bool is_continuation(char c)
{
	return ((unsigned char) c & 0xc0) == 0x80;
}

/* Cuts the window out of the line; a character that the cut would halve is left out. */
static int copy_excerpt(Problem *copy, const char *line, size_t length)
{
	size_t at = copy->column > 0 ? copy->column - 1 : 0, start = 0, end = length;

	if (at > length)
		at = length;
	if (length > EXCERPT_MAX_BYTES) {
		start = at > EXCERPT_BEFORE_BYTES ? at - EXCERPT_BEFORE_BYTES : 0;
		end = start + EXCERPT_MAX_BYTES < length ? start + EXCERPT_MAX_BYTES : length;
		while (start < at && is_continuation(line[start]))
			start++;
		while (end > at && end < length && is_continuation(line[end]))
			end--;
	}

	copy->excerpt = malloc(end - start + 1);
	if (!copy->excerpt)
		return -ENOMEM;
	memcpy(copy->excerpt, line + start, end - start);
	copy->excerpt[end - start] = '\0';
	text_clean(copy->excerpt, end - start);
	copy->caret = at - start;
	return 0;
}

int problems_add(Problems *problems, const Problem *problem, size_t excerpt_length)
{
	Problem copy = {
		.rule = problem->rule,
		.document = problem->document,
		.line = problem->line,
		.column = problem->column,
	};

	if (copy_clean(&copy.file, problem->file) < 0 ||
	    copy_clean(&copy.pointer, problem->pointer) < 0 ||
	    copy_clean(&copy.text, problem->text) < 0 ||
	    (problem->excerpt && copy_excerpt(&copy, problem->excerpt, excerpt_length) < 0) ||
	    array_grow(&problems->items, problems->n, sizeof(*problems->items)) < 0) {
		problem_done(&copy);
		return -ENOMEM;
	}
	problems->items[problems->n++] = copy;
	return 0;
}

static int compare_sizes(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int compare_places(const void *first, const void *second)
{
	const Problem *a = first, *b = second;
	int order = compare_sizes(a->document, b->document);

	if (order == 0)
		order = compare_sizes(a->line, b->line);
	if (order == 0)
		order = compare_sizes(a->column, b->column);
	if (order == 0)
		order = strcmp(a->pointer, b->pointer);
	return order != 0 ? order : strcmp(a->text, b->text);
}

void problems_sort(Problems *problems, size_t first)
{
	if (problems->n > first)
		qsort(problems->items + first, problems->n - first, sizeof(*problems->items),
		      compare_places);
}

static void add_excerpt(StrBuf *buf, const Problem *problem)
{
	str_buf_add(buf, "    %s\n    ", problem->excerpt);
	for (size_t i = 0; i < problem->caret; i++) {
		char c = problem->excerpt[i];

		if (!is_continuation(c))
			str_buf_add_bytes(buf, c == '\t' ? "\t" : " ", 1);
	}
	str_buf_add(buf, "^\n");
}

int problems_to_text(const Problems *problems, bool with_excerpt, char **ret)
{
	StrBuf buf = { 0 };

	for (size_t i = 0; i < problems->n; i++) {
		const Problem *problem = &problems->items[i];

		str_buf_add(&buf, "%s:", problem->file);
		if (problem->line > 0)
			str_buf_add(&buf, "%zu:%zu:", problem->line, problem->column);
		if (*problem->pointer)
			str_buf_add(&buf, " %s:", problem->pointer);
		str_buf_add(&buf, " %s\n", problem->text);
		if (with_excerpt && problem->excerpt)
			add_excerpt(&buf, problem);
	}
	return str_buf_take(&buf, ret);
}

void problems_done(Problems *problems)
{
	for (size_t i = 0; i < problems->n; i++)
		problem_done(&problems->items[i]);
	free(problems->items);
	*problems = (Problems){ 0 };
}
