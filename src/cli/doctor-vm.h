/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/commands.h"
#include "model/conflicts.h"
#include "model/doctor.h"
#include "model/known-issues.h"

/* What a line about the VM is about. */
#define ABOUT_VM "vm"

/* What the looks of one `mvmd doctor` share. */
typedef struct DoctorRun {
	const Places *places;
	HostConf host_conf;
	bool host_conf_wrong; /* then it holds the defaults, and what a start would do is not known */
	KnownIssues issues;
	Survey host;
	Doctor doctor;
	ConflictSpec *specs; /* those that are right: of the one VM, or of all */
	size_t n_specs;
} DoctorRun;

/*
 * What would keep the VM that argument names from starting now, as lines. Its spec, where it is right, goes to
 * run->specs beforehand: doctor_load_spec() does that and says what is wrong with it.
 */
void doctor_load_spec(DoctorRun *run, const char *argument);
void doctor_look_at_vm(DoctorRun *run, const char *argument);

/* Those known issues that fit, as lines, but for those that are lines already. Frees the list. */
void doctor_take_issues(Doctor *doctor, const char *about, FaultList *faults);

/* What is wrong in a file of mvmd's, a line each. */
void doctor_take_problems(Doctor *doctor, const char *about, DoctorLevel level,
			  const Problems *problems);
