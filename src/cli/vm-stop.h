/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/client.h"

/*
 * Stops a VM without systemd: by its control socket; one whose supervisor is gone is taken over for that, and its guest
 * asked to power off as ever. With force it is ended at once. Returns when the VM is gone. What is in the way is said;
 * returns an exit code.
 */
int vm_stop(const Places *places, const VmFound *found, bool force);
