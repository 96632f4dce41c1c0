/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "host/state-file.h"

/*
 * Processes in the control group of the VM's unit that are none of ours: an earlier supervisor started them and was
 * killed before it had them on record. Where our control group is not the unit's, we know of none.
 */

/*
 * Ends them all but the record's own (state, NULL: there is none) and what those have started. Adds to found what was
 * ended, "qemu-system-x86 (pid 7)". 0, or -errno with fault.
 */
int strays_end(const char *vm, const StateFile *state, StrBuf *found, Fault *fault);

/* Adds what was found to a list of such things. */
void found_add(StrBuf *found, const char *format, ...) _printf_(2, 3);

/*
 * Ends a process on record, gracefully where grace_usec is not 0, and adds it to found where it lived. 0, or -errno with
 * fault "leftover-process".
 */
int leftover_end(const StateProcess *process, uint64_t grace_usec, StrBuf *found, Fault *fault);
