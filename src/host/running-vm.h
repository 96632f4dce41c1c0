/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/state-file.h"
#include "model/spec.h"

/*
 * The first VM with a record in that runtime directory that runs, and whose record and spec (that of its start) fit: a new
 * string; 'except' is none. NULL: none that we may see.
 */
typedef bool (*RunningVmFits)(const StateFile *state, const Spec *spec, const void *userdata);
char *running_vm_find(const char *runtime_directory, const char *except, RunningVmFits fits,
		      const void *userdata);
