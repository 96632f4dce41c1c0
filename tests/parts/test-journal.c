/* SPDX-License-Identifier: Apache-2.0 */
/* Entries for journald, read from a socket of ours in its place; and a journald that stands still. */
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/journal.h"
#include "base/log.h"
#include "model/line-limit.h"
#include "mvmd/exit-codes.h"
#include "run/journal-room.h"
#include "run/throttle.h"

/* A send that blocks ends the program by SIGALRM: a failure. */
#define TEST_TIMEOUT_SEC 120
#define ENTRY_MAX_BYTES	 (1 * MIB)
#define MANY		 5000

static int journald = -1;
static sd_event *event;
static char entry[ENTRY_MAX_BYTES + 1];

static int setup(void **context)
{
	int pair[2];

	(void) alarm(TEST_TIMEOUT_SEC);
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	journald = pair[0];
	journal_use(pair[1]);
	log_set_vm("web1");
	return sd_event_new(&event) < 0 ? -1 : 0;
}

static int teardown(void **context)
{
	event = sd_event_unref(event);
	(void) close_fd(journal_fd());
	return close(journald);
}

/* The next entry; 0: there is none now. */
static size_t receive(void)
{
	ssize_t n = recv(journald, entry, ENTRY_MAX_BYTES, MSG_DONTWAIT);

	entry[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t) n : 0;
}

/* The value of a field of one line in the entry that was received. */
static char *field(const char *name)
{
	_cleanup_free_ char *line = str_printf("\n%s=", name);
	char *at = strstr(entry, line);

	if (!at && strncmp(entry, line + 1, strlen(line) - 1) == 0)
		at = entry - 1;
	return at ? strndup(at + strlen(line), strcspn(at + strlen(line), "\n")) : NULL;
}

static void assert_field(const char *name, const char *wanted)
{
	_cleanup_free_ char *value = field(name);

	if (!wanted) {
		assert_null(value);
		return;
	}
	assert_non_null(value);
	assert_string_equal(value, wanted);
}

static void test_entry(void **context)
{
	const LogKind kind = { LOG_LEVEL_DEBUG,
			       MVMD_MESSAGE_STEP,
			       { { MVMD_FIELD_STEP, "tap:net0" }, { MVMD_FIELD_BACKEND, NULL } } };

	log_set_field(MVMD_FIELD_STATE, "applying");
	log_entry(&kind, "tap %s", "vm-web1-net0");
	assert_true(receive() > 0);
	assert_field("MESSAGE", "tap vm-web1-net0");
	assert_field("PRIORITY", "7"); /* whatever the level of lines is */
	assert_field("MESSAGE_ID", MVMD_MESSAGE_STEP);
	assert_field("SYSLOG_IDENTIFIER", "mvmd");
	assert_field("MVMD_VM", "web1");
	assert_field("MVMD_STATE", "applying");
	assert_field("MVMD_STEP", "tap:net0");
	assert_field("MVMD_BACKEND", NULL);

	log_set_field(MVMD_FIELD_STATE, NULL);
	log_line(LOG_LEVEL_WARNING, "x");
	assert_true(receive() > 0);
	assert_field("PRIORITY", "4");
	assert_field("MVMD_STATE", NULL);
	assert_int_equal(receive(), 0);
}

