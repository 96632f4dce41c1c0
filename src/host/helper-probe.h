/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/facts.h"
#include "model/host-conf.h"
#include "model/spec.h"

/*
 * Looks for qemu-bridge-helper where an interface of the spec wants it: where it is, what rights its file gives, and
 * what its access file says of each bridge. 0 or -ENOMEM.
 */
int helper_probe(const Spec *spec, const HostConf *conf, HelperFact *ret);

/* What the rights that the program's file gives are worth to one that we start. */
FileRights helper_rights(const char *path);
