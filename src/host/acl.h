/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

/* What a mode says of its owner, for one user more: a POSIX access control list (acl(5)) of its own making. */

/*
 * Sets the mode (whatever the umask) of a file that we own, and lets one user more do with it what its owner may: by a
 * list, for which chown(2)'s capability is not needed and the file stays ours. Where its file system has no lists the
 * user becomes the owner. (uid_t) -1, or ourselves: the mode alone. 0 or -errno; -EPERM: what lies there is
 * not ours.
 */
int file_let_in(const char *path, mode_t mode, uid_t user);
