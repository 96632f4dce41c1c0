/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/turn.h"

/*
 * A start slot, where host.conf limits how many VMs of the host start at the same time ("start_slots"): waits until
 * one is free. SIGTERM, SIGINT and SIGHUP end the wait. Returns true where the start is to go on, and *ret is the slot
 * (host/slots.h), -EBADF where there is no limit; else *ret_exit_code is how the start ends.
 */
bool start_slot_take(Turn *turn, int *ret, int *ret_exit_code);
