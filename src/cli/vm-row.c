/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/vm-row.h"
#include "model/findings.h"
#include "model/lifecycle.h"
#include "run/systemd.h"

/* All that is looked at for one row. */
typedef struct Look {
	const Places *places;
	VmFound found;
	json_t *status; /* its supervisor's own; NULL: it has none, or is silent */
	History history;
	bool has_unit;
	UnitState unit;
} Look;

void vm_row_done(VmRow *row)
{
	free(row->name);
	free(row->state);
	free(row->cause);
	spec_changes_done(&row->changes);
	*row = (VmRow){ 0 };
}

static void look_done(Look *look)
{
	vm_found_done(&look->found);
	json_decref(look->status);
	unit_state_done(&look->unit);
}

/* What the VM's own files tell; NULL: that it does not run, or nothing. */
static const char *state_of_files(const Look *look)
{
	if (look->found.presence == VM_PRESENCE_RUNNING)
		return json_string_value(json_object_get(look->status, "state")) ?: "running";
	if (look->found.presence == VM_PRESENCE_WAITING)
		return vm_state_to_string(VM_WAITING);
	return look->found.presence == VM_PRESENCE_ORPHANED ? "orphaned" : NULL;
}

static const char *state_of_activating(const UnitState *unit)
{
	bool waits = streq_null(unit->sub, "auto-restart") ||
		     (unit->status_text && strncmp(unit->status_text, UNIT_STATUS_WAITING,
						   strlen(UNIT_STATUS_WAITING)) == 0);

	return waits ? vm_state_to_string(VM_WAITING) : "starting";
}

/* Who may not look at the VM's files may ask systemd. */
static const char *state_of_unit(const UnitState *unit)
{
	const char *active = unit->active ?: "inactive";

	if (streq(active, "active") || streq(active, "reloading"))
		return "running";
	if (streq(active, "activating"))
		return state_of_activating(unit);
	if (streq(active, "deactivating"))
		return "stopping";
	return streq(active, "failed") ? "failed" : "stopped";
}

static const char *state_of(const Look *look)
{
	const char *state = state_of_files(look);

	if (state)
		return state;
	if (look->has_unit)
		return state_of_unit(&look->unit);
	if (look->found.presence == VM_PRESENCE_HIDDEN)
		return "unknown";
	return look->history.last_exit_code != 0 && !look->history.runs ? "failed" : "stopped";
}

/* A time of CLOCK_MONOTONIC on the wall's clock. */
static uint64_t to_realtime(uint64_t usec)
{
	return usec > 0 ? realtime_usec() - (now_usec() - usec) : 0;
}

static uint64_t since(const Look *look, const char *state)
{
	json_t *own = json_object_get(look->status, "since_realtime_usec");

	if (json_is_integer(own))
		return (uint64_t) json_integer_value(own);
	if (look->has_unit)
		return unit_state_is_alive(&look->unit) ? look->unit.since_realtime_usec :
							  look->unit.ended_realtime_usec;
	return streq(state, "failed") ? to_realtime(look->history.ended_usec) : 0;
}

static bool unit_was_killed(const UnitState *unit)
{
	return unit->main_code == CLD_KILLED || unit->main_code == CLD_DUMPED;
}

/* How the run ended that the state comes from. The supervisor's own words are about this host, a row's about all. */
static int tell_cause(const Look *look, VmRow *row)
{
	const Finding *finding = finding_find(look->history.last_finding);
	const char *words = unit_status_cause(look->unit.status_text);

	row->exit_code = look->unit.main_code == CLD_EXITED ? look->unit.main_status :
							      look->history.last_exit_code;
	if (unit_was_killed(&look->unit)) {
		row->exit_code = 0;
		row->cause = str_printf("its supervisor was ended by SIG%s",
					sigabbrev_np(look->unit.main_status) ?: "?");
		return row->cause ? 0 : -ENOMEM;
	}
	return str_set(&row->cause, words ?: finding ? finding->title : NULL);
}

static bool spec_is_there(const Places *places, const char *name)
{
	_cleanup_free_ char *path = str_printf("%s/%s.json", places->spec_directory, name);

	return path && access(path, F_OK) == 0;
}

/* What fails here is told when the VM is asked for alone; a list goes on. */
static void look_at_vm(Look *look)
{
	Fault fault = { 0 };

	if (look->found.presence == VM_PRESENCE_RUNNING &&
	    client_call(&look->found, "io.mvmd.vm.GetStatus", NULL, &look->status, NULL, &fault) <
		    0)
		log_fault(LOG_LEVEL_DEBUG, &fault);
	client_read_history(look->places, look->found.places.name, &look->history);
	fault_done(&fault);
}

static const char *unit_file_of(const UnitFiles *files, const char *name)
{
	if (!files->installed)
		return NULL;
	if (str_list_contains(&files->masked, name))
		return "masked";
	return str_list_contains(&files->enabled, name) ? "enabled" : "disabled";
}

static int fill_in(const Look *look, VmRow *row)
{
	const char *state = state_of(look);

	row->pid = look->found.pid;
	row->has_spec = spec_is_there(look->places, look->found.places.name);
	row->since_realtime_usec = since(look, state);
	if (str_set(&row->name, look->found.places.name) < 0 || str_set(&row->state, state) < 0)
		return -ENOMEM;
	if (look->found.presence == VM_PRESENCE_RUNNING &&
	    spec_changes_look(look->places, &look->found.places, &row->changes) < 0)
		return -ENOMEM;
	return streq(state, "failed") || streq(state, "waiting") ? tell_cause(look, row) : 0;
}

int vm_row_look(const Places *places, const VmRowUnits *units, const char *name, VmRow *ret,
		Fault *fault)
{
	Look look = { .places = places, .has_unit = units->bus };
	VmRow row = { .unit_file = unit_file_of(&units->files, name) };
	int r = client_find(places, name, &look.found, fault);

	if (r < 0)
		return r;
	look_at_vm(&look);
	if (str_list_contains(&units->loaded, name))
		r = unit_bus_state(units->bus, name, &look.unit, fault);
	if (r == 0 && fill_in(&look, &row) < 0)
		r = fault_oom(fault);
	look_done(&look);
	if (r < 0) {
		vm_row_done(&row);
		return r;
	}
	*ret = row;
	return 0;
}

json_t *vm_row_to_json(const VmRow *row)
{
	return json_pack(
		"{s:s, s:s, s:o, s:o, s:s?, s:o, s:b, s:o, s:s?, s:o}", "name", row->name, "state",
		row->state, "pid", row->pid > 0 ? json_integer(row->pid) : json_null(), "enabled",
		row->unit_file ? json_boolean(streq(row->unit_file, "enabled")) : json_null(),
		"unit_file", row->unit_file, "since_realtime_usec",
		row->since_realtime_usec > 0 ? json_integer((json_int_t) row->since_realtime_usec) :
					       json_null(),
		"has_spec", row->has_spec, "exit_code",
		row->exit_code != 0 ? json_integer(row->exit_code) : json_null(), "cause",
		row->cause, "changed_since_start", spec_changes_to_json(&row->changes));
}
