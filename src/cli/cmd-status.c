/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/log.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/spec-changes.h"
#include "cli/status-text.h"
#include "cli/vm-list.h"
#include "host/record-series.h"
#include "model/lifecycle.h"
#include "mvmd/exit-codes.h"
#include "run/post-mortem.h"

static int print_json(json_t *status)
{
	_cleanup_free_ char *text = json_dumps(status, JSON_INDENT(2));

	if (!text)
		return MVMD_EXIT_SYSTEM;
	(void) printf("%s\n", text);
	return MVMD_EXIT_OK;
}

static int print(json_t *status, bool json, void (*as_text)(json_t *status))
{
	if (json)
		return print_json(status);
	as_text(status);
	return MVMD_EXIT_OK;
}

/* A start that waits, in the shape of GetStatus: all that is not there yet is null. */
static json_t *waiting_to_json(const VmFound *found)
{
	uint64_t now = now_usec(), until = found->waits_until_usec;
	uint64_t left_usec = until > now ? until - now : 0;

	return json_pack(
		"{s:i, s:s, s:s, s:n, s:i, s:n, s:n, s:[], s:[], s:[], s:[], s:n, s:o, s:[]}",
		"version", 1, "name", found->places.name, "state", vm_state_to_string(VM_WAITING),
		"since_realtime_usec", "pid", (int) found->pid, "vmm", "guest", "lives",
		"interfaces", "backends", "findings", "changed_since_start", "next_try_usec",
		found->waits_for_slot ? json_null() : json_integer((json_int_t) left_usec),
		"waiting_for");
}

static void print_waiting(json_t *status)
{
	const char *name = json_string_value(json_object_get(status, "name"));
	int pid = (int) json_integer_value(json_object_get(status, "pid"));
	const json_t *next_try = json_object_get(status, "next_try_usec");
	char text[FORMAT_MAX];
	uint64_t left_usec;

	if (json_is_null(next_try)) {
		(void) printf("%s: waiting for a start slot, supervisor pid %d\n", name, pid);
		return;
	}
	left_usec = (uint64_t) json_integer_value(next_try);
	(void) printf("%s: waiting, next try in %s, supervisor pid %d\n", name,
		      format_rough_duration(text, left_usec), pid);
}

/* -EUCLEAN also for what is JSON, and no post-mortem of that VM. */
static int last_failure(const Places *places, const char *name, json_t **ret)
{
	_cleanup_(json_decrefp) json_t *record = NULL;
	int r = record_series_last(places->state_directory, name, POST_MORTEM_SERIES, &record);

	if (r < 0)
		return r;
	if (!streq_null(json_string_value(json_object_get(record, "name")), name) ||
	    !json_is_integer(json_object_get(record, "exit_code")))
		return -EUCLEAN;
	*ret = json_incref(record);
	return 0;
}

static int say_unreadable(const Places *places, const char *name, int error)
{
	bool damaged = error == -EUCLEAN;
	Fault fault = { 0 };
	int exit_code;

	(void) fault_set(&fault, error, error == -EACCES ? MVMD_EXIT_PERMISSION : MVMD_EXIT_SYSTEM,
			 "post-mortem",
			 damaged ? "the last record in %s/%s/" POST_MORTEM_SERIES " is damaged" :
				   "cannot read %s/%s/" POST_MORTEM_SERIES ": %m",
			 places->state_directory, name);
	if (error == -EACCES)
		(void) fault_remedy(&fault, "sudo mvmd status --last %s", name);
	else
		(void) fault_remedy(&fault, "ls -l %s/%s/" POST_MORTEM_SERIES "%s",
				    places->state_directory, name,
				    damaged ? "; without the file of the highest number the record "
					      "before it is shown" :
					      "");
	log_fault(LOG_LEVEL_ERROR, &fault);
	exit_code = fault.exit_code;
	fault_done(&fault);
	return exit_code;
}

/* A start that failed before its guest began leaves no post-mortem: an older one is not about it. */
static void tell_last_start(const Places *places, const char *name, json_t *record)
{
	json_t *cause = json_object_get(record, "cause");
	History history;

	client_read_history(places, name, &history);
	if (history.last_exit_code == 0 || history.runs)
		return;
	if (record &&
	    json_integer_value(json_object_get(record, "exit_code")) == history.last_exit_code &&
	    streq(json_string_value(json_object_get(cause, "id")) ?: "", history.last_finding))
		return;
	(void) printf("%s: its last start ended with exit code %d%s%s%s; mvmd doctor %s tells what "
		      "stops it now\n",
		      name, history.last_exit_code, *history.last_finding ? " [" : "",
		      history.last_finding, *history.last_finding ? "]" : "", name);
}

/* Of a VM that does not run: how its last run ended, where that is on record. */
static void tell_last_failure(const Places *places, const VmFound *found)
{
	const char *name = found->places.name;
	json_t *record = NULL;
	int r = last_failure(places, name, &record);

	tell_last_start(places, name, record);
	if (r == 0)
		status_print_failed(record);
	else if (r == -EUCLEAN)
		(void) say_unreadable(places, name, r);
	json_decref(record);
}

static int status_of_waiting(const Places *places, const VmFound *found, bool json)
{
	json_t *status = waiting_to_json(found);
	int exit_code = status ? print(status, json, print_waiting) : MVMD_EXIT_SYSTEM;

	json_decref(status);
	if (!json)
		tell_last_failure(places, found);
	return exit_code;
}

