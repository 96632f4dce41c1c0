/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/epoll.h>

#include "base/journal.h"
#include "run/journal-room.h"

struct JournalRoom {
	sd_event *event;
	sd_event_source *source; /* there while something waits */
	JournalRoomHandler handler;
	void *userdata;
};

static int on_room(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	JournalRoom *room = userdata;

	/* The socket may be another one the next time, or come back with the same number. */
	room->source = sd_event_source_disable_unref(room->source);
	if (!journal_flush())
		(void) sd_event_add_io(room->event, &room->source, journal_fd(), EPOLLOUT, on_room,
				       room);
	else
		room->handler(room->userdata);
	return 0;
}

static void on_waiting(void *userdata)
{
	JournalRoom *room = userdata;

	if (!room->source && journal_fd() >= 0)
		(void) sd_event_add_io(room->event, &room->source, journal_fd(), EPOLLOUT, on_room,
				       room);
}

int journal_room_new(sd_event *event, JournalRoomHandler handler, void *userdata, JournalRoom **ret)
{
	JournalRoom *room = calloc(1, sizeof(*room));

	if (!room)
		return -ENOMEM;
	room->event = sd_event_ref(event);
	room->handler = handler;
	room->userdata = userdata;
	journal_on_waiting(on_waiting, room);
	*ret = room;
	return 0;
}

JournalRoom *journal_room_free(JournalRoom *room)
{
	if (!room)
		return NULL;
	journal_on_waiting(NULL, NULL);
	(void) sd_event_source_disable_unref(room->source);
	(void) sd_event_unref(room->event);
	free(room);
	return NULL;
}
