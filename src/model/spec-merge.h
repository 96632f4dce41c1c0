/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/schema.h"
#include "model/spec-report.h"

/*
 * Merges patch over target (NULL: over nothing) as RFC 7396 says, but lists whose entries have an id by
 * it. The result is patch's node, with what it takes over from target: so whatever both say has its place
 * where it was said last. Null members go, and "remove" entries with what they remove.
 */
JsonNode *spec_merge(SpecReport *report, const ObjectType *object, JsonNode *target,
		     JsonNode *patch);
