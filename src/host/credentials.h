/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/facts.h"
#include "model/spec.h"

/*
 * Reads a credential, as we are, and makes its SMBIOS string of it (model/smbios.h): to be wiped, as what was
 * read is. One of the unit's own lies in $CREDENTIALS_DIRECTORY. Only regular files are read, and nothing waits.
 * ret_mode: the file's, also where it cannot be read; 0 where stat(2) failed.
 * Returns 0, -ENOENT (also: the environment names no directory), -EISDIR or -EOPNOTSUPP (no regular file), -EFBIG
 * (more than all credentials together may have) or another -errno.
 */
int credential_read(const SpecCredential *credential, char **ret, mode_t *ret_mode);

/*
 * Whether each can be read, and how long its string would be. is_start: this is no look; then those that only the
 * unit has must be there, else they are unknown. 0 or -ENOMEM.
 */
int credentials_probe(const Spec *spec, bool is_start, Facts *facts);
