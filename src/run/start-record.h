/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/start-times.h"

/*
 * Where the time of the last start went, in STATE/NAME/start-times.json. Who may not write there keeps no record.
 */
#define START_TIMES_FILE "start-times.json"

/* 0 or -errno. */
int start_record_write(const char *state_directory, const StartTimes *times);

/* -ENOENT: there is none; -EUCLEAN: it is damaged; else 0 or -errno. *ret is to be freed where it is 0. */
int start_record_read(const char *state_directory, const char *vm, StartTimes *ret);
