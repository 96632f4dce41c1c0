/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "cli/options.h"
#include "cli/spec-load.h"
#include "cli/unit-names.h"
#include "cli/unit-verbs.h"
#include "host/unit-bus.h"
#include "mvmd/exit-codes.h"

typedef struct Enable {
	const Places *places;
	UnitVerb verb; /* UNIT_ENABLE or UNIT_DISABLE */
	bool all, now;
	StrList names;
	UnitBus *bus;
} Enable;

/*
 * A VM may be enabled before its spec is right; at boot it would fail then. A name without a spec is mostly a slip. Returns
 * an exit code.
 */
static int look_at_spec(const Enable *enable, const char *vm)
{
	_cleanup_(spec_free_p) Spec *spec = NULL;
	int exit_code = MVMD_EXIT_OK;
	Problems problems = { 0 };
	Fault fault = { 0 };
	int r = spec_load(enable->places, vm, &spec, &problems, &fault);

	if (r == -EINVAL) {
		spec_print_problems(&problems);
		log_line(LOG_LEVEL_WARNING, "%s: its spec is wrong, so that it cannot start", vm);
	} else if (r == -ENOENT) {
		log_fault(LOG_LEVEL_ERROR, &fault);
		exit_code = fault.exit_code;
	} else if (r < 0) {
		log_fault(LOG_LEVEL_WARNING, &fault);
	}
	problems_done(&problems);
	fault_done(&fault);
	return exit_code;
}

static int look_at_specs(const Enable *enable)
{
	int exit_code = MVMD_EXIT_OK;

	for (size_t i = 0; i < enable->names.n; i++)
		exit_code =
			exit_code_worse(exit_code, look_at_spec(enable, enable->names.items[i]));
	return exit_code;
}

/* A change ends in the name of the link, which is that of the unit. */
static bool was_changed(const StrList *changes, const char *vm)
{
	_cleanup_free_ char *end = str_printf("/mvmd@%s.service", vm);
	size_t length = end ? strlen(end) : 0;

	for (size_t i = 0; end && i < changes->n; i++) {
		size_t n = strlen(changes->items[i]);

		if (n > length && streq(changes->items[i] + n - length, end))
			return true;
	}
	return false;
}

static void say_changes(const Enable *enable, const StrList *changes)
{
	bool user = enable->places->user;

	for (size_t i = 0; i < enable->names.n; i++) {
		const char *vm = enable->names.items[i];
		bool changed = was_changed(changes, vm);

		if (enable->verb == UNIT_ENABLE)
			log_line(LOG_LEVEL_INFO, "%s: %s: starts %s", vm,
				 changed ? "enabled" : "is enabled already",
				 user ? "with this user's systemd: at the first login, or at boot "
					"with loginctl enable-linger" :
					"at boot, with " UNIT_TARGET);
		else
			log_line(LOG_LEVEL_INFO, "%s: %s: does not start %s", vm,
				 changed ? "disabled" : "is not enabled",
				 user ? "by itself" : "at boot");
	}
}

static void warn_of_target(const Enable *enable)
{
	_cleanup_free_ char *state = NULL;
	Fault fault = { 0 };

	if (unit_bus_file_state(enable->bus, UNIT_TARGET, &state, &fault) == 0) {
		bool masked = strncmp(state, "masked", strlen("masked")) == 0;

		if (strncmp(state, "enabled", strlen("enabled")) == 0)
			return;
		(void) fault_set(&fault, -ENOENT, MVMD_EXIT_OK, "target-disabled",
				 UNIT_TARGET " is %s: no VM starts at boot", state);
		(void) fault_remedy(&fault, "%ssystemctl enable " UNIT_TARGET,
				    masked ? "systemctl unmask " UNIT_TARGET " && " : "");
	}
	log_fault(LOG_LEVEL_WARNING, &fault);
	fault_done(&fault);
}

/* A spec may have been removed, and its VM's unit still be enabled. */
static int add_enabled(Enable *enable, Fault *fault)
{
	UnitFiles files = { 0 };
	int r = unit_bus_files(enable->bus, &files, fault);

	if (r < 0)
		return r;
	for (size_t i = 0; i < files.enabled.n; i++)
		if (!str_list_contains(&enable->names, files.enabled.items[i]))
			str_list_add(&enable->names, "%s", files.enabled.items[i]);
	unit_files_done(&files);
	return enable->names.failed ? fault_oom(fault) : 0;
}

static int enable_all_of(Enable *enable, Fault *fault)
{
	StrList changes = { 0 };
	int r = 0;

	if (enable->all && enable->verb == UNIT_DISABLE)
		r = add_enabled(enable, fault);
	if (r < 0)
		return r;
	r = unit_bus_enable(enable->bus, enable->verb, &enable->names, &changes, fault);

	/* As systemctl: what was linked is to be known at once, also where that changes nothing. */
	if (r == 0)
		r = unit_bus_reload(enable->bus, fault);
	if (r == 0)
		say_changes(enable, &changes);
	str_list_done(&changes);
	return r;
}

static int run(Enable *enable)
{
	sd_event *event = NULL;
	Fault fault = { 0 };
	int exit_code, r;

	exit_code = enable->verb == UNIT_ENABLE ? look_at_specs(enable) : MVMD_EXIT_OK;
	if (exit_code != MVMD_EXIT_OK)
		return exit_code;
	r = sd_event_new(&event) < 0 ?
		    fault_oom(&fault) :
		    unit_bus_open(event, enable->places->user, &enable->bus, &fault);
	if (r == 0)
		r = enable_all_of(enable, &fault);
	if (r == 0 && enable->verb == UNIT_ENABLE && !enable->places->user)
		warn_of_target(enable);
	if (r < 0)
		log_fault(LOG_LEVEL_ERROR, &fault);
	exit_code = fault.exit_code;
	enable->bus = unit_bus_free(enable->bus);
	(void) sd_event_unref(event);
	fault_done(&fault);
	return exit_code;
}

static int enable_or_disable(const Places *places, UnitVerb verb, int argc, char **argv)
{
	Enable enable = { .places = places, .verb = verb };
	const Switch switches[] = { { "--all", &enable.all }, { "--now", &enable.now } };
	int n = options_parse(argc, argv, switches, ELEMENTSOF(switches), 0, argc), exit_code;

	if (n < 0)
		return MVMD_EXIT_USAGE;
	exit_code = unit_names_get(places, &(UnitNames){ argv[0], enable.all, false }, n, argv + 1,
				   &enable.names);
	if (exit_code != MVMD_EXIT_OK)
		return exit_code;
	exit_code = run(&enable);
	if (exit_code == MVMD_EXIT_OK && enable.now)
		exit_code = verb == UNIT_ENABLE ? start_vms(places, &enable.names) :
						  stop_vms_that_run(places, &enable.names);
	str_list_done(&enable.names);
	return exit_code;
}

int cmd_enable(const Places *places, int argc, char **argv)
{
	return enable_or_disable(places, UNIT_ENABLE, argc, argv);
}

int cmd_disable(const Places *places, int argc, char **argv)
{
	return enable_or_disable(places, UNIT_DISABLE, argc, argv);
}
