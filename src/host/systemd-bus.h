/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-bus.h>

#include "base/util.h"

/*
 * A connection to the systemd that is PID 1, or to the user's own: asked itself where that is allowed, which needs no
 * message bus, else by way of that. direct: there are no names then. 0 or -errno.
 */
int systemd_bus_open(bool user, sd_bus **ret, bool *ret_direct);
