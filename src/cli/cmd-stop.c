/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "cli/options.h"
#include "cli/spec-load.h"
#include "cli/unit-end.h"
#include "cli/unit-names.h"
#include "cli/unit-specs.h"
#include "cli/unit-verbs.h"
#include "cli/vm-stop.h"
#include "mvmd/exit-codes.h"

typedef struct Stop {
	const Places *places;
	bool all; /* a VM that does not run is none that was meant */
	bool force, no_wait;
	bool has_systemd; /* else tasks have no bus */
	UnitTasks tasks;
} Stop;

/* How long the guest has, as the spec says now; 0: not known. */
static uint64_t stop_limit_usec(const Places *places, const char *vm)
{
	_cleanup_(spec_free_p) Spec *spec = NULL;
	Problems problems = { 0 };
	Fault fault = { 0 };
	uint64_t limit_usec = 0;

	if (spec_load(places, vm, &spec, &problems, &fault) == 0)
		limit_usec = spec->timeouts.stop_usec;
	problems_done(&problems);
	fault_done(&fault);
	return limit_usec;
}

/* Its unit is active, or about to be. */
static bool unit_is_alive(Stop *stop, const char *vm)
{
	UnitState state = { 0 };
	Fault fault = { 0 };
	bool alive;

	if (!stop->has_systemd)
		return false;
	if (unit_bus_active(stop->tasks.bus, vm, &state.active, &fault) < 0) {
		log_fault(LOG_LEVEL_DEBUG, &fault);
		fault_done(&fault);
	}
	alive = unit_state_is_alive(&state);
	unit_state_done(&state);
	return alive;
}

static bool is_there(const VmFound *found)
{
	return found->presence == VM_PRESENCE_RUNNING || found->presence == VM_PRESENCE_WAITING ||
	       found->presence == VM_PRESENCE_ORPHANED;
}

/*
 * systemd is asked where it has the VM. Whom it refuses may be an owner of the VM all the same: its supervisor takes the
 * request then, and ends as it does after a SIGTERM.
 */
static void stop_unit(Stop *stop, const VmFound *found)
{
	const char *vm = found->places.name;
	Fault fault = { 0 };

	if (unit_tasks_queue(&stop->tasks, UNIT_STOP, vm, stop_limit_usec(stop->places, vm),
			     &fault) == 0)
		return;
	if (fault.exit_code == MVMD_EXIT_PERMISSION && found->presence == VM_PRESENCE_RUNNING) {
		fault_done(&fault);
		unit_tasks_failed(&stop->tasks, vm_stop(stop->places, found, stop->force));
	} else {
		unit_tasks_say(&stop->tasks, vm, &fault);
	}
}

/* An end by force is the supervisor's, where there is one; without it the unit would start another VM. */
static void stop_one(Stop *stop, const char *argument)
{
	VmFound found = { 0 };
	Fault fault = { 0 };
	bool by_force;

	if (client_find(stop->places, argument, &found, &fault) < 0) {
		unit_tasks_say(&stop->tasks, NULL, &fault);
		return;
	}
	by_force = stop->force && is_there(&found) && found.presence != VM_PRESENCE_ORPHANED;
	if (!by_force && unit_is_alive(stop, found.places.name))
		stop_unit(stop, &found);
	else if (is_there(&found) || !stop->all)
		unit_tasks_failed(&stop->tasks, vm_stop(stop->places, &found, stop->force));
	vm_found_done(&found);
}

/*
 * systemd runs nothing at the stop of a unit that failed or waits for a restart: what lives on is stopped here. So is a VM
 * that runs by hand while its unit tries in vain.
 */
static int end_of_stop(UnitTasks *tasks, const UnitTask *task)
{
	Stop *stop = tasks->userdata;
	int exit_code = unit_end_of_stop(tasks, task);
	VmFound found = { 0 };
	Fault fault = { 0 };

	if (client_find(tasks->places, task->vm, &found, &fault) < 0) {
		fault_done(&fault);
		return exit_code;
	}
	if (found.presence == VM_PRESENCE_ORPHANED ||
	    (found.presence == VM_PRESENCE_RUNNING && !unit_is_alive(stop, task->vm)))
		exit_code = vm_stop(stop->places, &found, stop->force);
	vm_found_done(&found);
	return exit_code;
}

/* A VM that comes after another ends before it, so it is asked first. */
static void stop_all_of(Stop *stop, StrList *names)
{
	bool reload;

	(void) unit_specs_for_start(stop->places, names, &reload);
	for (size_t i = names->n; i-- > 0;)
		stop_one(stop, names->items[i]);
	if (!stop->no_wait)
		unit_tasks_wait(&stop->tasks, end_of_stop);
}

/* Without systemd, or in another folder than the units', every VM is stopped by its own socket. */
static int stop_names(Stop *stop, StrList *names)
{
	Fault fault = { 0 };

	stop->has_systemd = unit_tasks_fit(stop->places) &&
			    unit_tasks_init(stop->places, &stop->tasks, &fault) == 0;
	fault_done(&fault);
	stop->tasks.places = stop->places;
	stop->tasks.userdata = stop;
	stop_all_of(stop, names);
	return unit_tasks_end(&stop->tasks);
}

int stop_vms_that_run(const Places *places, StrList *names)
{
	return stop_names(&(Stop){ .places = places, .all = true }, names);
}

int cmd_stop(const Places *places, int argc, char **argv)
{
	Stop stop = { .places = places };
	const Switch switches[] = { { "--all", &stop.all },
				    { "--force", &stop.force },
				    { "--no-wait", &stop.no_wait } };
	int n = options_parse(argc, argv, switches, ELEMENTSOF(switches), 0, argc), exit_code;
	StrList names = { 0 };

	if (n < 0)
		return MVMD_EXIT_USAGE;
	exit_code = unit_names_get(places, &(UnitNames){ argv[0], stop.all, true }, n, argv + 1,
				   &names);
	if (exit_code == MVMD_EXIT_OK)
		exit_code = stop_names(&stop, &names);
	str_list_done(&names);
	return exit_code;
}
