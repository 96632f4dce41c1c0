/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/client.h"

/*
 * Stops a VM without systemd: by its control socket, or where it has none as its files tell. With force it is ended at
 * once. Returns when the VM is gone. What is in the way is said; returns an exit code.
 */
int vm_stop(const VmFound *found, bool force);
