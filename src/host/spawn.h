/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/types.h>

#include "base/fault.h"
#include "model/facts.h"

/* A descriptor of ours and the number that the child gets it under. */
typedef struct SpawnFd {
	int fd;
	int number;
} SpawnFd;

typedef struct SpawnConfig {
	const char *path; /* absolute */
	char *const *argv;
	const SpawnFd *fds; /* exactly these are open in the child, and 0-2: else /dev/null */
	size_t n_fds;
	const Identity *identity; /* NULL: as we are */
	bool keep_capabilities; /* root-served shares, set-uid helpers; else the child has none, and can get none */
} SpawnConfig;

/*
 * Starts a program: own session (a terminal's Ctrl-C is ours alone), empty signal mask and default
 * dispositions, umask 077, no_new_privs unless keep_capabilities, working directory /, a minimal
 * environment, no other fd than those named. It has no parent-death signal: a VMM outlives a supervisor
 * that was killed, so that the next one finds it. Returns 0, *ret_pidfd is CLOEXEC; or -errno of the
 * step that failed in the child (with fault: which one, and on which path).
 */
int spawn(const SpawnConfig *config, pid_t *ret_pid, int *ret_pidfd, Fault *fault);

/*
 * Runs it to its end, with config's descriptors and a pipe as its descriptor number 'output'; *ret_text is what it wrote
 * there (at most 4 KiB, a new string), *ret_status is waitpid(2)'s. 0; -ETIMEDOUT after timeout_usec (it is killed);
 * -errno. The fault tells why it could not be started; after that nothing is in it.
 */
int spawn_to_end(const SpawnConfig *config, int output, uint64_t timeout_usec, char **ret_text,
		 int *ret_status, Fault *fault);

/*
 * Runs a program to its end and returns the first line(s) of its stdout (at most 4 KiB, new string).
 * 0, -errno, -ETIMEDOUT after timeout_usec (it is killed), -ENOEXEC where it failed. For "--version".
 */
int spawn_read(const char *path, char *const *argv, uint64_t timeout_usec, char **ret);

/* pidfd_send_signal(2), for which glibc has a name only since 2.36. 0 or -errno. */
int pidfd_signal(int pidfd, int signal);
