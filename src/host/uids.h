/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/facts.h"

/*
 * A stable uid for each VM: rows "NAME → uid" in STATE/.uids.json, written whole (temporary file, fsync,
 * rename) under a lock. The gid is the same number.
 */
#define UID_RANGE_FIRST 400000 /* systemd's docs/UIDS-GIDS.md: 65536-524287 is unused */
#define UID_RANGE_COUNT 65536

/*
 * The row of a VM. Where there is none: with allocate a free one is taken (no row has it and NSS knows no
 * such user) and written; without, the one that would be taken is returned and *ret_is_new says so.
 * Returns 0 or -errno with fault (-EUCLEAN: the table is damaged; -ENOSPC: the range is used up).
 */
int uids_get(const char *state_directory, const char *vm, bool allocate, uid_t *ret,
	     bool *ret_is_new, Fault *fault);
