/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/* The drop-ins that mvmd-generator writes, as files. */

/* Where systemd keeps what generators write into their first folder (systemd.generator(7)). */
#define GENERATOR_DIRECTORY "/run/systemd/generator"

/* That of a user's systemd, in XDG_RUNTIME_DIR. */
#define USERS_GENERATOR_DIRECTORY "systemd/generator"

/*
 * Writes the drop-in of VM 'name' below directory: under another name first, so that one that is only half there is
 * never read. Returns 0 or -errno.
 */
int unit_dropin_write(const char *directory, const char *name, const char *text);

/* The drop-in below directory, a new string in *ret. Returns 0, -ENOENT or another -errno. */
int unit_dropin_read(const char *directory, const char *name, char **ret);
