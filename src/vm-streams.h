/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "model/plan.h"

/*
 * What VMM, backends and guest write, in the log: each line with its stream (mvmd/journal.h), at a bounded rate, and the
 * last lines of each that ends. Where stderr is no journal the console is not among them, and nothing is bounded.
 */
typedef struct VmStreams VmStreams;

/* A prompt is no line, and is to be seen: so long does the rest of a line have to come. */
#define CONSOLE_PROMPT_USEC (2 * USEC_PER_SEC)

/* The plan must live longer. 0 or -ENOMEM. */
int vm_streams_new(sd_event *event, const Plan *plan, VmStreams **ret);

void vm_streams_vmm_line(VmStreams *streams, const char *line);
void vm_streams_backend_line(VmStreams *streams, const PlanBackend *backend, const char *line);
void vm_streams_console(VmStreams *streams, const char *bytes, size_t n);

/* That backend has ended: its last lines. */
void vm_streams_backend_ended(VmStreams *streams, const PlanBackend *backend);

/* The VMM has ended, and the guest with it: the last lines of all. */
void vm_streams_flush(VmStreams *streams);

VmStreams *vm_streams_free(VmStreams *streams);
DEFINE_CLEANUP(VmStreams *, vm_streams_free)
