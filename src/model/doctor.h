/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/plan.h"
#include "model/survey.h"

/*
 * What `mvmd doctor` says: one line for each thing that it looked at. Levels: an error keeps a VM (without a
 * name: every VM) from starting; a warning is what a VM of this host needs and does not get, or what it will suffer
 * from; a note is good to know, and no VM here suffers from it.
 */
typedef enum DoctorLevel {
	DOCTOR_OK,
	DOCTOR_NOTE,
	DOCTOR_WARNING,
	DOCTOR_ERROR,
	_DOCTOR_LEVEL_MAX,
} DoctorLevel;

typedef struct DoctorLine {
	const char *about; /* what was looked at: "kvm", "bridge", "vm"; a string literal */
	DoctorLevel level;
	Fault fault; /* id NULL where all is well: then only what is set */
} DoctorLine;

/* Zero-initialise. A failed allocation is remembered. */
typedef struct Doctor {
	DoctorLine *lines;
	size_t n;
	bool failed;
} Doctor;

void doctor_ok(Doctor *doctor, const char *about, const char *format, ...) _printf_(3, 4);

/* Moves the fault in and empties it. */
void doctor_take(Doctor *doctor, const char *about, DoctorLevel level, Fault *fault);
void doctor_done(Doctor *doctor);

/* Judges the host: what needs names is a warning where it is missing, the rest at most a note. */
void doctor_judge_host(Doctor *doctor, const Survey *host, const HostNeeds *needs);

/*
 * Takes out of the n first lines the warnings and notes about the host whose id an error among the later ones
 * has: that one says it better.
 */
void doctor_drop_repeated(Doctor *doctor, size_t n);

/* What plan_problems() leaves to be said of a VM, were it started now: warnings, its control group, its bridges. */
void doctor_judge_vm(Doctor *doctor, const Plan *plan, const Survey *host);

/* 0, MVMD_EXIT_WARNINGS, or MVMD_EXIT_UNAVAILABLE where there is an error. */
int doctor_exit_code(const Doctor *doctor);

/* New strings in *ret. Return 0 or -ENOMEM. */
int doctor_to_text(const Doctor *doctor, bool coloured, char **ret);
int doctor_to_json(const Doctor *doctor, char **ret);

const char *doctor_level_to_string(DoctorLevel level);

/* For the files that judge: what needs it decides the level. vm NULL: none does. */
DoctorLevel doctor_level_by_need(const char *vm);

/* The parts of doctor_judge_host(). */
void doctor_judge_programs(Doctor *doctor, const Survey *host, const HostNeeds *needs);
void doctor_judge_limits(Doctor *doctor, const Survey *host, const HostNeeds *needs);
