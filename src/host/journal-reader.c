/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-journal.h>
#include <systemd/sd-messages.h>
#include <unistd.h>

#include "host/journal-reader.h"
#include "host/unit-bus.h"
#include "mvmd/exit-codes.h"
#include "mvmd/journal.h"

/* syslog(3) */
#define PRIORITY_MAX  7
#define PRIORITY_INFO 6

struct JournalReader {
	sd_journal *journal;
	JournalFilter filter;
	char *vm, *backend; /* the filter's */
	bool at_first; /* the journal stands at the next entry, not before it */
};

const char *journal_source_to_string(JournalSource source)
{
	static const char *const words[_JOURNAL_SOURCE_MAX] = {
		[JOURNAL_OF_MVMD] = "mvmd",	  [JOURNAL_OF_VMM] = "vmm",
		[JOURNAL_OF_BACKEND] = "backend", [JOURNAL_OF_CONSOLE] = "console",
		[JOURNAL_OF_SYSTEMD] = "systemd", [JOURNAL_OF_OTHER] = "other",
	};

	return words[source];
}

/* --- what is looked for */

static int add_match(sd_journal *journal, const char *name, const char *value)
{
	_cleanup_free_ char *match = str_printf("%s=%s", name, value);

	return match ? sd_journal_add_match(journal, match, 0) : -ENOMEM;
}

/* Entries that have all of these; up to two, and an "or" behind them. */
static int add_term(sd_journal *journal, const char *name, const char *value, const char *and_name,
		    const char *and_value)
{
	int r = add_match(journal, name, value);

	if (r >= 0 && and_name)
		r = add_match(journal, and_name, and_value);
	return r < 0 ? r : sd_journal_add_disjunction(journal);
}

static const char *own_uid(char buffer[FORMAT_MAX])
{
	(void) snprintf(buffer, FORMAT_MAX, "%u", (unsigned) geteuid());
	return buffer;
}

/* What mvmd sent of that VM, with a field more where one is given. Several values of one field are alternatives. */
static int match_ours(JournalReader *reader, const char *and_name, const char *and_value)
{
	char uid[FORMAT_MAX];
	int r = add_match(reader->journal, "_UID", own_uid(uid));

	if (r >= 0)
		r = add_match(reader->journal, "_UID", "0");
	return r < 0 ? r :
		       add_term(reader->journal, MVMD_FIELD_VM, reader->vm, and_name, and_value);
}

/* As journalctl --user-unit does it: add_matches_for_user_unit(), beside the one below. */
static int match_users_unit(JournalReader *reader)
{
	static const char *const names[] = { "_SYSTEMD_USER_UNIT", "USER_UNIT",
					     "OBJECT_SYSTEMD_USER_UNIT", "COREDUMP_USER_UNIT" };
	_cleanup_free_ char *unit = unit_name(reader->vm);
	char uid[FORMAT_MAX];
	int r = unit ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(names); i++) {
		r = add_match(reader->journal, "_UID", own_uid(uid));
		if (r >= 0) /* systemd-coredump, and what journald adds itself */
			r = add_match(reader->journal, "_UID", "0");
		if (r >= 0)
			r = add_term(reader->journal, names[i], unit, NULL, NULL);
	}
	return r;
}

/* As journalctl -u does it, src/shared/logs-show.c: add_matches_for_unit(). */
static int match_unit(JournalReader *reader)
{
	_cleanup_free_ char *unit = unit_name(reader->vm);
	sd_journal *journal = reader->journal;
	int r = unit ? 0 : -ENOMEM;

	if (r >= 0)
		r = add_term(journal, "_SYSTEMD_UNIT", unit, NULL, NULL);
	if (r >= 0)
		r = add_term(journal, "UNIT", unit, "_PID", "1");
	if (r >= 0)
		r = add_term(journal, "OBJECT_SYSTEMD_UNIT", unit, "_UID", "0");
	if (r >= 0)
		r = add_match(journal, "MESSAGE_ID", SD_MESSAGE_COREDUMP_STR);
	return r < 0 ? r : add_term(journal, "COREDUMP_UNIT", unit, "_UID", "0");
}

