/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "mvmd/exit-codes.h"

/* Formats anew into *p; without memory the old text goes and none takes its place. */
_printf_(2, 0) static void text_set(char **p, const char *format, va_list arguments)
{
	char *text = NULL;

	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	free(*p);
	*p = text;
}

static bool ends_in_errno(const char *format)
{
	size_t length = strlen(format);

	return length >= 2 && streq(format + length - 2, "%m");
}

int fault_set(Fault *fault, int error, int exit_code, const char *id, const char *format, ...)
{
	va_list arguments;

	fault_done(fault);
	fault->error = error;
	fault->exit_code = exit_code;
	fault->id = id;
	errno = -error; /* for %m */
	va_start(arguments, format);
	text_set(&fault->what, format, arguments);
	va_end(arguments);
	if (error < 0 && ends_in_errno(format))
		(void) fault_evidence(fault, "errno", "%s", strerrorname_np(-error) ?: "unknown");
	return error;
}

int fault_why(Fault *fault, const char *format, ...)
{
	va_list arguments;

	errno = -fault->error; /* for %m */
	va_start(arguments, format);
	text_set(&fault->why, format, arguments);
	va_end(arguments);
	return fault->error;
}

int fault_remedy(Fault *fault, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	text_set(&fault->remedy, format, arguments);
	va_end(arguments);
	return fault->error;
}

/* Where the value of key stands; a new, empty place at the end where there is none. NULL: no memory. */
static char **evidence_place(Fault *fault, const char *key)
{
	char *copy;

	for (size_t i = 0; i < fault->n_evidence; i++)
		if (streq(fault->evidence[i].key, key))
			return &fault->evidence[i].value;
	copy = strdup(key);
	if (!copy ||
	    array_grow(&fault->evidence, fault->n_evidence, sizeof(*fault->evidence)) < 0) {
		free(copy);
		return NULL;
	}
	fault->evidence[fault->n_evidence] = (Evidence){ .key = copy };
	return &fault->evidence[fault->n_evidence++].value;
}

int fault_evidence(Fault *fault, const char *key, const char *format, ...)
{
	char **place = evidence_place(fault, key);
	va_list arguments;

	if (!place)
		return fault->error;
	va_start(arguments, format);
	text_set(place, format, arguments);
	va_end(arguments);
	return fault->error;
}

const char *fault_evidence_get(const Fault *fault, const char *key)
{
	for (size_t i = 0; i < fault->n_evidence; i++)
		if (streq(fault->evidence[i].key, key))
			return fault->evidence[i].value;
	return NULL;
}

int fault_prefix(Fault *fault, const char *format, ...)
{
	_cleanup_free_ char *prefix = NULL;
	va_list arguments;
	char *what;

	va_start(arguments, format);
	text_set(&prefix, format, arguments);
	va_end(arguments);

	what = prefix ? str_printf("%s: %s", prefix, fault->what ?: "?") : NULL;
	if (what) {
		free(fault->what);
		fault->what = what;
	}
	return fault->error;
}

int fault_oom(Fault *fault)
{
	return fault_set(fault, -ENOMEM, MVMD_EXIT_SYSTEM, "out-of-memory", "out of memory");
}

void fault_done(Fault *fault)
{
	free(fault->what);
	free(fault->why);
	free(fault->remedy);
	for (size_t i = 0; i < fault->n_evidence; i++) {
		free(fault->evidence[i].key);
		free(fault->evidence[i].value);
	}
	free(fault->evidence);
	*fault = (Fault){ 0 };
}

void fault_move(Fault *fault, Fault *from)
{
	fault_done(fault);
	*fault = *from;
	*from = (Fault){ 0 };
}

void fault_copy(Fault *fault, const Fault *from)
{
	fault_done(fault);
	*fault = (Fault){ .error = from->error, .exit_code = from->exit_code, .id = from->id };
	(void) str_set(&fault->what, from->what);
	(void) str_set(&fault->why, from->why);
	(void) str_set(&fault->remedy, from->remedy);
	for (size_t i = 0; i < from->n_evidence; i++)
		if (from->evidence[i].value)
			(void) fault_evidence(fault, from->evidence[i].key, "%s",
					      from->evidence[i].value);
}

int fault_list_take(FaultList *list, Fault *fault)
{
	if (array_grow(&list->items, list->n, sizeof(*list->items)) < 0) {
		fault_done(fault);
		return -ENOMEM;
	}
	list->items[list->n++] = *fault;
	*fault = (Fault){ 0 };
	return 0;
}

void fault_list_drop(FaultList *list, size_t i)
{
	fault_done(&list->items[i]);
	list->n--;
	memmove(list->items + i, list->items + i + 1, (list->n - i) * sizeof(*list->items));
}

static unsigned exit_code_rank(int exit_code)
{
	static const int worst_first[] = { MVMD_EXIT_SPEC, MVMD_EXIT_PERMISSION,
					   MVMD_EXIT_UNAVAILABLE, MVMD_EXIT_BUSY };

	if (exit_code == MVMD_EXIT_OK)
		return ELEMENTSOF(worst_first) + 1;
	for (unsigned i = 0; i < ELEMENTSOF(worst_first); i++)
		if (worst_first[i] == exit_code)
			return i;
	return ELEMENTSOF(worst_first);
}

int exit_code_worse(int a, int b)
{
	return exit_code_rank(b) < exit_code_rank(a) ? b : a;
}

int fault_list_exit_code(const FaultList *list)
{
	int worst = MVMD_EXIT_OK;

	for (size_t i = 0; i < list->n; i++)
		worst = exit_code_worse(worst, list->items[i].exit_code);
	return worst;
}

void fault_list_done(FaultList *list)
{
	for (size_t i = 0; i < list->n; i++)
		fault_done(&list->items[i]);
	free(list->items);
	*list = (FaultList){ 0 };
}
