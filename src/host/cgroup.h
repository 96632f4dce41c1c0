/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/util.h"

/* Our own control group, in the unified hierarchy (cgroups(7)). */

/* All processes in it, ourselves too: a new array, n of them. 0 or -errno. */
int cgroup_processes(pid_t **ret, size_t *ret_n);

bool cgroup_has(pid_t pid);

/* True where it is that unit's: "mvmd@web1.service". */
bool cgroup_is_of_unit(const char *unit);
