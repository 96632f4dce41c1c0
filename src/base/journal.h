/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/*
 * The way to systemd-journald, in its native protocol (systemd's JOURNAL_NATIVE_PROTOCOL): a datagram for each entry.
 * Not by sd_journal_sendv(3), which blocks while journald's queue is full: a supervisor must not stand still because
 * journald does. What finds no room waits here, at most JOURNAL_WAITING_MAX_BYTES of it, and goes as soon as there is
 * some; the oldest entries are lost first.
 */
#define JOURNAL_WAITING_MAX_BYTES (1 * MIB)

/* True where stderr is a stream of the journal: JOURNAL_STREAM= of systemd.exec(5). Found out once. */
bool journal_is_stderr(void);

/* True where stdout is the same stream. */
bool journal_is_stdout(void);

/*
 * "OBJECT_SYSTEMD_UNIT=mvmd@web1.service", or the like of a user's unit, where the text of /proc/self/cgroup names one:
 * journalctl -u and --user-unit heed it. A new string; NULL: it names none.
 */
char *journal_unit_field(const char *cgroups);

/* Adds that of this process, where it has one. Found out once. */
void journal_add_unit(StrBuf *entry);

/* From now on entries go to that connected datagram socket, and stderr counts as the journal's. For tests. */
void journal_use(int fd);

/* Adds NAME=value to an entry. The value may have any bytes but NUL. */
void journal_add(StrBuf *entry, const char *name, const char *value);

/*
 * Sends the entry, or lets it wait; frees it. Never blocks. False where there is no journal to send it to, and for an
 * entry that memory was short for.
 */
bool journal_send(StrBuf *entry);

/* Sends what waits, as far as there is room. False where something waits still. */
bool journal_flush(void);

/* The same, waiting for room for so long at most: before the end, before an exec. */
void journal_flush_within(uint64_t usec);

/* How many entries were lost since it was asked last. */
unsigned journal_take_lost(void);

/*
 * Whom to tell when the first entry begins to wait; NULL: nobody. He watches journal_fd() for room and calls
 * journal_flush().
 */
typedef void (*JournalWaits)(void *userdata);
void journal_on_waiting(JournalWaits waits, void *userdata);

/* -EBADF: not connected. */
int journal_fd(void);
