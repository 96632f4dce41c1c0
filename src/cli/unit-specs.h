/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/commands.h"
#include "model/start-order.h"

/*
 * The specs of some VMs and of all that these come after, as far as they are there and right: what is wrong with one
 * is told when its VM starts. Zero-initialise.
 */
typedef struct UnitSpecs {
	Spec **items;
	size_t n;
	StartOrder order; /* of them */
} UnitSpecs;

/* Returns 0 or -ENOMEM. */
int unit_specs_load(const Places *places, const StrList *names, UnitSpecs *ret);
void unit_specs_done(UnitSpecs *specs);

/*
 * True where systemd has other lines for the VM than its spec asks for now (model/unit-dropin.h), so that it is to
 * read its units anew (the bus method Reload) before the VM starts. False of a VM whose spec is not there, or wrong:
 * then mvmd-generator writes nothing.
 */
bool unit_specs_is_stale(const UnitSpecs *specs, const char *name);

/*
 * For `mvmd start`: sorts names so that each VM comes behind those that it comes after, for systemd orders only jobs
 * that are queued at the same time, and *ret_reload tells whether one of them is stale. Returns 0 or -ENOMEM.
 */
int unit_specs_for_start(const Places *places, StrList *names, bool *ret_reload);

/*
 * For the VM's own start as mvmd@NAME.service: adds what systemd has not read that the VM needs, the circles of
 * "after" that it is part of, and names in it that no spec has. Returns 0 or -ENOMEM.
 */
int unit_specs_tell(const Places *places, const char *name, FaultList *ret);
