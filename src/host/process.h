/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/util.h"
#include "model/child-end.h"
#include "model/history.h"

/*
 * What the kernel tells of other processes. Their sockets take the right to trace the process (ptrace(2), "Ptrace
 * access mode checking"), which the unit has not.
 */

/* The start time of a living process, in clock ticks since the host's boot; 0 where it is gone. */
uint64_t process_start_ticks(pid_t pid);

/* It has ended, though some of its threads may be about to; false also where that cannot be seen. */
bool process_is_zombie(pid_t pid);

/*
 * How a process ended that is, or was, nobody's child of ours. 0; -EAGAIN: it lives, or its parent has not heard of its
 * end yet: to be asked again, at the latest when its pidfd has POLLHUP; -ENODATA: it is gone, and this kernel does not
 * tell (before 6.15). The pidfd must have been opened while the process was there.
 */
int process_exit_status(int pidfd, ChildEnd *ret);

/* /proc/sys/kernel/random/boot_id; "" where that cannot be read. */
void boot_id_read(char ret[BOOT_ID_MAX]);

/* Stopped by a signal (SIGSTOP, SIGTSTP) or a debugger. */
bool process_is_stopped(pid_t pid);

/* 1: it has the socket with that inode; 0: it has not; -errno: cannot be seen (-EACCES). */
int process_has_socket(pid_t pid, uint32_t inode);

/* 1: one of its threads waits to read from that socket; 0: none does; -errno: cannot be seen. */
int process_reads_socket(pid_t pid, uint32_t inode);

/* A process, not ours, that has the socket; 0: none that we can see. */
pid_t socket_holder(uint32_t inode);

/* "pid 123 (nginx of nginx.service)", the unit where it is in one. A new string; NULL: no memory. */
char *process_to_words(pid_t pid);
