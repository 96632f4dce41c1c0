/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A file in memory, without a name, that holds the text and can be changed no more. Returns the fd or -errno. */
int memory_file(const char *text);
