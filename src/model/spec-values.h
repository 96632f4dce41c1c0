/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/schema.h"
#include "model/spec-report.h"

/*
 * Reads one value that is no object and no list into *target, which is of the field's C type. What is
 * wrong goes to report, and *target keeps its default.
 */
void spec_value_read(SpecReport *report, const Field *field, JsonNode *node, void *target);

/* Sets *target to what the text says, as the table writes defaults. 0, or -EINVAL (a wrong table). */
int spec_value_default(const Field *field, const char *text, void *target);

/* "a whole number, such as 2": what the field wants, for messages. */
void field_words(StrBuf *buf, const Field *field);