static bool is_narrow(const JournalFilter *filter)
{
	return filter->console || filter->vmm || filter->findings || filter->backend;
}

static int match_narrow(JournalReader *reader)
{
	const JournalFilter *filter = &reader->filter;
	int r = 0;

	if (filter->console)
		r = match_ours(reader, MVMD_FIELD_STREAM, MVMD_STREAM_CONSOLE);
	if (r >= 0 && filter->vmm)
		r = match_ours(reader, MVMD_FIELD_STREAM, MVMD_STREAM_VMM);
	if (r >= 0 && filter->backend)
		r = match_ours(reader, MVMD_FIELD_BACKEND, reader->backend);
	if (r >= 0 && filter->findings) /* is_wanted() picks them */
		r = match_ours(reader, NULL, NULL);
	return r;
}

static int add_matches(JournalReader *reader)
{
	char boot[sizeof("_BOOT_ID=") + SD_ID128_STRING_MAX] = "_BOOT_ID=";
	sd_id128_t id;
	int r = is_narrow(&reader->filter) ? match_narrow(reader) : match_ours(reader, NULL, NULL);

	if (r >= 0 && !is_narrow(&reader->filter))
		r = reader->filter.user ? match_users_unit(reader) : match_unit(reader);
	if (r < 0 || !reader->filter.this_boot)
		return r;
	r = sd_id128_get_boot(&id);
	if (r >= 0)
		r = sd_journal_add_conjunction(reader->journal);
	if (r < 0)
		return r;
	(void) sd_id128_to_string(id, boot + strlen(boot));
	return sd_journal_add_match(reader->journal, boot, 0);
}

/* --- entries */

/* A field of the entry that the journal stands at, a new string; NULL: it has none. */
static char *get_field(const JournalReader *reader, const char *name)
{
	size_t length, skip = strlen(name) + 1;
	const void *data;

	if (sd_journal_get_data(reader->journal, name, &data, &length) < 0 || length < skip)
		return NULL;
	return strndup((const char *) data + skip, length - skip);
}

static bool field_is(const JournalReader *reader, const char *name, const char *value)
{
	_cleanup_free_ char *field = get_field(reader, name);

	return field && streq(field, value);
}

/* Sent by mvmd itself, as root or as who asks. */
static bool is_ours(const JournalReader *reader)
{
	char uid[FORMAT_MAX];

	return field_is(reader, MVMD_FIELD_VM, reader->vm) &&
	       (field_is(reader, "_UID", "0") || field_is(reader, "_UID", own_uid(uid)));
}

static unsigned get_priority(const JournalReader *reader)
{
	_cleanup_free_ char *text = get_field(reader, "PRIORITY");
	uint64_t priority;

	return text && parse_u64(text, PRIORITY_MAX, &priority) == 0 ? (unsigned) priority :
								       PRIORITY_INFO;
}

static bool is_wanted(const JournalReader *reader)
{
	const JournalFilter *filter = &reader->filter;
	_cleanup_free_ char *stream = NULL, *finding = NULL;

	if (!is_narrow(filter))
		return filter->debug || get_priority(reader) <= PRIORITY_INFO;
	stream = get_field(reader, MVMD_FIELD_STREAM);
	finding = get_field(reader, MVMD_FIELD_FINDING);
	return (filter->console && streq_null(stream, MVMD_STREAM_CONSOLE)) ||
	       (filter->vmm && streq_null(stream, MVMD_STREAM_VMM)) ||
	       (filter->backend && field_is(reader, MVMD_FIELD_BACKEND, filter->backend)) ||
	       (filter->findings && finding);
}

static JournalSource source_of_stream(const char *stream)
{
	if (streq_null(stream, MVMD_STREAM_VMM))
		return JOURNAL_OF_VMM;
	if (streq_null(stream, MVMD_STREAM_BACKEND))
		return JOURNAL_OF_BACKEND;
	return streq_null(stream, MVMD_STREAM_CONSOLE) ? JOURNAL_OF_CONSOLE : JOURNAL_OF_MVMD;
}

