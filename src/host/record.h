/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

/*
 * What is kept of a VM beyond its life, in STATE/VM: JSON that only its owner reads.
 *
 * Writes FILE there whole (temporary file, rename), and makes the folders that are missing. FILE may have one folder
 * before it: "post-mortem/1.json". 0 or -errno.
 */
int record_write(const char *state_directory, const char *vm, const char *file, const json_t *json);

/* Writes it to fd, indented, and a newline, in one call: jansson would make one of each word. 0 or -errno. */
int json_write_fd(int fd, const json_t *json, size_t more_flags);

/* Removes FILE where it is there. 0 or -errno. */
int record_remove(const char *state_directory, const char *vm, const char *file);
