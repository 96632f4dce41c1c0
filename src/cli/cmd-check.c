/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/known-issues.h"
#include "cli/options.h"
#include "cli/spec-load.h"
#include "cli/unit-specs.h"
#include "host/probe.h"
#include "model/conflicts.h"
#include "model/credentials.h"
#include "model/facts-json.h"
#include "model/fault-json.h"
#include "model/plan-issues.h"
#include "mvmd/exit-codes.h"

/* What one run of the command has looked at and found. */
typedef struct Check {
	const Places *places;
	bool all, spec_only, as_json;
	HostConf host_conf;
	bool host_conf_wrong; /* what this host would do is then not known */
	KnownIssues issues;
	ConflictSpec *specs; /* those that are right */
	size_t n_specs;
	StrList circles; /* of "after" that were told */
	json_t *problems, *faults, *facts; /* for --json */
	int exit_code; /* the worst */
} Check;

/* A fault that needs no memory itself. */
static const Fault out_of_memory = { .error = -ENOMEM,
				     .exit_code = MVMD_EXIT_SYSTEM,
				     .id = "out-of-memory" };

static void check_done(Check *check)
{
	for (size_t i = 0; i < check->n_specs; i++) {
		(void) spec_free(check->specs[i].spec);
		free(check->specs[i].disks);
	}
	free(check->specs);
	str_list_done(&check->circles);
	host_conf_done(&check->host_conf);
	known_issues_done(&check->issues);
	json_decref(check->problems);
	json_decref(check->faults);
	json_decref(check->facts);
}

static void check_failed(Check *check, int exit_code)
{
	check->exit_code = exit_code_worse(check->exit_code, exit_code);
}

static void add_fault(Check *check, const char *vm, const Fault *fault)
{
	json_t *json = fault_to_json(fault);

	(void) json_object_set_new(json, "vm", vm ? json_string(vm) : json_null());
	(void) json_object_set_new(json, "exit_code", json_integer(fault->exit_code));
	(void) json_array_append_new(check->faults, json);
}

/* In the way that was asked for. vm: NULL where it is about no VM alone. */
static void tell(Check *check, const char *vm, LogLevel level, const Fault *fault)
{
	if (check->as_json) {
		add_fault(check, vm, fault);
		return;
	}
	log_set_vm(vm);
	log_fault(level, fault);
	log_set_vm(NULL);
}

static void check_fault(Check *check, const char *vm, const Fault *fault)
{
	check_failed(check, fault->exit_code);
	tell(check, vm, LOG_LEVEL_ERROR, fault);
}

static void check_warnings(Check *check, const Spec *spec, const Facts *facts)
{
	FaultList warnings = { 0 };

	if (plan_warnings(spec, facts, &warnings) < 0)
		check_fault(check, spec->name, &out_of_memory);
	for (size_t i = 0; i < warnings.n; i++)
		tell(check, spec->name, LOG_LEVEL_WARNING, &warnings.items[i]);
	fault_list_done(&warnings);
}

/* What is known to fit: a failure where it would refuse a start. Returns whether one does. */
static bool check_known_issues(Check *check, Plan *plan, FittingIssues *fitting)
{
	const char *vm = plan->spec->name;
	FaultList faults = { 0 };
	bool refused = false;

	plan->issues = fitting;
	if (plan_issues_find(plan, &check->host_conf, &check->issues, fitting) < 0 ||
	    plan_issues_tell(plan, &check->host_conf, &check->issues, &faults) < 0)
		check_fault(check, vm, &out_of_memory);
	for (size_t i = 0; i < faults.n; i++) {
		refused |= faults.items[i].exit_code != MVMD_EXIT_OK;
		check_failed(check, faults.items[i].exit_code);
		tell(check, vm, known_issue_level(&faults.items[i]), &faults.items[i]);
	}
	fault_list_done(&faults);
	return refused;
}

/* What it would run on. */
static void check_facts(Check *check, const Plan *plan)
{
	_cleanup_free_ char *words = NULL;
	json_t *facts;

	if (!check->as_json) {
		words = facts_to_words(plan);
		(void) printf("%s: %s\n", plan->spec->name, words ?: "out of memory");
		return;
	}
	facts = facts_to_json(plan);
	(void) json_object_set_new(facts, "vm", json_string(plan->spec->name));
	(void) json_array_append_new(check->facts, facts);
}

static void check_problems(Check *check, const Problems *problems)
{
	json_t *array;

	check_failed(check, MVMD_EXIT_SPEC);
	if (!check->as_json) {
		spec_print_problems(problems);
		return;
	}
	array = spec_problems_to_json(problems);
	(void) json_array_extend(check->problems, array);
	json_decref(array);
}

/* Which files the disks are; those that cannot be looked at stay unknown. */
static DiskIdentity *identify_disks(const Spec *spec)
{
	DiskIdentity *disks = calloc(spec->n_disks ?: 1, sizeof(*disks));

	for (size_t i = 0; disks && i < spec->n_disks; i++) {
		struct stat st;

		if (spec->disks[i].path && stat(spec->disks[i].path, &st) == 0)
			disks[i] = (DiskIdentity){ true, st.st_dev, st.st_ino };
	}
	return disks;
}

