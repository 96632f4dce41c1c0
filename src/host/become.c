/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/util.h"
#include "host/become.h"

static int capabilities_call(long number, struct __user_cap_data_struct *data)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(number, &header, data) < 0 ? -errno : 0;
}

static int before_save(Before *before)
{
	int r = capabilities_call(SYS_capget, before->capabilities);

	if (r < 0)
		return r;
	before->gid = getegid();
	before->n_groups = getgroups(0, NULL);
	if (before->n_groups < 0)
		return -errno;
	before->groups = calloc((size_t) before->n_groups + 1, sizeof(*before->groups));
	if (!before->groups)
		return -ENOMEM;
	before->n_groups = getgroups(before->n_groups, before->groups);
	return before->n_groups < 0 ? -errno : 0;
}

/* Who cannot must not go on: all that follows would be done as the wrong user. */
void become_ourselves(Before *before)
{
	if (before->switched && (syscall(SYS_setresuid, -1, 0, -1) < 0 ||
				 capabilities_call(SYS_capset, before->capabilities) < 0 ||
				 syscall(SYS_setresgid, -1, before->gid, -1) < 0 ||
				 syscall(SYS_setgroups, before->n_groups, before->groups) < 0))
		abort();
	free(before->groups);
	*before = (Before){ 0 };
}

/* On 32 bits the calls of these names take ids of 16 bits: uid 400000 would be 6784. */
_Static_assert(sizeof(long) == 8, "SYS_setresuid takes whole ids");

/*
 * The kernel takes the effective capabilities away with uid 0 and gives them back with it
 * (capabilities(7)). For uid 0 itself we do, for our children as uid 0 have none either.
 */
static int switch_to(const Identity *identity, const Before *before)
{
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_setgroups, identity->n_groups, identity->groups) < 0 ||
	    syscall(SYS_setresgid, -1, identity->gid, -1) < 0 ||
	    syscall(SYS_setresuid, -1, identity->uid, -1) < 0)
		return -errno;
	if (identity->uid != 0)
		return 0;
	memcpy(none, before->capabilities, sizeof(none));
	for (size_t i = 0; i < ELEMENTSOF(none); i++)
		none[i].effective = 0;
	return capabilities_call(SYS_capset, none);
}

int become(const Identity *identity, Before *before)
{
	int r;

	*before = (Before){ 0 };
	if (!identity || geteuid() != 0)
		return 0;
	r = before_save(before);
	if (r < 0) {
		become_ourselves(before);
		return r;
	}

	before->switched = true;
	r = switch_to(identity, before);
	if (r < 0)
		become_ourselves(before);
	return r == -EPERM ? 0 : r;
}
