/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "cli/client.h"
#include "cli/spec-changes.h"
#include "host/unit-bus.h"

/* One VM of `mvmd list`. What is not known is NULL or 0. Zero-initialise. */
typedef struct VmRow {
	char *name;
	char *state; /* one of mvmd(8), LIFE; or stopped, failed, starting, orphaned, unknown */
	const char *unit_file; /* enabled, disabled, masked; NULL: there is no unit */
	uint64_t since_realtime_usec; /* of the state */
	pid_t pid; /* of its supervisor, or of an orphaned VMM */
	bool has_spec;
	int exit_code; /* of the last run, where the state is failed, or waiting after that */
	char *cause; /* of that, in words */
	SpecChanges changes; /* of a VM that runs, since it was started */
} VmRow;

/* What systemd tells of all VMs in one go. */
typedef struct VmRowUnits {
	UnitBus *bus; /* NULL: without systemd */
	StrList loaded; /* unit_bus_list() */
	UnitFiles files;
} VmRowUnits;

/* What there is to know of the VM. Returns 0, or -errno with fault. */
int vm_row_look(const Places *places, const VmRowUnits *units, const char *name, VmRow *ret,
		Fault *fault);
void vm_row_done(VmRow *row);

/* As "mvmd list --json" has it; NULL: out of memory. */
json_t *vm_row_to_json(const VmRow *row);