/* Keeps a spec that is right for the comparison with the others. */
static int keep_spec(Check *check, Spec *spec)
{
	DiskIdentity *disks = NULL;

	if (array_grow(&check->specs, check->n_specs, sizeof(*check->specs)) < 0)
		return -ENOMEM;
	if (!check->spec_only) {
		disks = identify_disks(spec);
		if (!disks)
			return -ENOMEM;
	}
	check->specs[check->n_specs++] = (ConflictSpec){ spec, disks };
	return 0;
}

static void check_faults(Check *check, const char *vm, FaultList *faults)
{
	for (size_t i = 0; i < faults->n; i++)
		check_fault(check, vm, &faults->items[i]);
	fault_list_done(faults);
}

/* What came of reading a file of the host's; problems and fault are freed. */
static void check_read(Check *check, int error, Problems *problems, Fault *fault)
{
	if (error == -EINVAL)
		check_problems(check, problems);
	else if (error < 0)
		check_fault(check, NULL, fault);
	problems_done(problems);
	fault_done(fault);
}

static void check_host_conf(Check *check)
{
	Problems problems = { 0 };
	Fault fault = { 0 };
	int r = host_conf_load(check->places, &check->host_conf, &problems, &fault);

	check->host_conf_wrong = r < 0;
	check_read(check, r, &problems, &fault);
}

static void load_known_issues(Check *check)
{
	Problems problems = { 0 };
	Fault fault = { 0 };
	int r = known_issues_load(check->places, &check->issues, &problems, &fault);

	check_read(check, r, &problems, &fault);
}

/* One line about what the guest would begin with; what is no kernel is said as a fault. */
static void print_kernel(const Plan *plan)
{
	const char *protocol = boot_protocol_to_string(plan->boot_protocol);
	_cleanup_free_ char *words = kernel_to_words(&plan->facts->guest_kernel);

	if (plan->boot_protocol == BOOT_FIRMWARE)
		(void) printf("%s: guest kernel: unknown, firmware finds it\n", plan->spec->name);
	else if (protocol && words)
		(void) printf("%s: guest kernel: %s, boot protocol %s\n", plan->spec->name, words,
			      protocol);
}

/* A unit forbids what QEMU without KVM does, unless the spec says that it is wanted (model/plan-sandbox.h). */
static void print_start(const Plan *plan)
{
	bool not_in_unit = plan->accel == ACCEL_TCG && plan->spec->accel == ACCEL_AUTO &&
			   !plan->facts->sandbox.no_written_code;

	(void) printf("%s: this host can start it: %s%s\n", plan->spec->name, plan->vmm_reason,
		      not_in_unit ? "; mvmd start, in a unit, wants \"accel\": \"tcg\" for that" :
				    "");
}

/* Could this host start it now? */
static void check_host(Check *check, const Spec *spec)
{
	ProbeOptions options = { .state_directory = check->places->state_directory,
				 .host_conf = &check->host_conf };
	_cleanup_(fitting_issues_done) FittingIssues fitting = { 0 };
	_cleanup_(plan_free_p) Plan *plan = NULL;
	FaultList faults = { 0 };
	Facts facts = { 0 };
	Fault fault = { 0 };
	bool refused;
	int r;

	r = facts_probe(spec, &options, &facts, &fault);
	if (r == 0)
		r = plan_problems(spec, &facts, &faults);
	if (r == 0)
		r = plan_awaited(spec, &facts, &faults);
	if (r == 0)
		r = plan_build(spec, &facts, check->places->runtime_directory, &plan, &fault);
	if (r < 0)
		check_fault(check, spec->name, fault.error ? &fault : &out_of_memory);
	else if (plan && !check->as_json)
		print_kernel(plan);
	if (plan && plan_is_too_long(plan, &fault) && fault_list_take(&faults, &fault) < 0)
		check_fault(check, spec->name, &out_of_memory);
	refused = plan && check_known_issues(check, plan, &fitting);
	if (plan)
		check_facts(check, plan);
	if (plan && faults.n == 0 && !refused && !check->as_json)
		print_start(plan);
	check_faults(check, spec->name, &faults);
	if (plan)
		check_warnings(check, spec, &facts);
	facts_done(&facts);
	fault_done(&fault);
}

/* Names in the spec's "after" that no spec has. */
static void check_unknown(Check *check, const Spec *spec, const StrList *names)
{
	FaultList warnings = { 0 };

	if (start_order_unknown(spec, names, &warnings) < 0)
		check_fault(check, spec->name, &out_of_memory);
	for (size_t i = 0; i < warnings.n; i++)
		tell(check, spec->name, LOG_LEVEL_WARNING, &warnings.items[i]);
	fault_list_done(&warnings);
}

/* A circle has several VMs in it, each of which leads to it: it is told once, of the VM whose entry is left out. */
static void check_circles(Check *check, FaultList *circles)
{
	for (size_t i = 0; i < circles->n; i++) {
		const Fault *circle = &circles->items[i];
		const char *words = fault_evidence_get(circle, "left_out");
		_cleanup_free_ char *vm = words ? strndup(words, strcspn(words, " ")) : NULL;

		if (!vm || str_list_contains(&check->circles, words))
			continue;
		str_list_add(&check->circles, "%s", words);
		check_fault(check, vm, circle);
	}
	fault_list_done(circles);
}

