/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/commands.h"
#include "model/history.h"

/*
 * Starts of a unit that never had the VM's lock: the VM runs by hand, or the lock file is not to be had. systemd tries
 * them again at once, so each waits for its turn as others do. They say nothing of the VM, so they are counted apart from
 * its history, in STATE/NAME/unit-tries.json, and whoever runs the VM meanwhile is not disturbed. Who starts a VM by
 * hand reads why it does not start, and tries again himself: nothing is counted then.
 */

/* What is on record of the tries before this one. */
void unit_tries_read(const Places *places, const char *name, History *ret);

/* Another one. */
void unit_tries_add(const Places *places, const char *name, History *tries, int exit_code,
		    const char *finding);

/* The VM's lock was had. */
void unit_tries_over(const Places *places, const char *name, History *tries);
