/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/plan.h"

/*
 * Whether the kernel has another guest by the CID of that VM, whose VMM does not run: -EADDRINUSE, with fault, which
 * names the VM that has it where one on record does. 0: no; or there is nothing to look at, as without QEMU's vsock.
 */
int cid_look(const Plan *plan, Fault *fault);

/*
 * The VM with a record in that runtime directory that runs in QEMU with that CID, a new string; 'except' is none. NULL:
 * none that we may see.
 */
char *cid_holder(const char *runtime_directory, const char *except, uint32_t cid);
