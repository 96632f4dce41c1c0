/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <linux/capability.h>
#include <stdbool.h>
#include <sys/types.h>

#include "model/facts.h"

/*
 * Another user for a moment: effective uid, gid and groups, and with them the capabilities. The supervisor in its unit
 * may not look past a file's mode (no CAP_DAC_OVERRIDE), but it may be who the file belongs to.
 */

/* What we were before we became somebody else. */
typedef struct Before {
	bool switched; /* from root: nobody else may */
	gid_t gid;
	gid_t *groups;
	int n_groups;
	struct __user_cap_data_struct capabilities[_LINUX_CAPABILITY_U32S_3];
} Before;

/* Where identity is NULL, or we are not root or may not switch, we stay who we are. 0 or -errno. */
int become(const Identity *identity, Before *before);

/* After a become() that worked; ends the process where that cannot be undone. */
void become_ourselves(Before *before);
