/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "model/ch-events.h"

typedef struct EventName {
	const char *source, *event;
	ChEventKind kind;
} EventName;

static const EventName event_names[] = {
	{ "vm", "booted", CH_EVENT_BOOTED },
	{ "vm", "rebooting", CH_EVENT_REBOOTING },
	{ "vm", "rebooted", CH_EVENT_REBOOTED },
	{ "vm", "shutdown", CH_EVENT_SHUTDOWN },
	{ "vm", "deleted", CH_EVENT_DELETED },
	{ "virtio-device", "activated", CH_EVENT_ACTIVATED },
	{ "guest", "panic", CH_EVENT_PANIC },
};

static ChEventKind kind_of(const char *source, const char *event)
{
	for (size_t i = 0; i < ELEMENTSOF(event_names); i++)
		if (streq(event_names[i].source, source) && streq(event_names[i].event, event))
			return event_names[i].kind;
	return CH_EVENT_OTHER;
}

/* Every pvpanic event comes as "panic", its kind is a property (devices/src/pvpanic.rs:event_to_string). */
static bool is_panic(const char *detail)
{
	return streq(detail, "panic");
}

static bool record_parse(const StrBuf *record, ChEvent *ret)
{
	const char *source, *event, *device = "", *detail = "";
	json_t *json, *properties = NULL;
	bool valid;

	json = json_loadb(record->text, record->length, 0, NULL);
	valid = json && json_unpack(json, "{s:s, s:s, s?o}", "source", &source, "event", &event,
				    "properties", &properties) == 0;
	if (valid) {
		if (json_is_object(properties))
			(void) json_unpack(properties, "{s?s, s?s}", "id", &device, "event",
					   &detail);
		*ret = (ChEvent){ .kind = kind_of(source, event) };
		if (ret->kind == CH_EVENT_PANIC && !is_panic(detail))
			ret->kind = CH_EVENT_OTHER;
		if (ret->kind == CH_EVENT_ACTIVATED)
			(void) snprintf(ret->device, sizeof(ret->device), "%s", device);
	}
	json_decref(json);
	return valid;
}

static void end_record(ChEventReader *reader, ChEventHandler on_event, void *userdata)
{
	ChEvent event;
	bool valid = !reader->too_long && reader->record.length > 0 &&
		     record_parse(&reader->record, &event);

	str_buf_done(&reader->record);
	reader->too_long = false;
	if (valid)
		on_event(&event, userdata);
}

int ch_event_reader_feed(ChEventReader *reader, const char *bytes, size_t n,
			 ChEventHandler on_event, void *userdata)
{
	while (n > 0) {
		const char *newline = memchr(bytes, '\n', n);
		size_t length = newline ? (size_t) (newline - bytes) + 1 : n;

		if (reader->at_line_start && newline == bytes)
			end_record(reader, on_event, userdata);
		else if (reader->record.length + length > CH_EVENT_MAX_BYTES)
			reader->too_long = true;
		else
			str_buf_add_bytes(&reader->record, bytes, length);
		if (reader->record.failed)
			return -ENOMEM;

		reader->at_line_start = newline != NULL;
		bytes += length;
		n -= length;
	}
	return 0;
}

void ch_event_reader_done(ChEventReader *reader)
{
	str_buf_done(&reader->record);
	*reader = (ChEventReader){ 0 };
}
