/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/util.h"

/*
 * What /proc tells of other processes and their sockets. All but the state takes the right to trace the process
 * (ptrace(2), "Ptrace access mode checking"), which the unit has not.
 */

/* Stopped by a signal (SIGSTOP, SIGTSTP) or a debugger. */
bool process_is_stopped(pid_t pid);

/* 1: it has the socket with that inode; 0: it has not; -errno: cannot be seen (-EACCES). */
int process_has_socket(pid_t pid, uint32_t inode);

/* 1: one of its threads waits to read from that socket; 0: none does; -errno: cannot be seen. */
int process_reads_socket(pid_t pid, uint32_t inode);

/* A process, not ours, that has the socket; 0: none that we can see. */
pid_t socket_holder(uint32_t inode);