/* The order of the VM's start, with the specs that it names. */
static void check_order_of(Check *check, const Spec *spec)
{
	_cleanup_(unit_specs_done) UnitSpecs specs = { 0 };
	_cleanup_(str_list_done) StrList own = { 0 }, names = { 0 };
	_cleanup_(fault_done) Fault fault = { 0 };
	FaultList circles = { 0 };

	if (spec->n_after == 0)
		return;
	str_list_add(&own, "%s", spec->name);
	if (spec_list_names(check->places, &names, &fault) < 0) {
		check_fault(check, spec->name, &fault);
		return;
	}
	check_unknown(check, spec, &names);
	if (own.failed || unit_specs_load(check->places, &own, &specs) < 0 ||
	    start_order_circles(&specs.order, spec->name, &circles) < 0)
		check_fault(check, spec->name, &out_of_memory);
	check_circles(check, &circles);
}

static void check_one(Check *check, const char *argument)
{
	_cleanup_(spec_free_p) Spec *spec = NULL;
	Problems problems = { 0 };
	Fault fault = { 0 };
	int r;

	r = spec_load(check->places, argument, &spec, &problems, &fault);
	if (r == -EINVAL) {
		check_problems(check, &problems);
	} else if (r < 0) {
		check_fault(check, NULL, &fault);
	} else {
		if (!check->as_json)
			(void) printf("%s: spec ok\n", spec->name);
		if (!check->spec_only && !check->host_conf_wrong)
			check_host(check, spec);
		if (!check->spec_only && !check->all)
			check_order_of(check, spec);
		if (keep_spec(check, spec) < 0) {
			(void) fault_oom(&fault);
			check_fault(check, NULL, &fault);
		} else {
			spec = NULL;
		}
	}
	problems_done(&problems);
	fault_done(&fault);
}

/* The order of all starts. */
static void check_order(Check *check, const StrList *names)
{
	Spec **specs = calloc(check->n_specs ?: 1, sizeof(Spec *));
	_cleanup_(start_order_done) StartOrder order = { 0 };
	FaultList circles = { 0 };

	for (size_t i = 0; specs && i < check->n_specs; i++) {
		specs[i] = check->specs[i].spec;
		check_unknown(check, specs[i], names);
	}
	if (!specs || start_order_build(specs, check->n_specs, &order) < 0 ||
	    start_order_circles(&order, NULL, &circles) < 0)
		check_fault(check, NULL, &out_of_memory);
	check_circles(check, &circles);
	free(specs);
}

/* Every spec, and what any two of them would fight over. */
static void check_all(Check *check)
{
	FaultList conflicts = { 0 };
	StrList names = { 0 };
	Fault fault = { 0 };

	if (spec_list_names(check->places, &names, &fault) < 0)
		check_fault(check, NULL, &fault);
	for (size_t i = 0; i < names.n; i++)
		check_one(check, names.items[i]);
	if (names.n == 0 && !check->as_json && check->exit_code == MVMD_EXIT_OK)
		(void) printf("there is no spec in %s\n", check->places->spec_directory);

	if (spec_conflicts(check->specs, check->n_specs, &conflicts) < 0) {
		(void) fault_oom(&fault);
		check_fault(check, NULL, &fault);
	}
	check_faults(check, NULL, &conflicts);
	check_order(check, &names);
	str_list_done(&names);
	fault_done(&fault);
}

static int print_json(const Check *check)
{
	_cleanup_free_ char *text = NULL;
	json_t *answer = json_pack("{s:i, s:O, s:O, s:O}", "version", 1, "problems",
				   check->problems, "faults", check->faults, "facts", check->facts);

	if (answer)
		text = json_dumps(answer, JSON_INDENT(2));
	json_decref(answer);
	if (!text)
		return MVMD_EXIT_SYSTEM;
	(void) puts(text);
	return check->exit_code;
}

int cmd_check(const Places *places, int argc, char **argv)
{
	Check check = { .places = places,
			.problems = json_array(),
			.faults = json_array(),
			.facts = json_array() };
	const Switch switches[] = {
		{ "--all", &check.all },
		{ "--spec-only", &check.spec_only },
		{ "--json", &check.as_json },
	};
	int n = options_parse(argc, argv, switches, ELEMENTSOF(switches), 0, argc);
	int exit_code = MVMD_EXIT_USAGE;

	if (n >= 0 && check.all != (n == 0))
		log_line(LOG_LEVEL_ERROR, "check takes the names of VMs, or --all");
	else if (n >= 0) {
		if (check.all || !check.spec_only)
			check_host_conf(&check);
		if (!check.spec_only)
			load_known_issues(&check);
		if (check.all)
			check_all(&check);
		for (int i = 1; i <= n; i++)
			check_one(&check, argv[i]);
		exit_code = check.as_json ? print_json(&check) : check.exit_code;
	}
	check_done(&check);
	return exit_code;
}