/* A finding is one entry. Its text has line breaks: such a field is its name, its length as 64 bits, its bytes. */
static void test_finding(void **context)
{
	static const char text[] = "no bridge br0 [bridge-missing]\nwhy: it is down\ntry: up";
	Fault fault = { 0 };
	uint64_t length_le;

	(void) fault_set(&fault, -ENODEV, MVMD_EXIT_UNAVAILABLE, "bridge-missing", "no bridge %s",
			 "br0");
	(void) fault_why(&fault, "it is down");
	(void) fault_remedy(&fault, "up");
	(void) fault_evidence(&fault, "bridge", "br0");
	(void) fault_evidence(&fault, "nearest", "br1");
	log_fault(LOG_LEVEL_ERROR, &fault);
	fault_done(&fault);

	assert_true(receive() > 8 + sizeof(length_le) + sizeof(text));
	assert_memory_equal(entry, "MESSAGE\n", 8);
	memcpy(&length_le, entry + 8, sizeof(length_le));
	assert_int_equal(le64toh(length_le), strlen(text));
	assert_memory_equal(entry + 8 + sizeof(length_le), text, strlen(text));
	assert_int_equal(entry[8 + sizeof(length_le) + strlen(text)], '\n');
	/* What follows has no NUL. */
	memmove(entry, entry + 8 + sizeof(length_le) + strlen(text), ENTRY_MAX_BYTES / 2);
	assert_field("PRIORITY", "3");
	assert_field("MVMD_FINDING", "bridge-missing");
	assert_field("MVMD_WHY", "it is down");
	assert_field("MVMD_REMEDY", "up");
	assert_field("MVMD_EVIDENCE", "bridge=br0, nearest=br1");
	assert_field("MVMD_EVIDENCE_BRIDGE", "br0");
	assert_field("MVMD_EXIT_CODE", "69");
	assert_field("ERRNO", "19");
	assert_int_equal(receive(), 0);
}

/* The catalog names MVMD_EVIDENCE, so each finding has it. */
static void test_finding_without_evidence(void **context)
{
	Fault fault = { 0 };

	(void) fault_set(&fault, 0, MVMD_EXIT_OK, "guest-panic", "x");
	log_fault(LOG_LEVEL_WARNING, &fault);
	fault_done(&fault);
	assert_true(receive() > 0);
	assert_field("MVMD_EVIDENCE", "none");
	assert_field("ERRNO", NULL);
}

static void test_stream(void **context)
{
	const LogStream stream = { "virtiofsd[data]", MVMD_MESSAGE_CHILD, MVMD_STREAM_BACKEND,
				   "data" };

	log_stream_line(&stream, "a\033[31mb\nMVMD_FINDING=x");
	assert_true(receive() > 0);
	assert_field("MESSAGE", "a?[31mb?MVMD_FINDING=x");
	assert_field("MVMD_FINDING", NULL);
	assert_field("SYSLOG_IDENTIFIER", "web1/virtiofsd[data]");
	assert_field("MVMD_STREAM", "backend");
	assert_field("MVMD_BACKEND", "data");
	log_stream_gap(&stream, 7);
	assert_true(receive() > 0);
	assert_field("MVMD_LINES", "7");
	assert_field("MESSAGE_ID", MVMD_MESSAGE_LEFT_OUT);
}

static bool room_was_told;

static void on_room(void *userdata)
{
	room_was_told = true;
	(void) log_retry();
}

/* Nobody reads, then somebody does: all that waits comes, in order, without another word of ours. */
static void test_journald_stands_still(void **context)
{
	JournalRoom *room = NULL;
	int next = 0;

	room_was_told = false;
	assert_int_equal(journal_room_new(event, on_room, NULL, &room), 0);
	for (int i = 0; i < 1000; i++)
		log_line(LOG_LEVEL_INFO, "%d", i);
	assert_false(journal_flush());
	while (next < 1000) {
		char wanted[16];

		if (receive() == 0) {
			assert_true(sd_event_run(event, TEST_TIMEOUT_SEC * USEC_PER_SEC) >= 0);
			continue;
		}
		(void) snprintf(wanted, sizeof(wanted), "%d", next++);
		assert_field("MESSAGE", wanted);
	}
	while (!room_was_told)
		assert_true(sd_event_run(event, TEST_TIMEOUT_SEC * USEC_PER_SEC) >= 0);
	assert_int_equal(receive(), 0);
	assert_null(journal_room_free(room));
}

/* More than can be kept: the last ones are, and how many are missing is told. */
static void test_journald_stands_still_for_long(void **context)
{
	static char padding[2000];
	unsigned came = 0, missing = 0;
	bool last_came = false;

	memset(padding, 'x', sizeof(padding) - 1);
	for (int i = 0; i < MANY; i++)
		log_line(LOG_LEVEL_INFO, "%d %s", i, padding);
	for (bool done = false; !done;) {
		while (receive() > 0) {
			_cleanup_free_ char *message = field("MESSAGE"), *id = field("MESSAGE_ID");

			if (id && streq(id, MVMD_MESSAGE_LOST)) {
				missing = (unsigned) strtoul(message, NULL, 10);
				continue;
			}
			came++;
			last_came = strtoul(message, NULL, 10) == MANY - 1;
		}
		done = log_retry() && missing > 0;
	}
	assert_true(last_came);
	assert_true(came < MANY);
	assert_int_equal(came + missing, MANY);
}

