/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

/*
 * From now on SIGTERM, SIGINT, SIGHUP, and SIGRTMIN+4, by which machinectl(1) asks for a power-off, go to the handler,
 * from the loop, and SIGPIPE to nobody. 0 or -errno.
 */
int signals_take(sd_event *event, sd_event_signal_handler_t handler, void *userdata);
