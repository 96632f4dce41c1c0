/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"

/*
 * What the supervisor of a VM wrote into the journal as errors, in its run that failed first after since_realtime_usec:
 * its findings, and what was wrong in files, which has no id. Waits for journald, which may be behind, but not long;
 * where systemd's word of the end does not come, the first run that has errors is the one. Returns 0; -EACCES where the
 * journal is not for the caller, or there is none; or another -errno. user: of a unit of the caller's own systemd. *ret is to be freed with fault_list_done().
 */
int unit_journal_read_failure(bool user, const char *vm, uint64_t since_realtime_usec,
			      FaultList *ret);
