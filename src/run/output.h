/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/util.h"

/*
 * Bytes on their way to a descriptor that may be slow: never blocks, keeps at most OUTPUT_BUFFER_MAX_BYTES
 * and then drops the oldest, and says in the stream itself how much was lost.
 */
typedef struct Output Output;

#define OUTPUT_BUFFER_MAX_BYTES (256 * KIB)

/* A broken descriptor (EPIPE, …) is told once, from output_write() or the event loop. */
typedef void (*OutputBroken)(Output *output, void *userdata);

/* Nothing waits any more: told from output_write() or the event loop, at each end of a wait and oftener. */
typedef void (*OutputEmpty)(Output *output, void *userdata);

/*
 * fd stays the caller's and need not be non-blocking: stdout is shared with others, so it is opened anew
 * where that goes, and only as much is written as poll(2) promises room for. 0 or -errno.
 */
int output_new(sd_event *event, int fd, OutputBroken on_broken, void *userdata, Output **ret);
void output_write(Output *output, const void *bytes, size_t n);

/* For a writer that would rather wait than have its bytes dropped. */
void output_set_on_empty(Output *output, OutputEmpty on_empty);

/* True where nothing waits to be written. */
bool output_is_empty(const Output *output);
Output *output_free(Output *output);
DEFINE_CLEANUP(Output *, output_free)
