/* SPDX-License-Identifier: Apache-2.0 */
/* The event stream of cloud-hypervisor, whole, in pieces, and with pieces missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/ch-events.h"

#define RECORD(source, event, properties)                                                             \
	"{\n  \"timestamp\": {\n    \"secs\": 0,\n    \"nanos\": 1234\n  },\n  \"source\": \"" source \
	"\",\n  \"event\": \"" event "\",\n  \"properties\": " properties "\n}\n\n"

#define SEEN_MAX 32
typedef struct Seen {
	ChEvent events[SEEN_MAX];
	size_t n;
} Seen;

static void on_event(const ChEvent *event, void *userdata)
{
	Seen *seen = userdata;

	assert_true(seen->n < SEEN_MAX);
	seen->events[seen->n++] = *event;
}

static void feed(ChEventReader *reader, Seen *seen, const char *text)
{
	assert_int_equal(ch_event_reader_feed(reader, text, strlen(text), on_event, seen), 0);
}

static Seen see(const char *text)
{
	ChEventReader reader = { 0 };
	Seen seen = { 0 };

	feed(&reader, &seen, text);
	ch_event_reader_done(&reader);
	return seen;
}

static void test_kinds(void **state)
{
	static const ChEventKind expected[] = { CH_EVENT_OTHER,	    CH_EVENT_BOOTED,
						CH_EVENT_REBOOTING, CH_EVENT_REBOOTED,
						CH_EVENT_SHUTDOWN,  CH_EVENT_DELETED,
						CH_EVENT_OTHER };
	Seen seen =
		see(RECORD("vm", "booting", "null") RECORD("vm", "booted", "null")
			    RECORD("vm", "rebooting", "null") RECORD("vm", "rebooted", "null")
				    RECORD("vm", "shutdown", "null") RECORD("vm", "deleted", "null")
					    RECORD("vmm", "shutdown", "null"));

	assert_int_equal(seen.n, ELEMENTSOF(expected));
	for (size_t i = 0; i < ELEMENTSOF(expected); i++)
		assert_int_equal(seen.events[i].kind, expected[i]);
}

static void test_activated_device(void **state)
{
	Seen seen = see(RECORD("virtio-device", "activated", "{\n    \"id\": \"disk-root\"\n  }")
				RECORD("virtio-device", "reset", "{\n    \"id\": \"net-n\"\n  }"));

	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.events[0].kind, CH_EVENT_ACTIVATED);
	assert_string_equal(seen.events[0].device, "disk-root");
	assert_int_equal(seen.events[1].kind, CH_EVENT_OTHER);
}

static void test_only_a_panic_is_a_panic(void **state)
{
	Seen seen = see(RECORD("guest", "panic", "{\n    \"event\": \"panic\"\n  }")
				RECORD("guest", "panic", "{\n    \"event\": \"crash_loaded\"\n  }")
					RECORD("guest", "panic", "null"));

	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.events[0].kind, CH_EVENT_PANIC);
	assert_int_equal(seen.events[1].kind, CH_EVENT_OTHER);
	assert_int_equal(seen.events[2].kind, CH_EVENT_OTHER);
}

static void test_split_at_every_byte(void **state)
{
	const char *text = RECORD("vm", "booted", "null") RECORD("vm", "shutdown", "null");
	size_t length = strlen(text);

	for (size_t split = 0; split <= length; split++) {
		ChEventReader reader = { 0 };
		Seen seen = { 0 };

		assert_int_equal(ch_event_reader_feed(&reader, text, split, on_event, &seen), 0);
		assert_int_equal(ch_event_reader_feed(&reader, text + split, length - split,
						      on_event, &seen),
				 0);
		assert_int_equal(seen.n, 2);
		assert_int_equal(seen.events[0].kind, CH_EVENT_BOOTED);
		assert_int_equal(seen.events[1].kind, CH_EVENT_SHUTDOWN);
		ch_event_reader_done(&reader);
	}
}

static void test_unfinished_record_is_none(void **state)
{
	assert_int_equal(see("{\n  \"source\": \"vm\",\n  \"event\": \"booted\"\n}\n").n, 0);
}

/* What was cut off is skipped; the next one counts. */
static void test_broken_records(void **state)
{
	static const char *const broken[] = {
		"\n\n",
		"{\n  \"timestamp\": {\n    \"se\n\n",
		"nonsense\n\n",
		"[]\n\n",
		"{\"source\": 1, \"event\": \"booted\"}\n\n",
		"{\"source\": \"vm\"}\n\n",
		"{\"source\": \"vm\", \"event\": \"\xff\"}\n\n",
	};

	for (size_t i = 0; i < ELEMENTSOF(broken); i++) {
		ChEventReader reader = { 0 };
		Seen seen = { 0 };

		feed(&reader, &seen, broken[i]);
		assert_int_equal(seen.n, 0);
		feed(&reader, &seen, RECORD("vm", "booted", "null"));
		assert_int_equal(seen.n, 1);
		assert_int_equal(seen.events[0].kind, CH_EVENT_BOOTED);
		ch_event_reader_done(&reader);
	}
}

/* Properties of an unexpected kind are as good as none. */
static void test_odd_properties(void **state)
{
	Seen seen = see(RECORD("virtio-device", "activated", "[1]")
				RECORD("virtio-device", "activated", "{\"id\": 7}"));

	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.events[0].kind, CH_EVENT_ACTIVATED);
	assert_string_equal(seen.events[0].device, "");
	assert_string_equal(seen.events[1].device, "");
}

/* Endless text without an empty line does not grow the memory, and ends with the next empty line. */
static void test_too_long_record(void **state)
{
	ChEventReader reader = { 0 };
	Seen seen = { 0 };

	for (int i = 0; i < 2000; i++)
		feed(&reader, &seen, "{ \"this is a line of a record that does not end\": [\n");
	assert_true(reader.record.length <= CH_EVENT_MAX_BYTES);
	feed(&reader, &seen, "\n");
	assert_int_equal(seen.n, 0);
	feed(&reader, &seen, RECORD("vm", "booted", "null"));
	assert_int_equal(seen.n, 1);
	ch_event_reader_done(&reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_activated_device),
		cmocka_unit_test(test_only_a_panic_is_a_panic),
		cmocka_unit_test(test_split_at_every_byte),
		cmocka_unit_test(test_unfinished_record_is_none),
		cmocka_unit_test(test_broken_records),
		cmocka_unit_test(test_odd_properties),
		cmocka_unit_test(test_too_long_record),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