static void read_ours(const JournalReader *reader, JournalRecord *record)
{
	_cleanup_free_ char *stream = get_field(reader, MVMD_FIELD_STREAM);
	_cleanup_free_ char *identifier = get_field(reader, "SYSLOG_IDENTIFIER");
	const char *slash = identifier ? strchr(identifier, '/') : NULL;

	record->source = source_of_stream(stream);
	record->label = strdup(slash ? slash + 1 : journal_source_to_string(record->source));
	record->state = get_field(reader, MVMD_FIELD_STATE);
	record->step = get_field(reader, MVMD_FIELD_STEP);
	record->backend = get_field(reader, MVMD_FIELD_BACKEND);
	record->finding = get_field(reader, MVMD_FIELD_FINDING);
	record->life = get_field(reader, MVMD_FIELD_LIFE);
	record->exit_code = get_field(reader, MVMD_FIELD_EXIT_CODE);
}

static void read_others(const JournalReader *reader, JournalRecord *record)
{
	bool systemd = reader->filter.user ? field_is(reader, "_COMM", "systemd") :
					     field_is(reader, "_PID", "1");

	record->source = systemd ? JOURNAL_OF_SYSTEMD : JOURNAL_OF_OTHER;
	record->label = systemd ? strdup(journal_source_to_string(record->source)) :
				  get_field(reader, "_COMM");
	if (!record->label)
		record->label = get_field(reader, "SYSLOG_IDENTIFIER") ?:
					strdup(journal_source_to_string(record->source));
}

static int read_record(const JournalReader *reader, JournalRecord *ret)
{
	JournalRecord record = { .priority = get_priority(reader) };
	int r = sd_journal_get_realtime_usec(reader->journal, &record.realtime_usec);

	if (r < 0)
		return r;
	record.text = get_field(reader, "MESSAGE") ?: strdup("");
	record.message_id = get_field(reader, "MESSAGE_ID");
	if (is_ours(reader))
		read_ours(reader, &record);
	else
		read_others(reader, &record);
	if (!record.text || !record.label) {
		journal_record_done(&record);
		return -ENOMEM;
	}
	*ret = record;
	return 0;
}

void journal_record_done(JournalRecord *record)
{
	free(record->label);
	free(record->text);
	free(record->state);
	free(record->step);
	free(record->backend);
	free(record->finding);
	free(record->life);
	free(record->exit_code);
	free(record->message_id);
	*record = (JournalRecord){ 0 };
}

/* --- the way through them */

int journal_reader_next(JournalReader *reader, JournalRecord *ret)
{
	for (;;) {
		int r = reader->at_first ? 1 : sd_journal_next(reader->journal);

		reader->at_first = false;
		if (r <= 0)
			return r;
		if (!is_wanted(reader))
			continue;
		r = read_record(reader, ret);
		return r < 0 ? r : 1;
	}
}

int journal_reader_wait(JournalReader *reader)
{
	int r = sd_journal_wait(reader->journal, UINT64_MAX);

	return r < 0 ? r : 0;
}

/* True where the entry is older than what is looked for. */
static bool is_too_old(const JournalReader *reader)
{
	uint64_t usec;

	return sd_journal_get_realtime_usec(reader->journal, &usec) >= 0 &&
	       usec < reader->filter.since_realtime_usec;
}

/* Backwards, as many as are wanted; the journal then stands at the first of them. */
static int seek_last(JournalReader *reader)
{
	uint64_t n = 0;
	int r = sd_journal_seek_tail(reader->journal);

	while (r >= 0 && n < reader->filter.last) {
		r = sd_journal_previous(reader->journal);
		if (r <= 0)
			break;
		if (is_too_old(reader))
			return 0; /* the next one is not */
		n += is_wanted(reader);
	}
	if (r >= 0 && reader->filter.last == 0)
		r = sd_journal_previous(reader->journal); /* it now stands at the last one */
	if (r < 0 || reader->filter.last == 0)
		return r < 0 ? r : 0;
	if (n < reader->filter.last)
		return sd_journal_seek_head(reader->journal);
	reader->at_first = true;
	return 0;
}

