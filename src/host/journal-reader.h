/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"

/*
 * What the systemd journal has of a VM: of its unit, and of its supervisor wherever that ran; what systemd says of the
 * unit, and what it kept of a process of it that dumped core.
 *
 * Any process may send fields of our names to the journal. They count only in entries of root and of the caller; what
 * others in the unit (VMM and backends, which are of other users) send is shown as what they say themselves.
 */
typedef struct JournalReader JournalReader;

/* Which entries; with none of these all. */
typedef struct JournalFilter {
	const char *vm;
	bool console, vmm, findings;
	const char *backend; /* NULL: none is asked for */
	bool user; /* its unit is of the caller's own systemd */
	bool this_boot;
	bool debug; /* states and steps, too */
	uint64_t since_realtime_usec; /* 0: from the first on */
	uint64_t last; /* only so many, the last ones; UINT64_MAX: all */
} JournalFilter;

typedef enum JournalSource {
	JOURNAL_OF_MVMD,
	JOURNAL_OF_VMM,
	JOURNAL_OF_BACKEND,
	JOURNAL_OF_CONSOLE,
	JOURNAL_OF_SYSTEMD,
	JOURNAL_OF_OTHER, /* a process of the unit, on its own account */
	_JOURNAL_SOURCE_MAX,
} JournalSource;

/* "mvmd", "vmm", "backend", "console", "systemd", "other". */
const char *journal_source_to_string(JournalSource source);

/* Fields that an entry lacks are NULL. */
typedef struct JournalRecord {
	uint64_t realtime_usec;
	unsigned priority; /* of syslog(3) */
	JournalSource source;
	char *label; /* "console", "virtiofsd[data]", "mvmd", "systemd" */
	char *text; /* as it is: nothing is cleaned */
	char *state, *step, *backend, *finding, *life, *exit_code, *message_id;
} JournalRecord;

/* 0 or -errno with fault: -ENOENT where there is no journal, -EACCES where it is not for the caller. */
int journal_reader_open(const JournalFilter *filter, JournalReader **ret, Fault *fault);

/* 1 with the next entry; 0: there is none now; -errno. journal_record_done() frees it. */
int journal_reader_next(JournalReader *reader, JournalRecord *ret);
void journal_record_done(JournalRecord *record);

/* Waits until there may be more. 0 or -errno. */
int journal_reader_wait(JournalReader *reader);

JournalReader *journal_reader_free(JournalReader *reader);
DEFINE_CLEANUP(JournalReader *, journal_reader_free)
