/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/fault.h"
#include "model/host-conf.h"

/*
 * A stable uid for each VM: rows "NAME → uid" in STATE/.uids.json, written whole (temporary file, fsync,
 * rename) under a lock. The gid is the same number.
 */

/*
 * The row of a VM, also where its uid lies outside of the range: a VM keeps what it has. Where there is
 * none: with allocate a free one of the range is taken (no row has it and NSS knows no such user or group) and
 * written; without, the one that would be taken is returned and *ret_is_new says so.
 * Returns 0 or -errno with fault (-EUCLEAN: the table is damaged; -ENOSPC: the range is used up).
 */
int uids_get(const char *state_directory, const UidRange *range, const char *vm, bool allocate,
	     uid_t *ret, bool *ret_is_new, Fault *fault);
