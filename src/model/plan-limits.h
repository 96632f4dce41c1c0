/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/facts.h"
#include "model/plan.h"

/* What is too small, too large or of another format for the VM to start: a part of plan_problems(). */
int plan_limits(const Spec *spec, const Facts *facts, FaultList *faults);

/*
 * True where the file system of a sparse disk is full, or nearly: fault tells. Of a readonly disk nobody should
 * ask.
 */
bool disk_is_short(const char *path, const DiskSpace *space, Fault *fault);

/*
 * True where the VM may use more memory than is available: fault tells. group_bytes is what its control group may
 * still have, UINT64_MAX where that is not limited or not known. *ret_refused: the kernel refuses it at the start.
 */
bool memory_is_short(const Spec *spec, const Facts *facts, uint64_t group_bytes, bool *ret_refused,
		     Fault *fault);
