/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/doctor-vm.h"
#include "cli/known-issues.h"
#include "cli/options.h"
#include "cli/spec-load.h"
#include "host/survey.h"
#include "mvmd/exit-codes.h"

static void run_done(DoctorRun *run)
{
	doctor_done(&run->doctor);
	survey_done(&run->host);
	known_issues_done(&run->issues);
	host_conf_done(&run->host_conf);
	for (size_t i = 0; i < run->n_specs; i++)
		(void) spec_free(run->specs[i].spec);
	free(run->specs);
}

/* One that is wrong keeps every VM from starting. */
static void load_host_conf(DoctorRun *run)
{
	Problems problems = { 0 };
	Fault fault = { 0 };
	int r = host_conf_load(run->places, &run->host_conf, &problems, &fault);

	run->host_conf_wrong = r < 0;
	if (r == -EINVAL && problems.n > 0)
		doctor_take_problems(&run->doctor, "host-conf", DOCTOR_ERROR, &problems);
	else if (r < 0)
		doctor_take(&run->doctor, "host-conf", DOCTOR_ERROR, &fault);
	else
		doctor_ok(&run->doctor, "host-conf", "%s/host.conf is right, or not there",
			  settings_directory(run->places, "host.conf"));
	if (r < 0 && host_conf_parse(NULL, &run->host_conf, &problems) < 0)
		run->doctor.failed = true;
	problems_done(&problems);
	fault_done(&fault);
}

static void load_known_issues(DoctorRun *run)
{
	Problems problems = { 0 };
	Fault fault = { 0 };
	int r = known_issues_load(run->places, &run->issues, &problems, &fault);

	if (r == -EINVAL && problems.n > 0)
		doctor_take_problems(&run->doctor, "known-issues", DOCTOR_WARNING, &problems);
	else if (r < 0)
		doctor_take(&run->doctor, "known-issues", DOCTOR_WARNING, &fault);
	problems_done(&problems);
	fault_done(&fault);
}

/* Those that fit this host whatever its guests are; what the guests use is what the specs say, or anything. */
static void judge_known_issues(DoctorRun *run, const HostNeeds *needs)
{
	const Spec automatic = { .vmm = VMM_AUTO, .accel = ACCEL_AUTO };
	const Facts *facts = &run->host.facts;
	VmmChoice choice = vmm_choose(&automatic, facts);
	bool any = needs->n_specs == 0;
	IssueFacts issue_facts = {
		.host = { facts->host.release, facts->host.build },
		.probes = facts->host.holds,
		.vmm = choice.vmm,
		.vmm_version = choice.vmm == VMM_QEMU ? facts->qemu.version :
							facts->cloud_hypervisor.version,
		.arch = facts->arch,
		.accel = choice.accel,
		.interfaces = any || needs->interfaces,
		.shares = any || needs->shares,
		.vsock = any || needs->vsock_of_qemu || needs->vsock_of_auto,
	};
	FaultList faults = { 0 };

	if (known_issues_tell(&run->issues, &issue_facts, &faults) < 0)
		run->doctor.failed = true;
	if (faults.n == 0 && run->issues.n_issues > 0)
		doctor_ok(&run->doctor, "known-issues",
			  "none of the %zu in the list of %s fits this host", run->issues.n_issues,
			  run->issues.date ?: "?");
	doctor_take_issues(&run->doctor, "known-issues", &faults);
}

static void judge_host(DoctorRun *run, const HostNeeds *needs)
{
	ProbeOptions options = { .state_directory = run->places->state_directory,
				 .host_conf = &run->host_conf };
	Fault fault = { 0 };
	int r;

	run->host.runtime.path = run->places->runtime_directory;
	run->host.state.path = run->places->state_directory;
	r = survey_host(&options, &run->host, &fault);
	if (fault.id)
		doctor_take(&run->doctor, "uid-range", DOCTOR_ERROR, &fault);
	if (run->host_conf_wrong)
		run->host.uid_range = (UidRange){ 0 };
	if (r == 0) {
		doctor_judge_host(&run->doctor, &run->host, needs);
		judge_known_issues(run, needs);
	}
}

/* Without a name all specs tell what this host is used for; what is wrong in one is check's to say. */
static void load_all_specs(DoctorRun *run)
{
	DoctorRun aside = { .places = run->places };
	StrList names = { 0 };
	Fault fault = { 0 };

	if (spec_list_names(run->places, &names, &fault) < 0)
		doctor_take(&run->doctor, "specs", DOCTOR_NOTE, &fault);
	for (size_t i = 0; i < names.n; i++)
		doctor_load_spec(&aside, names.items[i]);
	if (names.n > aside.n_specs) {
		(void) fault_set(&fault, -EINVAL, MVMD_EXIT_SPEC, "config-wrong",
				 "%zu of the %zu specs in %s are wrong or cannot be read",
				 names.n - aside.n_specs, names.n, run->places->spec_directory);
		(void) fault_remedy(&fault, "mvmd check --all tells what is wrong in them");
		doctor_take(&run->doctor, "specs", DOCTOR_WARNING, &fault);
	}
	run->specs = TAKE_PTR(aside.specs);
	run->n_specs = aside.n_specs;
	aside.n_specs = 0;
	run->doctor.failed |= aside.doctor.failed;
	run_done(&aside);
	str_list_done(&names);
}

static int print(const Doctor *doctor, bool as_json)
{
	_cleanup_free_ char *text = NULL;
	int r = as_json ? doctor_to_json(doctor, &text) :
			  doctor_to_text(doctor, stdout_is_terminal(), &text);

	if (r < 0) {
		log_line(LOG_LEVEL_ERROR, "out of memory");
		return MVMD_EXIT_SYSTEM;
	}
	(void) printf("%s%s", text, as_json ? "\n" : "");
	return doctor_exit_code(doctor);
}

int cmd_doctor(const Places *places, int argc, char **argv)
{
	DoctorRun run = { .places = places };
	HostNeeds needs = { 0 };
	bool as_json = false;
	const Switch switches[] = { { "--json", &as_json } };
	int n = options_parse(argc, argv, switches, ELEMENTSOF(switches), 0, 1);
	const char *vm = n > 0 ? argv[1] : NULL;
	size_t n_host_lines;
	int exit_code;

	if (n < 0)
		return MVMD_EXIT_USAGE;
	if (vm)
		doctor_load_spec(&run, vm);
	else
		load_all_specs(&run);
	for (size_t i = 0; i < run.n_specs; i++)
		host_needs_add(&needs, run.specs[i].spec);
	load_host_conf(&run);
	load_known_issues(&run);
	judge_host(&run, &needs);
	n_host_lines = run.doctor.n;
	if (vm)
		doctor_look_at_vm(&run, vm);
	doctor_drop_repeated(&run.doctor, n_host_lines);
	exit_code = print(&run.doctor, as_json);
	run_done(&run);
	return exit_code;
}
