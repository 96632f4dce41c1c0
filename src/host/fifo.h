/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/*
 * A pipe with a name in a directory of ours. Who writes to it holds it open for reading as well (fifo(7)): so it keeps
 * what nobody reads, a write to it never ends with EPIPE, and a later reader finds all of it. A write that does not
 * fit fails with EAGAIN.
 */

/* Makes it anew: another reader of an old one stays with that. Both ends are CLOEXEC and non-blocking. 0 or -errno. */
int fifo_make(const char *path, int *ret_reader, int *ret_writer);

/* Opens one that is there, to read. 0 or -errno; -EEXIST: that is no FIFO. */
int fifo_open(const char *path, int *ret_reader);
