/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

/*
 * From now on SIGTERM, SIGINT and SIGHUP go to the handler, from the loop, and SIGPIPE to nobody. 0 or -errno.
 */
int signals_take(sd_event *event, sd_event_signal_handler_t handler, void *userdata);
