/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "host/journal-reader.h"

/*
 * An entry of the journal, for people: local time, whose it is, its text, further lines of it below each other. Nothing
 * in it reaches the terminal but text.
 */
void record_print(FILE *stream, const JournalRecord *record, bool coloured);

/* The same as data; a new reference, or NULL: out of memory. */
json_t *record_to_json(const JournalRecord *record);
