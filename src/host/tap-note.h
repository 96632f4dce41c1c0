/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"
#include "host/nl.h"
#include "model/places.h"

/*
 * A note of the taps that were left to systemd's fd store for a restart (run/tap-store.h), RUNTIME/.NAME.taps: where no
 * start comes to take them they are removed by it. A line each: the tap, and its mark (tap_drop()).
 */

/* 0 or -errno. */
int tap_note_write(const VmPlaces *places, const StrList *lines);

bool tap_note_exists(const VmPlaces *places);

/* The taps are taken. */
void tap_note_remove(const VmPlaces *places);

/* Removes the taps that the note has, and the note. Adds to found what was removed, "tap vm-web1-net0". */
void tap_note_sweep(const VmPlaces *places, Nl *nl, StrBuf *found);
