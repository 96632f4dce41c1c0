/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "cli/client.h"
#include "cli/options.h"
#include "cli/prepare.h"
#include "cli/spec-load.h"
#include "cli/unit-end.h"
#include "cli/unit-names.h"
#include "cli/unit-specs.h"
#include "cli/unit-verbs.h"
#include "host/unit-fault.h"
#include "mvmd/exit-codes.h"
#include "run/systemd.h"

/* Start and restart: they differ in what they do with a VM that runs. */
typedef struct Start {
	UnitVerb verb;
	bool all, no_wait;
	UnitTasks tasks;
} Start;

/*
 * What is wrong with the spec is told at once and in full, as mvmd check tells it; a VM that runs is not stopped for a
 * spec that cannot start it. True where it is right, or not for us to read: the supervisor will say.
 */
static bool spec_is_right(Start *start, const char *vm)
{
	_cleanup_(spec_free_p) Spec *spec = NULL;
	Problems problems = { 0 };
	Fault fault = { 0 };
	int r = spec_load(start->tasks.places, vm, &spec, &problems, &fault);

	if (r == -EINVAL) {
		spec_print_problems(&problems);
		unit_tasks_failed(&start->tasks, MVMD_EXIT_SPEC);
	} else if (r < 0 && r != -EACCES) {
		unit_tasks_say(&start->tasks, NULL, &fault);
	}
	problems_done(&problems);
	fault_done(&fault);
	return r == 0 || r == -EACCES;
}

static bool host_conf_is_right(Start *start)
{
	HostConf host_conf = { 0 };
	int exit_code = prepare_host_conf(start->tasks.places, &host_conf);

	host_conf_done(&host_conf);
	if (exit_code == MVMD_EXIT_PERMISSION)
		return true;
	unit_tasks_failed(&start->tasks, exit_code);
	return exit_code == MVMD_EXIT_OK;
}

/* A VM that runs by hand is none of systemd's: a second start of it could only fail. */
static bool runs_by_hand(Start *start, const char *vm)
{
	VmFound found = { 0 };
	Fault fault = { 0 };
	bool runs;

	if (client_find(start->tasks.places, vm, &found, &fault) < 0) {
		fault_done(&fault);
		return false;
	}
	runs = found.presence == VM_PRESENCE_RUNNING || found.presence == VM_PRESENCE_WAITING;
	if (runs && start->verb == UNIT_START)
		log_line(LOG_LEVEL_INFO,
			 "%s: runs already, started by hand and not by its unit, pid %d", vm,
			 (int) found.pid);
	vm_found_done(&found);
	if (!runs || start->verb == UNIT_START)
		return runs;
	(void) unit_fault_by_hand(start->verb, vm, &fault);
	unit_tasks_say(&start->tasks, vm, &fault);
	return true;
}

/* A person may start what failed too often for systemd to start it by itself. */
static int reset_start_limit(Start *start, const char *vm, Fault *fault)
{
	UnitState state = { 0 };
	int r = unit_bus_state(start->tasks.bus, vm, &state, fault);

	if (r == 0 && streq_null(state.result, "start-limit-hit"))
		r = unit_bus_reset_failed(start->tasks.bus, vm, fault);
	unit_state_done(&state);
	return r;
}

/*
 * After crashes the unit starts by itself, and waits longer each time. Its supervisor has the sandbox and the credentials
 * of before: what was changed since is only in the next one, and for that one the wait is ended (unit_tasks_urge()).
 */
static bool waits_for_turn(Start *start, const char *vm)
{
	_cleanup_free_ char *status = NULL;
	Fault fault = { 0 };
	int r = unit_bus_status(start->tasks.bus, vm, &status, &fault);

	fault_done(&fault);
	return r == 0 && status &&
	       strncmp(status, UNIT_STATUS_WAITING, strlen(UNIT_STATUS_WAITING)) == 0;
}

