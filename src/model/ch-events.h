/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/*
 * The stream of cloud-hypervisor's --event-monitor: pretty-printed JSON objects, each followed by an
 * empty line (event_monitor/src/lib.rs, vmm/src/lib.rs:start_event_monitor_thread of v53). It drops
 * what the pipe has no room for, so a record may be cut off: such a one is skipped.
 */
typedef enum ChEventKind {
	CH_EVENT_OTHER, /* known to nobody here */
	CH_EVENT_BOOTED,
	CH_EVENT_REBOOTING,
	CH_EVENT_REBOOTED,
	CH_EVENT_SHUTDOWN, /* without CH_EVENT_DELETED after it: the guest powered itself off */
	CH_EVENT_DELETED,
	CH_EVENT_ACTIVATED, /* the guest's driver took device */
	CH_EVENT_PANIC, /* of the guest, by pvpanic; not: a crash kernel was loaded */
	_CH_EVENT_MAX,
} ChEventKind;

#define CH_EVENT_DEVICE_MAX 63
typedef struct ChEvent {
	ChEventKind kind;
	char device[CH_EVENT_DEVICE_MAX + 1]; /* CH_EVENT_ACTIVATED, else "" */
} ChEvent;

/* A record is a few hundred bytes; a longer one is thrown away up to its end. */
#define CH_EVENT_MAX_BYTES 65536

/* Zero-initialise. */
typedef struct ChEventReader {
	StrBuf record;
	bool at_line_start; /* the byte before was a newline */
	bool too_long;
} ChEventReader;

/*
 * Reads on and calls on_event for each whole record, CH_EVENT_OTHER included. Returns 0 or -ENOMEM.
 */
typedef void (*ChEventHandler)(const ChEvent *event, void *userdata);
int ch_event_reader_feed(ChEventReader *reader, const char *bytes, size_t n,
			 ChEventHandler on_event, void *userdata);
void ch_event_reader_done(ChEventReader *reader);
