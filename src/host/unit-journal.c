/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-journal.h>
#include <systemd/sd-messages.h>
#include <unistd.h>

#include "host/unit-bus.h"
#include "host/unit-journal.h"
#include "model/findings.h"
#include "mvmd/journal.h"

/* journald may be so far behind before we go without it: on a busy host it was seen to be by more than a second. */
#define JOURNAL_WAIT_USEC (5 * USEC_PER_SEC)

/* Errors and worse, of syslog(3). */
static const char *const error_priorities[] = { "PRIORITY=0", "PRIORITY=1", "PRIORITY=2",
						"PRIORITY=3" };

static void journal_close_p(sd_journal *const *journal)
{
	sd_journal_close(*journal);
}

static int add_match(sd_journal *journal, const char *name, const char *value)
{
	_cleanup_free_ char *match = str_printf("%s=%s", name, value);

	return match ? sd_journal_add_match(journal, match, 0) : -ENOMEM;
}

/* The field of the entry that journal stands at, a new string; NULL: it has none. */
static char *get_field(sd_journal *journal, const char *name)
{
	const void *data;
	size_t length, skip = strlen(name) + 1;

	if (sd_journal_get_data(journal, name, &data, &length) < 0 || length < skip)
		return NULL;
	return strndup((const char *) data + skip, length - skip);
}

static int match_uid(sd_journal *journal)
{
	char uid[FORMAT_MAX];

	(void) snprintf(uid, sizeof(uid), "%u", (unsigned) geteuid());
	return add_match(journal, "_UID", uid);
}

/*
 * systemd has seen the supervisor's end, and says so behind all that the supervisor said (systemd, src/core/unit.c): process
 * 1, or that of the user.
 */
static int match_end(sd_journal *journal, bool user, const char *unit)
{
	int r;

	sd_journal_flush_matches(journal);
	r = add_match(journal, user ? "USER_UNIT" : "UNIT", unit);
	if (r >= 0)
		r = user ? match_uid(journal) : add_match(journal, "_PID", "1");
	return r < 0 ? r : add_match(journal, "MESSAGE_ID", SD_MESSAGE_UNIT_FAILURE_RESULT_STR);
}

/* Nobody but root can have written these: VMM and backends are other users. Of a user's VM all of them are himself. */
static int match_errors(sd_journal *journal, bool user, const char *vm)
{
	int r;

	sd_journal_flush_matches(journal);
	r = add_match(journal, MVMD_FIELD_VM, vm);
	if (r >= 0)
		r = user ? match_uid(journal) : add_match(journal, "_UID", "0");
	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(error_priorities); i++)
		r = sd_journal_add_match(journal, error_priorities[i], 0);
	return r;
}

/*
 * *ret: the invocation that ended; NULL where the entry does not tell, or does not come: PID 1 drops what journald has no
 * room for (src/basic/log.c, create_log_socket()), and LogLevelMax= of the unit keeps it back.
 */
static int await_end(sd_journal *journal, bool user, uint64_t since_usec, char **ret)
{
	uint64_t until_usec = now_usec() + JOURNAL_WAIT_USEC;

	for (;;) {
		uint64_t now = now_usec();
		int r = sd_journal_seek_realtime_usec(journal, since_usec);

		if (r >= 0)
			r = sd_journal_next(journal);
		if (r > 0)
			*ret = get_field(journal, user ? "USER_INVOCATION_ID" : "INVOCATION_ID");
		if (r != 0)
			return r < 0 ? r : 0;
		if (now >= until_usec)
			return 0;
		r = sd_journal_wait(journal, until_usec - now);
		if (r < 0)
			return r;
	}
}

/* Without why, remedy and id, which have fields of their own. */
static void cut_message(char *message, const char *id)
{
	_cleanup_free_ char *end = id ? str_printf(" [%s]", id) : NULL;
	char *at = end ? strstr(message, end) : NULL;

	if (at)
		*at = '\0';
}

static int take_entry(sd_journal *journal, FaultList *ret)
{
	_cleanup_free_ char *message = get_field(journal, "MESSAGE"),
			    *id = get_field(journal, MVMD_FIELD_FINDING),
			    *why = get_field(journal, MVMD_FIELD_WHY),
			    *remedy = get_field(journal, MVMD_FIELD_REMEDY);
	const Finding *row = id ? finding_find(id) : NULL;
	Fault fault = { 0 };

	if (!message)
		return 0;
	cut_message(message, id);
	(void) fault_set(&fault, -EIO, 0, row ? row->id : NULL, "%s", message);
	if (why)
		(void) fault_why(&fault, "%s", why);
	if (remedy)
		(void) fault_remedy(&fault, "%s", remedy);
	return fault_list_take(ret, &fault);
}

/* True for the entry that says only that the run ended so, and for one of another run. */
static bool is_beside_the_point(sd_journal *journal, const char *invocation)
{
	_cleanup_free_ char *kind = get_field(journal, "MESSAGE_ID"),
			    *other = get_field(journal, "_SYSTEMD_INVOCATION_ID");

	return streq_null(kind, MVMD_MESSAGE_ENDED) ||
	       (other && invocation && !streq(other, invocation));
}

/* Those of that invocation, or of the first that has any. */
static int read_errors(sd_journal *journal, uint64_t since_usec, char **invocation, FaultList *ret)
{
	int r = sd_journal_seek_realtime_usec(journal, since_usec);

	while (r >= 0 && (r = sd_journal_next(journal)) > 0) {
		if (is_beside_the_point(journal, *invocation))
			continue;
		if (!*invocation)
			*invocation = get_field(journal, "_SYSTEMD_INVOCATION_ID");
		r = take_entry(journal, ret);
	}
	return r;
}

int unit_journal_read_failure(bool user, const char *vm, uint64_t since_realtime_usec,
			      FaultList *ret)
{
	_cleanup_(journal_close_p) sd_journal *journal = NULL;
	_cleanup_free_ char *unit = unit_name(vm), *invocation = NULL;
	FaultList list = { 0 };
	/* A user's entries are in files of his own, or, where the journal is in memory, in the system's. */
	int flags = SD_JOURNAL_LOCAL_ONLY | (user ? 0 : SD_JOURNAL_SYSTEM);
	int r = unit ? sd_journal_open(&journal, flags) : -ENOMEM;

	if (r < 0)
		return r;
	if (sd_journal_has_runtime_files(journal) <= 0 &&
	    sd_journal_has_persistent_files(journal) <= 0)
		return -EACCES;
	r = match_end(journal, user, unit);
	if (r >= 0)
		r = await_end(journal, user, since_realtime_usec, &invocation);
	if (r >= 0)
		r = match_errors(journal, user, vm);
	if (r >= 0)
		r = read_errors(journal, since_realtime_usec, &invocation, &list);
	if (r < 0) {
		fault_list_done(&list);
		return r;
	}
	*ret = list;
	return 0;
}
