/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "run/step.h"

/*
 * Taps that stay while their VM is away. At a restart of the unit, which systemd is at when the VM has stopped, their
 * descriptors go to systemd's fd store, and from there to the next run, which takes them over where they fit: index,
 * bridge, what that has learnt, routes and rules by name stay. At a stop nobody keeps them.
 * A store that outlives its unit (FileDescriptorStorePreserve=, systemd 254) is what host/tap-note.h is for.
 */

/* How their names begin (run/kept.h). */
#define TAP_STORE_PREFIX "tap-"

/* The VMM is gone: true where taps of it are kept. All are still to be closed here. */
bool tap_store_keep(const Resources *resources);

/* True where the nic's tap is one that was kept, and is taken over; one that does not fit is removed. */
bool tap_store_take(Resources *resources, size_t nic);

/* The VM has its taps: those that nobody took go. */
void tap_store_end(Resources *resources);

/* Over a reload they are this process's; or no longer, where it has failed. */
void tap_store_pass_on(Resources *resources);
void tap_store_take_back(Resources *resources);

/* For the record: {"net0": {"name", "ifindex", "since_realtime_usec", "mtu", "master"}, …}. A new reference. */
json_t *taps_to_record(const Resources *resources);

/* The link of a VM that is taken over, by its record, also under another name; INT_MAX, which no link has: it is gone. */
int tap_find_recorded(const Resources *resources, size_t nic);

/* The tap of a VM that is taken over: what it is to stay, since when it is there; and its descriptors, over a reload. */
void tap_adopt_kept(Resources *resources, size_t nic);
