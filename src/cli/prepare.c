/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/prepare.h"
#include "base/log.h"
#include "cli/known-issues.h"
#include "cli/spec-load.h"
#include "host/netns.h"
#include "host/probe.h"
#include "model/credentials.h"
#include "model/netns-fault.h"
#include "model/plan-issues.h"
#include "model/spec-json.h"
#include "mvmd/exit-codes.h"

static int say(Fault *fault)
{
	int exit_code = fault->exit_code ?: MVMD_EXIT_SYSTEM;

	log_fault(LOG_LEVEL_ERROR, fault);
	fault_done(fault);
	return exit_code;
}

/* What a file has wrong in it, or why it could not be read. */
static int say_wrong(Problems *problems, Fault *fault)
{
	if (problems->n == 0)
		return say(fault);
	spec_print_problems(problems);
	problems_done(problems);
	return MVMD_EXIT_SPEC;
}

static int prepare_spec(const Places *places, const char *argument, Spec **ret)
{
	Problems problems = { 0 };
	Fault fault = { 0 };
	int r = spec_load(places, argument, ret, &problems, &fault);

	return r < 0 ? say_wrong(&problems, &fault) : MVMD_EXIT_OK;
}

int prepare_host_conf(const Places *places, HostConf *ret)
{
	Problems problems = { 0 };
	Fault fault = { 0 };
	int r = host_conf_load(places, ret, &problems, &fault);

	return r < 0 ? say_wrong(&problems, &fault) : MVMD_EXIT_OK;
}

/* Takes fault's content. */
static int say_cause(Fault *fault, Prepared *ret)
{
	int exit_code = fault->exit_code ?: MVMD_EXIT_SYSTEM;

	log_fault(LOG_LEVEL_ERROR, fault);
	fault_move(&ret->cause, fault);
	return exit_code;
}

/* The first with that exit code. */
static void keep_cause(FaultList *faults, int exit_code, Fault *ret)
{
	for (size_t i = 0; i < faults->n; i++)
		if (faults->items[i].exit_code == exit_code) {
			fault_move(ret, &faults->items[i]);
			return;
		}
}

/* Tells all that the host lacks. For a look these are remarks. */
static int prepare_judge(PrepareFor what_for, Prepared *ret)
{
	bool start = what_for == PREPARE_FOR_START;
	const Spec *spec = ret->spec;
	const Facts *facts = &ret->facts;
	FaultList faults = { 0 };
	int exit_code;

	if (plan_problems(spec, facts, &faults) < 0)
		return MVMD_EXIT_SYSTEM;
	for (size_t i = 0; i < faults.n; i++)
		log_fault(start ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, &faults.items[i]);
	exit_code = fault_list_exit_code(&faults);
	if (start && exit_code != MVMD_EXIT_OK)
		keep_cause(&faults, exit_code, &ret->cause);
	fault_list_done(&faults);
	if (plan_warnings(spec, facts, &faults) < 0)
		exit_code = MVMD_EXIT_SYSTEM;
	for (size_t i = 0; i < faults.n; i++)
		log_fault(LOG_LEVEL_WARNING, &faults.items[i]);
	fault_list_done(&faults);
	return start ? exit_code : MVMD_EXIT_OK;
}

static int prepare_length(PrepareFor what_for, Prepared *ret)
{
	_cleanup_(fault_done) Fault fault = { 0 };

	if (!plan_is_too_long(ret->plan, &fault))
		return MVMD_EXIT_OK;
	if (what_for == PREPARE_FOR_START)
		return say_cause(&fault, ret);
	log_fault(LOG_LEVEL_WARNING, &fault);
	return MVMD_EXIT_OK;
}

void prepared_find_issues(Prepared *prepared, const Places *places, FaultList *ret)
{
	_cleanup_(fault_done) Fault fault = { 0 };
	_cleanup_(problems_done) Problems problems = { 0 };
	KnownIssues *issues = &prepared->known_issues;
	int r = known_issues_load(places, issues, &problems, &fault);

	if (r == -EINVAL)
		spec_print_problems(&problems);
	else if (r < 0)
		log_fault(LOG_LEVEL_WARNING, &fault);
	else if (plan_issues_find(prepared->plan, &prepared->host_conf, issues,
				  &prepared->fitting) < 0 ||
		 plan_issues_tell(prepared->plan, &prepared->host_conf, issues, ret) < 0)
		log_line(LOG_LEVEL_WARNING, "out of memory");
}

/* For a look even what would refuse a start is a remark. */
static void say_issues(Prepared *prepared, const Places *places)
{
	FaultList faults = { 0 };

	prepared_find_issues(prepared, places, &faults);
	for (size_t i = 0; i < faults.n; i++) {
		LogLevel level = known_issue_level(&faults.items[i]);

		log_fault(level == LOG_LEVEL_ERROR ? LOG_LEVEL_WARNING : level, &faults.items[i]);
	}
	fault_list_done(&faults);
}

/* For good: who goes on is the supervisor. */
static int enter_netns(const Spec *spec, Fault *fault)
{
	int back = -EBADF, r = spec->netns ? netns_enter(spec->netns, &back) : 0;

	(void) close_fd(back);
	return r < 0 ? fault_netns(spec->netns, r, fault) : 0;
}

