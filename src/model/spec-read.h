/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/schema.h"
#include "model/spec-report.h"

/* Tells of every key of one document's object that the table does not have, below it too. */
void spec_check_keys(SpecReport *report, const ObjectType *object, const JsonNode *node);

/* Sets an all-zero struct of that type to its defaults. */
void spec_object_init(const ObjectType *object, void *base);

/*
 * Reads the merged object into the struct, which has its defaults. What is wrong goes to report; the
 * struct's lists have an entry for each of the tree all the same, as far as their limit goes.
 */
void spec_object_read(SpecReport *report, const ObjectType *object, JsonNode *node, void *base);

/* Frees what the struct owns. */
void spec_object_done(const ObjectType *object, void *base);
