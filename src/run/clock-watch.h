/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/fault.h"

/*
 * Tells when the host's clock (CLOCK_REALTIME) is set to another time. Nothing of mvmd waits by it, but the log and
 * the records have times of it, and guests keep their own.
 */
typedef struct ClockWatch ClockWatch;

typedef void (*ClockHandler)(const Fault *fault, void *userdata);

/* 0 or -errno. */
int clock_watch_new(sd_event *event, ClockHandler handler, void *userdata, ClockWatch **ret);
ClockWatch *clock_watch_free(ClockWatch *watch);
DEFINE_CLEANUP(ClockWatch *, clock_watch_free)
