/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "cli/options.h"
#include "cli/unit-tasks.h"
#include "cli/vm-list.h"
#include "cli/vm-row.h"
#include "mvmd/exit-codes.h"

/* The schema of list --json; fields are only ever added to it. */
#define LIST_VERSION 1

#define TIME_TEXT_MAX 32

typedef struct List {
	const Places *places;
	sd_event *event;
	VmRowUnits units;
	VmRow *rows;
	size_t n;
} List;

static void list_done(List *list)
{
	for (size_t i = 0; i < list->n; i++)
		vm_row_done(&list->rows[i]);
	free(list->rows);
	str_list_done(&list->units.loaded);
	unit_files_done(&list->units.files);
	(void) unit_bus_free(list->units.bus);
	(void) sd_event_unref(list->event);
}

/* Without systemd the list is shorter, and no less right. */
static void ask_systemd(List *list)
{
	VmRowUnits *units = &list->units;
	Fault fault = { 0 };

	if (!unit_tasks_fit(list->places) || sd_event_new(&list->event) < 0)
		return;
	if (unit_bus_open(list->event, list->places->user, &units->bus, &fault) < 0 ||
	    unit_bus_list(units->bus, &units->loaded, &fault) < 0 ||
	    unit_bus_files(units->bus, &units->files, &fault) < 0) {
		log_fault(LOG_LEVEL_DEBUG, &fault);
		str_list_done(&units->loaded);
		units->bus = unit_bus_free(units->bus);
	}
	fault_done(&fault);
}

/* A name that no VM can have is told by mvmd check; what else fails, by mvmd status of that VM. */
static int add_row(List *list, const char *name)
{
	Fault fault = { 0 };

	if (array_grow(&list->rows, list->n, sizeof(*list->rows)) < 0)
		return -ENOMEM;
	if (vm_row_look(list->places, &list->units, name, &list->rows[list->n], &fault) == 0)
		list->n++;
	else
		log_fault(LOG_LEVEL_DEBUG, &fault);
	fault_done(&fault);
	return 0;
}

static int add_rows(List *list, const StrList *names)
{
	for (size_t i = 0; i < names->n; i++)
		if (add_row(list, names->items[i]) < 0)
			return -ENOMEM;
	return 0;
}

static const char *format_since(char ret[TIME_TEXT_MAX], uint64_t since_realtime_usec)
{
	time_t seconds = (time_t) (since_realtime_usec / USEC_PER_SEC);
	struct tm local;

	if (seconds == 0 || !localtime_r(&seconds, &local))
		return "-";
	(void) strftime(ret, TIME_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &local);
	return ret;
}

static void add_note(StrBuf *note, const char *text)
{
	str_buf_add(note, "%s%s", note->length > 0 ? "; " : "", text);
}

/* What is to be known beyond the state. */
static void note_of(const VmRow *row, StrBuf *ret)
{
	if (row->exit_code != 0)
		str_buf_add(ret, "exit code %d%s", row->exit_code, row->cause ? ": " : "");
	if (row->cause)
		str_buf_add(ret, "%s", row->cause);
	if (!row->has_spec)
		add_note(ret, "no spec");
	else if (row->changes.standing == SPEC_WRONG)
		add_note(ret, "its spec is wrong now");
	else if (row->changes.standing == SPEC_CHANGED)
		add_note(ret, "changed since start: ");
	for (size_t i = 0; i < row->changes.keys.n; i++)
		str_buf_add(ret, "%s%s", i > 0 ? ", " : "", row->changes.keys.items[i]);
}

static void print_row(const VmRow *row, int width)
{
	_cleanup_(str_buf_done) StrBuf note = { 0 };
	char text[TIME_TEXT_MAX];

	note_of(row, &note);
	(void) printf("%-*s  %-9s  %-8s  ", width, row->name, row->state, row->unit_file ?: "-");
	(void) printf(note.length > 0 ? "%-19s  " : "%s",
		      format_since(text, row->since_realtime_usec));
	(void) printf("%s\n", note.length > 0 && !note.failed ? note.text : "");
}

static void print_table(const List *list)
{
	int width = (int) strlen("NAME");

	for (size_t i = 0; i < list->n; i++)
		if ((int) strlen(list->rows[i].name) > width)
			width = (int) strlen(list->rows[i].name);
	(void) printf("%-*s  %-9s  %-8s  %s\n", width, "NAME", "STATE", "ENABLED", "SINCE");
	for (size_t i = 0; i < list->n; i++)
		print_row(&list->rows[i], width);
}

static int print_json(const List *list)
{
	_cleanup_free_ char *text = NULL;
	json_t *vms = json_array(), *all;

	for (size_t i = 0; i < list->n; i++)
		(void) json_array_append_new(vms, vm_row_to_json(&list->rows[i]));
	all = json_pack("{s:i, s:o}", "version", LIST_VERSION, "vms", vms);
	text = all ? json_dumps(all, JSON_INDENT(2)) : NULL;
	json_decref(all);
	if (!text)
		return MVMD_EXIT_SYSTEM;
	(void) printf("%s\n", text);
	return MVMD_EXIT_OK;
}

static int print(const List *list, bool json)
{
	if (json)
		return print_json(list);
	if (list->n == 0)
		log_line(LOG_LEVEL_INFO, "no spec in %s and no VM in %s",
			 list->places->spec_directory, list->places->runtime_directory);
	else
		print_table(list);
	return MVMD_EXIT_OK;
}

int cmd_list(const Places *places, int argc, char **argv)
{
	bool json = false;
	const Switch switches[] = { { "--json", &json } };
	List list = { .places = places };
	StrList names = { 0 };
	Fault fault = { 0 };
	int r, exit_code;

	if (options_parse(argc, argv, switches, ELEMENTSOF(switches), 0, 0) < 0)
		return MVMD_EXIT_USAGE;
	ask_systemd(&list);
	r = vm_list_names_with(places, &list.units.loaded, &names, &fault);
	if (r == 0 && add_rows(&list, &names) < 0)
		r = fault_oom(&fault);
	if (r < 0)
		log_fault(LOG_LEVEL_ERROR, &fault);
	exit_code = r < 0 ? fault.exit_code : print(&list, json);
	fault_done(&fault);
	str_list_done(&names);
	list_done(&list);
	return exit_code;
}
