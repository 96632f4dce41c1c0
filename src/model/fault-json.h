/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/fault.h"

/*
 * A fault as data: {id, severity, what, why, remedy, evidence}; severity is its row's (model/findings.h), evidence
 * an object of strings, and what is not known is null. A new reference; NULL: out of memory.
 */
json_t *fault_to_json(const Fault *fault);

/* An array of them, likewise. */
json_t *fault_list_to_json(const FaultList *faults);
