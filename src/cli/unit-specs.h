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
 * For `mvmd start`: sorts names so that each VM comes behind those that it comes after, for systemd orders only jobs
 * that are queued at the same time. *ret_reload tells whether systemd has other lines for one of them than its spec asks for
 * now (model/unit-dropin.h), so that it is to read its units anew before; a spec that is missing or wrong has no lines.
 * Returns 0 or -ENOMEM.
 */
int unit_specs_for_start(const Places *places, StrList *names, bool *ret_reload);

/*
 * For the VM's own start as mvmd@NAME.service: adds what systemd has not read that the VM needs, the circles of
 * "after" that it is part of, and names in it that no spec has. Returns 0 or -ENOMEM.
 */
int unit_specs_tell(const Places *places, const char *name, FaultList *ret);
