/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/schema.h"

/*
 * The table of keys of a root as JSON Schema 2020-12, for editors and other programs: a new string in
 * *ret. It takes every right main file, also one that leaves to its template what must be there, and null, which
 * takes a key of the template away; what does not go together only mvmd itself finds.
 * Returns 0 or -ENOMEM.
 */
int schema_to_json(const ObjectType *root, char **ret);
