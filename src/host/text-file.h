/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/* Writes all of it, however often it takes. 0 or -errno. */
int write_all(int fd, const char *text, size_t length);

/*
 * Writes FOLDER/NAME with that text, for all to read: under another name first, so that nobody ever reads one that is
 * only half there. 1: written; 0: it says just that already; or -errno, and what was there is as before.
 */
int text_file_write(const char *folder, const char *name, const char *text);
