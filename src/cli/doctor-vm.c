/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor-vm.h"
#include "cli/client.h"
#include "cli/doctor-life.h"
#include "cli/known-issues.h"
#include "cli/spec-load.h"
#include "cli/vm-list.h"
#include "host/probe.h"
#include "host/start-look.h"
#include "model/plan-issues.h"
#include "mvmd/exit-codes.h"

static void take_all(Doctor *doctor, const char *about, DoctorLevel level, FaultList *faults)
{
	for (size_t i = 0; i < faults->n; i++)
		doctor_take(doctor, about, level, &faults->items[i]);
	fault_list_done(faults);
}

/* One with an exit code would refuse the start. */
static DoctorLevel level_of_issue(const Fault *fault)
{
	if (fault->exit_code != MVMD_EXIT_OK)
		return DOCTOR_ERROR;
	return known_issue_level(fault) <= LOG_LEVEL_WARNING ? DOCTOR_WARNING : DOCTOR_NOTE;
}

static bool is_said(const Doctor *doctor, DoctorLevel level, const char *what)
{
	for (size_t i = 0; i < doctor->n; i++)
		if (doctor->lines[i].level == level &&
		    streq_null(doctor->lines[i].fault.what, what))
			return true;
	return false;
}

void doctor_take_issues(Doctor *doctor, const char *about, FaultList *faults)
{
	for (size_t i = 0; i < faults->n; i++) {
		DoctorLevel level = level_of_issue(&faults->items[i]);

		if (!is_said(doctor, level, faults->items[i].what))
			doctor_take(doctor, about, level, &faults->items[i]);
	}
	fault_list_done(faults);
}

void doctor_take_problems(Doctor *doctor, const char *about, DoctorLevel level,
			  const Problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		const Problem *problem = &problems->items[i];
		Fault fault = { 0 };

		(void) fault_set(&fault, -EINVAL, MVMD_EXIT_SPEC, "config-wrong",
				 "%s:%zu:%zu: %s%s%s", problem->file, problem->line,
				 problem->column, problem->pointer, *problem->pointer ? ": " : "",
				 problem->text);
		(void) fault_evidence(&fault, "file", "%s", problem->file);
		(void) fault_evidence(&fault, "pointer", "%s", problem->pointer);
		doctor_take(doctor, about, level, &fault);
	}
}

void doctor_load_spec(DoctorRun *run, const char *argument)
{
	Problems problems = { 0 };
	Fault fault = { 0 };
	Spec *spec = NULL;
	int r;

	if (array_grow(&run->specs, run->n_specs, sizeof(*run->specs)) < 0) {
		run->doctor.failed = true;
		return;
	}
	r = spec_load(run->places, argument, &spec, &problems, &fault);
	if (r == 0)
		run->specs[run->n_specs++] = (ConflictSpec){ .spec = spec };
	else if (r == -EINVAL && problems.n > 0)
		doctor_take_problems(&run->doctor, ABOUT_VM, DOCTOR_ERROR, &problems);
	else
		doctor_take(&run->doctor, ABOUT_VM, DOCTOR_ERROR, &fault);
	problems_done(&problems);
	fault_done(&fault);
}

/* What VM other, where it or its VMM alone runs, has that this one wants. */
static void look_at_rival(DoctorRun *run, Spec *spec, const char *other)
{
	_cleanup_(spec_free_p) Spec *rival = NULL;
	_cleanup_(problems_done) Problems problems = { 0 };
	_cleanup_(fault_done) Fault fault = { 0 };
	FaultList conflicts = { 0 };
	VmFound found = { 0 };
	bool runs =
		client_find(run->places, other, &found, &fault) == 0 &&
		(found.presence == VM_PRESENCE_RUNNING || found.presence == VM_PRESENCE_ORPHANED);

	vm_found_done(&found);
	if (!runs || spec_load(run->places, other, &rival, &problems, &fault) < 0)
		return;
	if (spec_conflicts((ConflictSpec[]){ { spec, NULL }, { rival, NULL } }, 2, &conflicts) < 0)
		run->doctor.failed = true;
	take_all(&run->doctor, ABOUT_VM, DOCTOR_ERROR, &conflicts);
}

static void look_at_rivals(DoctorRun *run, Spec *spec)
{
	StrList names = { 0 };
	Fault fault = { 0 };

	if (vm_list_names(run->places, &names, &fault) < 0)
		fault_done(&fault); /* the runtime directory's own line says so */
	for (size_t i = 0; i < names.n; i++)
		if (!streq(names.items[i], spec->name))
			look_at_rival(run, spec, names.items[i]);
	str_list_done(&names);
}

static void look_at_plan(DoctorRun *run, Plan *plan)
{
	FaultList issues = { 0 }, obstacles = { 0 };
	FittingIssues fitting = { 0 };

	plan->issues = &fitting;
	if (plan_issues_find(plan, &run->host_conf, &run->issues, &fitting) < 0 ||
	    plan_issues_tell(plan, &run->host_conf, &run->issues, &issues) < 0 ||
	    start_look(plan, &obstacles) < 0)
		run->doctor.failed = true;
	plan->issues = NULL;
	fitting_issues_done(&fitting);
	take_all(&run->doctor, ABOUT_VM, DOCTOR_ERROR, &obstacles);
	doctor_judge_vm(&run->doctor, plan, &run->host);
	doctor_take_issues(&run->doctor, ABOUT_VM, &issues);
}

static bool has_error(const Doctor *doctor, size_t first)
{
	for (size_t i = first; i < doctor->n; i++)
		if (doctor->lines[i].level == DOCTOR_ERROR)
			return true;
	return false;
}

static void look_at_start(DoctorRun *run, Spec *spec)
{
	ProbeOptions options = { .state_directory = run->places->state_directory,
				 .host_conf = &run->host_conf };
	_cleanup_(plan_free_p) Plan *plan = NULL;
	size_t first = run->doctor.n;
	FaultList faults = { 0 };
	Facts facts = { 0 };
	Fault fault = { 0 };
	int r;

	r = facts_probe(spec, &options, &facts, &fault);
	if (r == 0 &&
	    (plan_problems(spec, &facts, &faults) < 0 || plan_awaited(spec, &facts, &faults) < 0))
		run->doctor.failed = true;
	if (r == 0)
		r = plan_build(spec, &facts, run->places->runtime_directory, &plan, &fault);
	if (r < 0)
		doctor_take(&run->doctor, ABOUT_VM, DOCTOR_ERROR, &fault);
	take_all(&run->doctor, ABOUT_VM, DOCTOR_ERROR, &faults);
	if (plan) {
		look_at_plan(run, plan);
		look_at_rivals(run, spec);
	}
	if (plan && !has_error(&run->doctor, first))
		doctor_ok(&run->doctor, ABOUT_VM, "%s could be started now: %s", spec->name,
			  plan->vmm_reason);
	facts_done(&facts);
}

void doctor_look_at_vm(DoctorRun *run, const char *argument)
{
	if (!doctor_look_at_life(run, argument) && run->n_specs > 0 && !run->host_conf_wrong)
		look_at_start(run, run->specs[0].spec);
}
