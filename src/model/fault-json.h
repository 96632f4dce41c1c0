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

/* The same with what a program needs to go on with it, its error and exit code: for a record that is read back. */
json_t *fault_to_record(const Fault *fault);
json_t *fault_list_to_record(const FaultList *faults);

/*
 * A fault of such a record, or one as data, which has neither error nor exit code then. 0; -EUCLEAN where it is none,
 * or one with an id that this version of mvmd does not know; -ENOMEM. *ret is set with 0 only.
 */
int fault_from_json(const json_t *json, Fault *ret);

/* All of a list that this version knows, in *ret. 0, -EUCLEAN (no list) or -ENOMEM. */
int fault_list_from_json(const json_t *list, FaultList *ret);
