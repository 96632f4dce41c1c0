/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "model/spec.h"

/*
 * A spec as one document: after template, drop-ins and "%n", each value as one could write it, without those that
 * are the default. The record of a running VM has it, so that whoever adopts the VM knows what it was started with,
 * and what has changed since.
 */

/* A new object without texts for people; NULL: out of memory. */
json_t *spec_to_json(const Spec *spec);

/*
 * The spec of VM 'name' of such a document; file is the path of its main file, for messages. Returns as spec_parse():
 * -EINVAL with problems also where another version of mvmd wrote what this one does not know.
 */
int spec_from_json(const json_t *document, const char *name, const char *file, Spec **ret,
		   Problems *problems);

/* Adds the top-level keys that the two documents have not in common, in the order of the table. 0 or -ENOMEM. */
int spec_documents_compare(const json_t *before, const json_t *now, StrList *ret);
