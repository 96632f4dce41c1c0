/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "model/guest-report.h"
#include "model/lifecycle.h"
#include "model/lives.h"
#include "run/step.h"
#include "run/systemd.h"

/* What vm.c knows beyond the resources. */
typedef struct VmStatus {
	VmState state;
	const SystemdUnit *unit; /* what the steps wait for */
	uint64_t since_realtime_usec; /* when that state began */
	const Lives *lives;
	const GuestReport *report; /* NULL: the guest is not asked to say anything */
	const FaultList *findings;
} VmStatus;

/* The answer of GetStatus (include/mvmd/io.mvmd.vm.varlink). A new reference, NULL: out of memory. */
json_t *status_to_json(const Resources *resources, const VmStatus *status);

/* Keeps a copy for status: of very many the first, which tell how it began, and the last. */
void findings_keep(FaultList *findings, const Fault *fault);
