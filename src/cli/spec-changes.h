/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "cli/commands.h"
#include "model/places.h"

/* What the spec of a VM that runs says now and did not say when the VM was started. */
typedef enum SpecStanding {
	SPEC_NOT_KNOWN, /* the VM does not run, or its record is not for us to read */
	SPEC_AS_STARTED,
	SPEC_CHANGED, /* keys tells in what */
	SPEC_WRONG, /* as it is now no VM can be started of it, or it cannot be read */
	SPEC_GONE,
	_SPEC_STANDING_MAX,
} SpecStanding;

/* Zero-initialise. */
typedef struct SpecChanges {
	SpecStanding standing;
	StrList keys; /* of SPEC_CHANGED: the top-level keys that differ, in the order of mvmd.vm(5) */
} SpecChanges;

/* 0 or -ENOMEM. */
int spec_changes_look(const Places *places, const VmPlaces *vm, SpecChanges *ret);
void spec_changes_done(SpecChanges *changes);

/* True where a restart would make another VM, or none. */
bool spec_changes_are_there(const SpecChanges *changes);

/*
 * "changed since start: memory, disks (mvmd restart web1 applies it)"; a new string in *ret, NULL where there is nothing
 * to say. 0 or -ENOMEM.
 */
int spec_changes_to_words(const SpecChanges *changes, const char *vm, char **ret);

/* As "mvmd status --json" has it: the keys; null where the spec of now is wrong, gone, or that is not known. */
json_t *spec_changes_to_json(const SpecChanges *changes);
