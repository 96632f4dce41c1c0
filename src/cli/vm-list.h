/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "cli/commands.h"

/*
 * The names of all VMs, sorted: those with a spec, and those with a directory at run time.
 * 0 or -errno with fault.
 */
int vm_list_names(const Places *places, StrList *ret, Fault *fault);

/* With 'others' among them: VMs that somebody else knows of. */
int vm_list_names_with(const Places *places, const StrList *others, StrList *ret, Fault *fault);
