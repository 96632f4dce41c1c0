/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

/* mvmd explain --log: reads the log at path ("-": stdin) and says what it means. Returns an exit code. */
int explain_log(const char *path, bool json);
