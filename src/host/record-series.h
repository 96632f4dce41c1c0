/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

/*
 * Records of a VM that follow each other, of which the last ones are kept: STATE/VM/SERIES/N.json. They are numbered,
 * not dated, for clocks are set back. Written with host/record.h.
 */

/* Adds one and removes the oldest beyond 'keep'. 0 or -errno. */
int record_series_add(const char *state_directory, const char *vm, const char *series, size_t keep,
		      const json_t *record);

/* The last one: a new reference. -ENOENT: there is none; -EUCLEAN: it is damaged; else 0 or -errno. */
int record_series_last(const char *state_directory, const char *vm, const char *series,
		       json_t **ret);

/* Reads STATE/VM/FILE: a new reference. Errors as above. */
int record_read(const char *state_directory, const char *vm, const char *file, json_t **ret);
