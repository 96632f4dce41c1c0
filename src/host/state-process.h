/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/util.h"

/*
 * A process on record. It is known by its pid and by what tells it from a later one with that pid: the inode of its
 * pidfd, which no two processes share between two boots (kernel >= 6.9, fs/pidfs.c), and its start time (proc(5),
 * field 22 of /proc/PID/stat), which the unit's ProtectProc= may hide.
 */
typedef struct StateProcess {
	char *label; /* "cloud-hypervisor", "virtiofsd[data]" */
	pid_t pid;
	uint64_t start_ticks; /* 0: was hidden */
	uint64_t pidfd_inode; /* 0: the kernel has none */
} StateProcess;

/* Sets *process to a copy. 0 or -ENOMEM. */
int state_process_set(StateProcess *process, const char *label, pid_t pid);

/*
 * A pidfd of the recorded process, which lives (a zombie does not); else -ESRCH, or another -errno. Where neither
 * inode nor start time can be compared, it is the one in our own control group, where nobody else's can be.
 */
int state_process_open(const StateProcess *process);

/* True where the recorded process still lives (a zombie does not). */
bool state_process_is_alive(const StateProcess *process);

/*
 * Sends SIGTERM, after grace_usec (0: at once) SIGKILL, and waits for the end, then at most timeout_usec. 0 (also: was
 * gone), -ETIMEDOUT or -errno.
 */
int state_process_end(const StateProcess *process, uint64_t grace_usec, uint64_t timeout_usec);