static int seek(JournalReader *reader)
{
	const JournalFilter *filter = &reader->filter;

	if (filter->last != UINT64_MAX)
		return seek_last(reader);
	if (filter->since_realtime_usec > 0)
		return sd_journal_seek_realtime_usec(reader->journal, filter->since_realtime_usec);
	return sd_journal_seek_head(reader->journal);
}

/* Why the system's journal below that folder is not read: 0 (it could be), -ENOENT or another -errno. */
static int try_open(const char *folder)
{
	char machine[SD_ID128_STRING_MAX];
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -EBADF;
	sd_id128_t id;
	int r = sd_id128_get_machine(&id);

	if (r < 0)
		return r;
	path = str_printf("%s/%s/system.journal", folder, sd_id128_to_string(id, machine));
	if (!path)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : 0;
}

static int fault_unreadable(int error, Fault *fault)
{
	(void) fault_set(fault, error, MVMD_EXIT_SYSTEM, "journal-unreadable",
			 "cannot read the systemd journal: %m");
	return fault_remedy(fault, "ulimit -n; journalctl --verify");
}

/* A journal whose files it cannot have is opened without them, and without an error. */
static int check_access(sd_journal *journal, Fault *fault)
{
	int r;

	if (sd_journal_has_runtime_files(journal) > 0 ||
	    sd_journal_has_persistent_files(journal) > 0)
		return 0;
	r = try_open("/var/log/journal");
	if (r == -ENOENT)
		r = try_open("/run/log/journal");
	if (r == -ENOENT) {
		(void) fault_set(fault, r, MVMD_EXIT_UNAVAILABLE, "journal-missing",
				 "this host has no systemd journal");
		(void) fault_why(fault, "there is none in /var/log/journal and /run/log/journal");
		return fault_remedy(fault, "systemctl status systemd-journald; an mvmd run by hand "
					   "has all its lines on its terminal");
	}
	if (r == -EACCES) {
		(void) fault_set(fault, r, MVMD_EXIT_PERMISSION, "journal-forbidden",
				 "uid %u may not read the system's journal", (unsigned) geteuid());
		(void) fault_why(fault, "it is for root and the groups systemd-journal and adm");
		return fault_remedy(fault, "use sudo, or: usermod -a -G systemd-journal USER, and "
					   "log in again");
	}
	return fault_unreadable(r < 0 ? r : -EBADMSG, fault);
}

static int reader_new(const JournalFilter *filter, JournalReader **ret)
{
	_cleanup_(journal_reader_free_p) JournalReader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return -ENOMEM;
	reader->filter = *filter;
	if (str_set(&reader->vm, filter->vm) < 0 || str_set(&reader->backend, filter->backend) < 0)
		return -ENOMEM;
	reader->filter.vm = reader->vm;
	reader->filter.backend = reader->backend;
	*ret = TAKE_PTR(reader);
	return 0;
}

int journal_reader_open(const JournalFilter *filter, JournalReader **ret, Fault *fault)
{
	_cleanup_(journal_reader_free_p) JournalReader *reader = NULL;
	int r = reader_new(filter, &reader);

	if (r < 0)
		return fault_oom(fault);
	/* A user's entries are in files of his own, or, where the journal is in memory, in the system's. */
	r = sd_journal_open(&reader->journal,
			    SD_JOURNAL_LOCAL_ONLY | (filter->user ? 0 : SD_JOURNAL_SYSTEM));
	if (r >= 0) {
		r = check_access(reader->journal, fault);
		if (r < 0)
			return r;
		r = add_matches(reader);
	}
	if (r >= 0)
		r = seek(reader);
	if (r < 0)
		return fault_unreadable(r, fault);
	*ret = TAKE_PTR(reader);
	return 0;
}

JournalReader *journal_reader_free(JournalReader *reader)
{
	if (!reader)
		return NULL;
	sd_journal_close(reader->journal);
	free(reader->vm);
	free(reader->backend);
	free(reader);
	return NULL;
}
