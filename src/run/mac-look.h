/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "run/step.h"

/*
 * Before a tap is put on its bridge: whether that knows the guest's address, or the tap's, behind another port. Where
 * that is another VM's tap both would lose frames: -EBUSY, with fault. Of a stranger's port a remark is made, for a VM
 * that came from another host was seen there a moment ago.
 */
int mac_look(Resources *resources, size_t i, Fault *fault);
