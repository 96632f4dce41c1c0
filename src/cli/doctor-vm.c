/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor-vm.h"
#include "cli/client.h"
#include "cli/known-issues.h"
#include "cli/spec-load.h"
#include "cli/vm-list.h"
#include "host/probe.h"
#include "host/start-look.h"
#include "model/findings.h"
#include "model/plan-issues.h"
#include "mvmd/exit-codes.h"

#define ABOUT_VM "vm"

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

/* What was found while it ran, which it survived. */
static void take_findings(Doctor *doctor, json_t *findings)
{
	json_t *finding;
	size_t i;

	json_array_foreach(findings, i, finding) {
		const char *id = json_string_value(json_object_get(finding, "id"));
		const char *what = json_string_value(json_object_get(finding, "what"));
		const char *why = json_string_value(json_object_get(finding, "why"));
		const char *remedy = json_string_value(json_object_get(finding, "remedy"));
		const Finding *row = id ? finding_find(id) : NULL;
		Fault fault = { 0 };

		if (!row || !what)
			continue;
		(void) fault_set(&fault, 0, MVMD_EXIT_OK, row->id, "%s", what);
		if (why)
			(void) fault_why(&fault, "%s", why);
		(void) fault_remedy(&fault, "%s", remedy ?: row->remedy);
		doctor_take(doctor, ABOUT_VM,
			    row->severity == FINDING_NOTE ? DOCTOR_NOTE : DOCTOR_WARNING, &fault);
	}
}

/* Its state, in the supervisor's words; one that does not answer is a finding as well. False where it has ended. */
static bool say_running(Doctor *doctor, const VmFound *found)
{
	json_t *status = NULL;
	Fault fault = { 0 };
	const char *state;
	int r = client_call(found, "io.mvmd.vm.GetStatus", NULL, &status, NULL, &fault);

	if (r == -ESRCH) {
		fault_done(&fault);
		return false;
	}
	if (r < 0)
		doctor_take(doctor, ABOUT_VM, r == -EPERM ? DOCTOR_NOTE : DOCTOR_WARNING, &fault);
	state = json_string_value(json_object_get(status, "state"));
	(void) fault_set(&fault, -EBUSY, MVMD_EXIT_BUSY, "already-running",
			 "%s is started already: its state is %s, its supervisor pid %d",
			 found->places.name, state ?: "unknown", found->pid);
	(void) fault_remedy(&fault, "mvmd status %s", found->places.name);
	(void) fault_evidence(&fault, "state", "%s", state ?: "");
	(void) fault_evidence(&fault, "pid", "%d", found->pid);
	doctor_take(doctor, ABOUT_VM, DOCTOR_NOTE, &fault);
	take_findings(doctor, json_object_get(status, "findings"));
	json_decref(status);
	return true;
}

static void say_orphaned(Doctor *doctor, const VmFound *found)
{
	Fault fault = { 0 };

	(void) fault_set(&fault, -EBUSY, MVMD_EXIT_BUSY, "vmm-outlived-supervisor",
			 "%s has no supervisor, and its VMM, pid %d, runs on", found->places.name,
			 found->pid);
	(void) fault_why(&fault, "the mvmd that had started it was killed");
	(void) fault_remedy(&fault,
			    "mvmd stop --force %s ends it, mvmd run --replace %s starts it "
			    "anew",
			    found->places.name, found->places.name);
	(void) fault_evidence(&fault, "pid", "%d", found->pid);
	doctor_take(doctor, ABOUT_VM, DOCTOR_ERROR, &fault);
}

/* True where the VM runs, so that nothing is in the way of a start but itself. */
static bool is_running(DoctorRun *run, const char *argument)
{
	VmFound found = { 0 };
	Fault fault = { 0 };
	bool running;

	if (client_find(run->places, argument, &found, &fault) < 0) {
		fault_done(&fault); /* no name of a VM, which spec_load() has said */
		return false;
	}
	running = found.presence == VM_PRESENCE_RUNNING && say_running(&run->doctor, &found);
	if (found.presence == VM_PRESENCE_ORPHANED)
		say_orphaned(&run->doctor, &found);
	vm_found_done(&found);
	return running;
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
	if (!is_running(run, argument) && run->n_specs > 0 && !run->host_conf_wrong)
		look_at_start(run, run->specs[0].spec);
}
