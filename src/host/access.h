/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/facts.h"

/*
 * What another user may do, found by doing it as that user: effective uid, gid and groups are switched
 * around one open(2). So ACLs, capabilities and security modules all have their say.
 */

/*
 * Opens path as identity (or as we are, where that is us or we may not switch). Returns the fd
 * (CLOEXEC | NOCTTY are added to flags) or -errno.
 */
int open_as(const Identity *identity, const char *path, int flags);

/*
 * Whether identity may do mode (R_OK | W_OK | X_OK) with the file itself, whatever the directories on the
 * way to it say. 0, -EACCES, or another -errno.
 */
int access_as(const Identity *identity, const char *path, int mode);

/* The same for a program that is to be executed by its path: the directories on the way count, too. */
int execute_as(const Identity *identity, const char *path);

/*
 * Fills in fact (role, index and path are set): kind, size and whether identity can open it with flags;
 * for sockets, connect rights by mode and ACL. On failure which component refused.
 * ret_fd, where not NULL: the fd of the try, -EBADF where there is none (a directory, a socket, a failure).
 */
void path_probe(const Identity *identity, int flags, PathFact *fact, int *ret_fd);

/*
 * Locks a disk with flock(2) on an fd of its own: exclusive, or shared where read only. An OFD lock
 * would lock the VMM out of its own disk. *ret is the fd that holds the lock. Errors with fault: -EWOULDBLOCK
 * (with the holder: pid and program, from /proc/locks by device and inode), or as open(2).
 */
int disk_lock(const Identity *identity, const char *path, bool readonly, int *ret, Fault *fault);

/*
 * Whether disk_lock() would find the disk busy now, as far as /proc/locks tells: without a lock, which would keep a
 * VM from starting in that moment. 0, or -EWOULDBLOCK with fault.
 */
int disk_look(const char *path, bool readonly, Fault *fault);

/* "qemu-system-x86" of /proc/PID/comm; new string, or NULL. */
char *process_name(pid_t pid);
