/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/util.h"

/*
 * Entries that journald had no room for (base/journal.h) go as soon as it has some: a VM that has nothing more to say
 * for weeks has said all. One at a time; it costs nothing while nothing waits.
 */
typedef struct JournalRoom JournalRoom;

/* Tells of room. */
typedef void (*JournalRoomHandler)(void *userdata);

/* 0 or -ENOMEM. */
int journal_room_new(sd_event *event, JournalRoomHandler handler, void *userdata,
		     JournalRoom **ret);
JournalRoom *journal_room_free(JournalRoom *room);
DEFINE_CLEANUP(JournalRoom *, journal_room_free)