/* What only who may read both files knows. */
static void add_spec_changes(const Places *places, const VmFound *found, json_t *status)
{
	SpecChanges changes = { 0 };

	(void) spec_changes_look(places, &found->places, &changes);
	(void) json_object_set_new(status, "changed_since_start", spec_changes_to_json(&changes));
	spec_changes_done(&changes);
}

static void print_spec_changes(const Places *places, const VmFound *found)
{
	_cleanup_free_ char *words = NULL;
	SpecChanges changes = { 0 };

	if (spec_changes_look(places, &found->places, &changes) == 0 &&
	    spec_changes_to_words(&changes, found->places.name, &words) == 0 && words)
		(void) printf("  spec: %s\n", words);
	spec_changes_done(&changes);
}

static int status_of_running(const Places *places, const VmFound *found, bool json)
{
	int exit_code = MVMD_EXIT_OK;
	json_t *status = NULL;
	Fault fault = { 0 };

	if (client_call(found, "io.mvmd.vm.GetStatus", NULL, &status, NULL, &fault) < 0) {
		(void) fault_prefix(&fault, "%s", found->places.name);
		log_fault(LOG_LEVEL_ERROR, &fault);
		exit_code = fault.exit_code;
	} else {
		if (json)
			add_spec_changes(places, found, status);
		exit_code = print(status, json, status_print);
		if (!json)
			print_spec_changes(places, found);
	}
	json_decref(status);
	fault_done(&fault);
	return exit_code;
}

static int status_of_found(const Places *places, const VmFound *found, bool json)
{
	int exit_code;

	if (found->presence == VM_PRESENCE_RUNNING)
		return status_of_running(places, found, json);
	if (found->presence == VM_PRESENCE_WAITING)
		return status_of_waiting(places, found, json);
	exit_code = client_say_absent(found);
	if (!json)
		tell_last_failure(places, found);
	return exit_code;
}

/* --last: the record of the last run that failed, whatever the VM does now. */
static int status_of_last(const Places *places, const VmFound *found, bool json)
{
	const char *name = found->places.name;
	json_t *record = NULL;
	int exit_code, r = last_failure(places, name, &record);

	if (r == -ENOENT && found->presence == VM_PRESENCE_UNKNOWN)
		return client_say_absent(found);
	if (!json && (r == 0 || r == -ENOENT))
		tell_last_start(places, name, record);
	if (r == -ENOENT) {
		log_line(LOG_LEVEL_INFO,
			 "no post-mortem of %s: no run of it failed once its guest had begun",
			 name);
		return MVMD_EXIT_NOT_RUNNING;
	}
	if (r < 0)
		return say_unreadable(places, name, r);
	exit_code = print(record, json, status_print_post_mortem);
	json_decref(record);
	return exit_code;
}

typedef struct StatusOptions {
	bool json, last;
} StatusOptions;

static int status_of(const Places *places, const char *argument, const StatusOptions *options)
{
	VmFound found = { 0 };
	Fault fault = { 0 };
	int exit_code;

	if (client_find(places, argument, &found, &fault) < 0) {
		log_fault(LOG_LEVEL_ERROR, &fault);
		exit_code = fault.exit_code;
		fault_done(&fault);
		return exit_code;
	}
	exit_code = options->last ? status_of_last(places, &found, options->json) :
				    status_of_found(places, &found, options->json);
	vm_found_done(&found);
	return exit_code;
}

/* Without a name: every VM that runs. */
static int status_of_all(const Places *places, const StatusOptions *options)
{
	int exit_code = MVMD_EXIT_OK;
	StrList names = { 0 };
	size_t n_running = 0;
	Fault fault = { 0 };

	if (vm_list_names(places, &names, &fault) < 0) {
		log_fault(LOG_LEVEL_ERROR, &fault);
		exit_code = fault.exit_code;
		fault_done(&fault);
		return exit_code;
	}
	for (size_t i = 0; i < names.n; i++) {
		VmFound found = { 0 };

		if (client_find(places, names.items[i], &found, &fault) < 0) {
			fault_done(&fault);
			continue;
		}
		if (found.presence == VM_PRESENCE_RUNNING ||
		    found.presence == VM_PRESENCE_WAITING) {
			n_running++;
			exit_code = exit_code_worse(exit_code,
						    status_of_found(places, &found, options->json));
		}
		vm_found_done(&found);
	}
	str_list_done(&names);
	if (n_running == 0)
		log_line(LOG_LEVEL_INFO, "no VM is running; mvmd list shows all");
	return exit_code;
}

int cmd_status(const Places *places, int argc, char **argv)
{
	StatusOptions options = { 0 };
	const Switch switches[] = { { "--json", &options.json }, { "--last", &options.last } };
	int n = options_parse(argc, argv, switches, ELEMENTSOF(switches), 0, 1);

	if (n < 0)
		return MVMD_EXIT_USAGE;
	if (n == 0 && options.last) {
		log_line(LOG_LEVEL_ERROR, "status --last wants the NAME of a VM");
		return MVMD_EXIT_USAGE;
	}
	return n == 0 ? status_of_all(places, &options) : status_of(places, argv[1], &options);
}
