/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/fault.h"
#include "model/spec.h"

/* What stat(2) said of one disk's path. */
typedef struct DiskIdentity {
	bool known; /* false: it does not exist, has no path, or nobody looked; the path then decides */
	dev_t dev;
	ino_t ino;
} DiskIdentity;

typedef struct ConflictSpec {
	Spec *spec;
	DiskIdentity *disks; /* one for each of the spec's; NULL: nobody looked */
} ConflictSpec;

/*
 * What two of these specs would fight over if both ran: tap, MAC, CID (written or derived), a disk that
 * one of them writes, a bridge that each would make otherwise, a port of the host's that leads to each, somebody else's vhost-user socket; and bridges that have no room for all. A fault each, with both VMs' names and the exit
 * code 75. Returns 0 or -ENOMEM.
 */
int spec_conflicts(const ConflictSpec *specs, size_t n, FaultList *faults);