static void start_one(Start *start, const char *vm)
{
	_cleanup_free_ char *active = NULL;
	UnitVerb verb = start->verb;
	Fault fault = { 0 };
	int r = unit_bus_active(start->tasks.bus, vm, &active, &fault);
	bool alive;

	if (r == 0 && start->verb == UNIT_START &&
	    (streq(active, "active") || streq(active, "reloading"))) {
		log_line(LOG_LEVEL_INFO, "%s: runs already; mvmd status %s", vm, vm);
		return;
	}
	alive = r == 0 && unit_state_is_alive(&(UnitState){ .active = active });
	if (r == 0 && !alive && start->verb == UNIT_RESTART && start->all)
		return;
	if (r == 0 && !alive && runs_by_hand(start, vm))
		return;
	if (r == 0 && streq(active, "failed"))
		r = reset_start_limit(start, vm, &fault);
	if (r == 0 && streq(active, "activating") && waits_for_turn(start, vm))
		verb = UNIT_RESTART;
	if (r == 0)
		r = unit_tasks_queue(&start->tasks, verb, vm, 0, &fault);
	if (r < 0)
		unit_tasks_say(&start->tasks, vm, &fault);
}

/*
 * Those whose spec is right, each behind those that it comes after: systemd orders only jobs that it has at the same
 * time. It is told of new lines in a spec before; where that is not for the caller the supervisor will say what it
 * lacks.
 */
static int order(Start *start, const StrList *names, StrList *ret)
{
	Fault fault = { 0 };
	bool reload = false;

	for (size_t i = 0; i < names->n; i++)
		if (spec_is_right(start, names->items[i]))
			str_list_add(ret, "%s", names->items[i]);
	if (ret->failed || unit_specs_for_start(start->tasks.places, ret, &reload) < 0)
		return -ENOMEM;
	if (reload && unit_bus_reload(start->tasks.bus, &fault) < 0)
		log_fault(LOG_LEVEL_WARNING, &fault);
	fault_done(&fault);
	return 0;
}

static void start_all_of(Start *start, const StrList *names)
{
	StrList ordered = { 0 };
	Fault fault = { 0 };

	if (!host_conf_is_right(start))
		return;
	if (order(start, names, &ordered) < 0) {
		(void) fault_oom(&fault);
		unit_tasks_say(&start->tasks, NULL, &fault);
	}
	for (size_t i = 0; i < ordered.n; i++)
		start_one(start, ordered.items[i]);
	if (!start->no_wait)
		unit_tasks_wait(&start->tasks, unit_end_of_start);
	str_list_done(&ordered);
}

/* start->tasks is new. */
static int start_names(Start *start, const Places *places, const StrList *names)
{
	Fault fault = { 0 };

	if (unit_tasks_init(places, &start->tasks, &fault) < 0)
		unit_tasks_say(&start->tasks, NULL, &fault);
	else
		start_all_of(start, names);
	return unit_tasks_end(&start->tasks);
}

static int start_or_restart(const Places *places, UnitVerb verb, int argc, char **argv)
{
	Start start = { .verb = verb };
	const Switch switches[] = { { "--all", &start.all }, { "--no-wait", &start.no_wait } };
	int n = options_parse(argc, argv, switches, ELEMENTSOF(switches), 0, argc), exit_code;
	StrList names = { 0 };

	if (n < 0)
		return MVMD_EXIT_USAGE;
	exit_code = unit_names_get(places, &(UnitNames){ argv[0], start.all, false }, n, argv + 1,
				   &names);
	if (exit_code == MVMD_EXIT_OK)
		exit_code = start_names(&start, places, &names);
	str_list_done(&names);
	return exit_code;
}

int start_vms(const Places *places, const StrList *names)
{
	return start_names(&(Start){ .verb = UNIT_START }, places, names);
}

int cmd_start(const Places *places, int argc, char **argv)
{
	return start_or_restart(places, UNIT_START, argc, argv);
}

int cmd_restart(const Places *places, int argc, char **argv)
{
	return start_or_restart(places, UNIT_RESTART, argc, argv);
}
