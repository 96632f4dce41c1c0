/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/bridge-acl.h"

/*
 * Reads the file and those that it includes, and says what qemu-bridge-helper would say of the bridge. The helper gives
 * root's rights up before it reads, so that it can read what its caller can. 0 or -ENOMEM.
 */
int bridge_acl_look(const char *file, const char *bridge, AclFact *ret);
