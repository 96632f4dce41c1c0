/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/schema.h"

/* The table of keys of a root in mdoc(7) macros, for its man page: a new string in *ret. 0 or -ENOMEM. */
int schema_to_man(const ObjectType *root, char **ret);
