/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>

#include "base/log.h"
#include "cli/client.h"
#include "cli/options.h"
#include "cli/unit-end.h"
#include "cli/unit-names.h"
#include "host/unit-fault.h"
#include "host/unit-files.h"
#include "mvmd/exit-codes.h"

typedef struct Reload {
	bool all, no_wait;
	UnitTasks tasks;
} Reload;

/* It was written or put in its place then; of a file that is gone, nothing can be told. */
static bool is_newer(const char *path, uint64_t since_realtime_usec)
{
	struct stat st;

	if (!path || stat(path, &st) < 0)
		return false;
	return (uint64_t) st.st_ctim.tv_sec * USEC_PER_SEC +
		       (uint64_t) st.st_ctim.tv_nsec / NSEC_PER_USEC >
	       since_realtime_usec;
}

/* The generator writes its drop-ins anew at each daemon-reload, mostly as they were: it is the spec that tells there. */
static const char *newer_file(const UnitState *state)
{
	const char *generated = GENERATOR_DIRECTORY "/";

	if (is_newer(state->fragment, state->main_began_realtime_usec))
		return state->fragment;
	for (size_t i = 0; i < state->drop_ins.n; i++)
		if (strncmp(state->drop_ins.items[i], generated, strlen(generated)) != 0 &&
		    is_newer(state->drop_ins.items[i], state->main_began_realtime_usec))
			return state->drop_ins.items[i];
	return NULL;
}

/* The program is the new one now; the unit's lines, and with them the sandbox, are those of the start. */
static void warn_of_new_lines(const UnitTasks *tasks, const UnitTask *task)
{
	UnitState state = { 0 };
	Fault fault = { 0 };
	const char *path;

	if (unit_bus_state(tasks->bus, task->vm, &state, &fault) < 0) {
		log_fault(LOG_LEVEL_DEBUG, &fault);
		fault_done(&fault);
		return;
	}
	path = newer_file(&state);
	if (path) {
		(void) fault_set(&fault, -ESTALE, MVMD_EXIT_OK, "unit-changed",
				 "%s was written after the VM was started: a reload does not take "
				 "over what it says",
				 path);
		(void) fault_evidence(&fault, "path", "%s", path);
		(void) fault_remedy(&fault, "%smvmd restart %s",
				    state.needs_daemon_reload ? "systemctl daemon-reload; " : "",
				    task->vm);
		log_fault(LOG_LEVEL_WARNING, &fault);
	}
	unit_state_done(&state);
	fault_done(&fault);
}

static int end_of_reload(UnitTasks *tasks, const UnitTask *task)
{
	int exit_code = unit_end_of_reload(tasks, task);

	if (exit_code == MVMD_EXIT_OK)
		warn_of_new_lines(tasks, task);
	return exit_code;
}

/* Its unit is not active: another has it, or nobody. */
static void say_not_active(Reload *reload, const char *vm)
{
	VmFound found = { 0 };
	Fault fault = { 0 };

	if (client_find(reload->tasks.places, vm, &found, &fault) < 0) {
		unit_tasks_say(&reload->tasks, vm, &fault);
		return;
	}
	if (found.presence == VM_PRESENCE_RUNNING) {
		(void) unit_fault_by_hand(UNIT_RELOAD, vm, &fault);
		unit_tasks_say(&reload->tasks, vm, &fault);
	} else {
		unit_tasks_failed(&reload->tasks, client_say_absent(&found));
	}
	vm_found_done(&found);
}

static void reload_one(Reload *reload, const char *vm)
{
	_cleanup_free_ char *active = NULL;
	Fault fault = { 0 };
	int r = unit_bus_active(reload->tasks.bus, vm, &active, &fault);

	if (r == 0 && !streq(active, "active") && !streq(active, "reloading")) {
		if (!reload->all)
			say_not_active(reload, vm);
		return;
	}
	if (r == 0)
		r = unit_tasks_queue(&reload->tasks, UNIT_RELOAD, vm, 0, &fault);
	if (r < 0)
		unit_tasks_say(&reload->tasks, vm, &fault);
}

int cmd_reload(const Places *places, int argc, char **argv)
{
	Reload reload = { 0 };
	const Switch switches[] = { { "--all", &reload.all }, { "--no-wait", &reload.no_wait } };
	int n = options_parse(argc, argv, switches, ELEMENTSOF(switches), 0, argc), exit_code;
	StrList names = { 0 };
	Fault fault = { 0 };

	if (n < 0)
		return MVMD_EXIT_USAGE;
	exit_code = unit_names_get(places, &(UnitNames){ argv[0], reload.all, false }, n, argv + 1,
				   &names);
	if (exit_code != MVMD_EXIT_OK)
		return exit_code;
	if (unit_tasks_init(places, &reload.tasks, &fault) < 0) {
		unit_tasks_say(&reload.tasks, NULL, &fault);
	} else {
		for (size_t i = 0; i < names.n; i++)
			reload_one(&reload, names.items[i]);
		if (!reload.no_wait)
			unit_tasks_wait(&reload.tasks, end_of_reload);
	}
	exit_code = unit_tasks_end(&reload.tasks);
	str_list_done(&names);
	return exit_code;
}