int prepare(const Places *places, const char *argument, PrepareFor what_for, Prepared *ret)
{
	ProbeOptions options = { .state_directory = places->state_directory,
				 .host_conf = &ret->host_conf,
				 .allocate_uid = what_for == PREPARE_FOR_START,
				 .switches_later = what_for == PREPARE_FOR_START };
	Fault fault = { 0 };
	int exit_code;

	*ret = (Prepared){ 0 };
	exit_code = prepare_spec(places, argument, &ret->spec);
	if (exit_code == MVMD_EXIT_OK)
		exit_code = prepare_host_conf(places, &ret->host_conf);
	if (exit_code != MVMD_EXIT_OK)
		return exit_code;
	log_set_vm(ret->spec->name);

	if (facts_probe(ret->spec, &options, &ret->facts, &fault) < 0)
		exit_code = say_cause(&fault, ret);
	if (exit_code == MVMD_EXIT_OK)
		exit_code = prepare_judge(what_for, ret);
	if (exit_code == MVMD_EXIT_OK && what_for == PREPARE_FOR_START &&
	    enter_netns(ret->spec, &fault) < 0)
		exit_code = say_cause(&fault, ret);
	if (exit_code == MVMD_EXIT_OK &&
	    plan_build(ret->spec, &ret->facts, places->runtime_directory, &ret->plan, &fault) < 0)
		exit_code = say_cause(&fault, ret);
	if (exit_code == MVMD_EXIT_OK)
		ret->plan->issues = &ret->fitting;
	if (exit_code == MVMD_EXIT_OK)
		exit_code = prepare_length(what_for, ret);
	if (exit_code == MVMD_EXIT_OK && what_for == PREPARE_FOR_LOOK)
		say_issues(ret, places);
	return exit_code;
}

/* A program that is gone is missed when it is to be started; in words it is called by its name. */
static int name_missing_programs(Facts *facts)
{
	struct {
		Program *program;
		const char *name;
	} programs[] = {
		{ &facts->cloud_hypervisor, "cloud-hypervisor" },
		{ &facts->qemu, "qemu-system-x86_64" },
		{ &facts->storage_daemon, "qemu-storage-daemon" },
		{ &facts->virtiofsd, "virtiofsd" },
	};

	for (size_t i = 0; i < ELEMENTSOF(programs); i++)
		if (!programs[i].program->path &&
		    str_set(&programs[i].program->path, programs[i].name) < 0)
			return -ENOMEM;
	return 0;
}

/* What was picked at the start is not picked anew. */
static int plan_adoption(const Places *places, const StateFile *state, Prepared *ret, Fault *fault)
{
	Spec *spec = ret->spec;
	VmmKind vmm = spec->vmm;
	Accel accel = spec->accel;
	int r;

	spec->vmm = state->vmm_kind;
	spec->accel = state->accel;
	r = facts_probe(spec,
			&(ProbeOptions){ .state_directory = places->state_directory,
					 .host_conf = &ret->host_conf,
					 .allocate_uid = true,
					 .switches_later = true },
			&ret->facts, fault);
	if (r == 0 && name_missing_programs(&ret->facts) < 0)
		r = fault_oom(fault);
	if (r == 0)
		r = plan_build(spec, &ret->facts, places->runtime_directory, &ret->plan, fault);
	spec->vmm = vmm;
	spec->accel = accel;
	return r;
}

/* What is wrong in it is the record's, whatever the file says by now. */
static int spec_of_record(const Places *places, const char *name, const StateFile *state,
			  Spec **ret, Problems *problems)
{
	_cleanup_free_ char *record =
		str_printf("the spec in %s/%s/state.json", places->runtime_directory, name);
	_cleanup_(spec_free_p) Spec *spec = NULL;
	int r = record ? spec_from_json(state->spec, name, record, &spec, problems) : -ENOMEM;

	if (r == 0)
		r = str_set(&spec->file, state->spec_file ?: record);
	if (r == 0)
		*ret = TAKE_PTR(spec);
	return r;
}

int prepare_adoption(const Places *places, const char *name, const StateFile *state, Prepared *ret)
{
	Problems problems = { 0 };
	Fault fault = { 0 };
	int r;

	*ret = (Prepared){ 0 };
	r = spec_of_record(places, name, state, &ret->spec, &problems);
	if (r == -ENOMEM)
		(void) fault_oom(&fault);
	if (r < 0)
		return say_wrong(&problems, &fault);
	/* What is wrong there is printed, and is no reason to leave the VM alone. */
	if (prepare_host_conf(places, &ret->host_conf) != MVMD_EXIT_OK &&
	    host_conf_parse(NULL, &ret->host_conf, &problems) < 0)
		return MVMD_EXIT_SYSTEM;
	if (plan_adoption(places, state, ret, &fault) < 0 || enter_netns(ret->spec, &fault) < 0)
		return say(&fault);
	ret->plan->issues = &ret->fitting;
	return MVMD_EXIT_OK;
}

void prepared_done(Prepared *prepared)
{
	log_set_vm(NULL);
	(void) plan_free(prepared->plan);
	fitting_issues_done(&prepared->fitting);
	known_issues_done(&prepared->known_issues);
	host_conf_done(&prepared->host_conf);
	facts_done(&prepared->facts);
	(void) spec_free(prepared->spec);
	fault_done(&prepared->cause);
	*prepared = (Prepared){ 0 };
}