static StrBuf told;

static void on_line(const char *line, void *userdata)
{
	str_buf_add(&told, "%s|", line);
}

static void on_gap(uint64_t lines, void *userdata)
{
	str_buf_add(&told, "(%d)", (int) lines);
}

static void assert_told(const char *wanted)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(str_buf_take(&told, &text), 0);
	assert_string_equal(text, wanted);
}

/* More lines than pass: tokens come back while they are written, so that how many do depends on how fast this is. */
static void flood(Throttle *throttle)
{
	size_t before;

	do {
		before = told.length;
		throttle_line(throttle, "x");
	} while (told.length > before);
	str_buf_done(&told);
}

/* A flood, and then silence: its last lines come by themselves. */
static void test_end_of_a_flood(void **context)
{
	const ThrottleHandler handler = { on_line, on_gap, NULL };
	Throttle *throttle = NULL;

	assert_int_equal(throttle_new(event, &handler, &throttle), 0);
	for (int i = 0; i < LINE_LIMIT_BURST; i++)
		throttle_line(throttle, "x");
	assert_int_equal(told.length, LINE_LIMIT_BURST * strlen("x|"));
	flood(throttle);
	throttle_line(throttle, "the");
	throttle_line(throttle, "end");
	assert_told("");
	while (told.length == 0)
		assert_true(sd_event_run(event, TEST_TIMEOUT_SEC * USEC_PER_SEC) >= 0);
	assert_told("x|the|end|");

	flood(throttle);
	for (int i = 0; i < LINE_LIMIT_KEPT; i++)
		throttle_line(throttle, "y");
	throttle_line(throttle, "last");
	throttle_flush(throttle);
	assert_int_equal(strncmp(told.text, "(2)y|", strlen("(2)y|")), 0);
	assert_string_equal(told.text + told.length - strlen("|last|"), "|last|");
	str_buf_done(&told);
	assert_null(throttle_free(throttle));
}

/* Texts of /proc/self/cgroup; and by which field, in systemd.journal-fields(7), others are told of the unit. */
static void test_unit(void **context)
{
	static const struct {
		const char *cgroups, *field;
	} cases[] = {
		{ "0::/mvmd.slice/mvmd@web1.service\n", "OBJECT_SYSTEMD_UNIT=mvmd@web1.service" },
		/* A container on a host that has systemd's hierarchy of version 1, too. */
		{ "9:name=systemd:/\n2:cpu:/\n0::/mvmd.slice/mvmd@web1.service\n",
		  "OBJECT_SYSTEMD_UNIT=mvmd@web1.service" },
		{ "10:memory:/x.service\n1:name=systemd:/mvmd.slice/mvmd@web1.service\n0::/\n",
		  "OBJECT_SYSTEMD_UNIT=mvmd@web1.service" },
		{ "0::/user.slice/user-1000.slice/session-3.scope\n",
		  "OBJECT_SYSTEMD_UNIT=session-3.scope" },
		{ "0::/user.slice/user-1000.slice/user@1000.service/app.slice/mvmd@web1.service\n",
		  "OBJECT_SYSTEMD_USER_UNIT=mvmd@web1.service" },
		{ "0::/mvmd.slice/mvmd@web1.service/backends",
		  "OBJECT_SYSTEMD_UNIT=mvmd@web1.service" },
		{ "10:memory:/x.service\n0::/\n", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_free_ char *field = journal_unit_field(cases[i].cgroups);

		assert_int_equal(!field, !cases[i].field);
		if (field)
			assert_string_equal(field, cases[i].field);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_unit),
		cmocka_unit_test(test_finding),
		cmocka_unit_test(test_finding_without_evidence),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_journald_stands_still),
		cmocka_unit_test(test_journald_stands_still_for_long),
		cmocka_unit_test(test_end_of_a_flood),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
