/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/schema.h"
#include "model/spec-report.h"

/*
 * From the text of one document, which is to be 'object', to its tree: with '%n' and '%%' replaced in
 * every string where vm is set. What is wrong goes to report. NULL: the text is no JSON object.
 */
JsonNode *spec_text_read(SpecReport *report, size_t document, const ObjectType *object,
			 const char *vm, JsonPool *pool);
