/* SPDX-License-Identifier: Apache-2.0 */
/* Where the time of a start went: noted, kept as JSON, told as text and as a picture. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/blame.h"

#define ORIGIN_USEC	UINT64_C(5000000000)
#define REALTIME_USEC	UINT64_C(1700000000000000)
#define WHEN		"2026-11-22 09:41:03"
#define MSEC(n)		((uint64_t) (n) *USEC_PER_MSEC)
#define STEP_TEXT(text) ((char[]){ text })

/* The lock first; then a bridge and a backend side by side; the VMM when both are there. */
static size_t needs_lock[] = { 0 }, needs_both[] = { 1, 2 };
static PlanStep steps[] = {
	{ .id = STEP_TEXT("lock"), .what = STEP_TEXT("the lock") },
	{ .id = STEP_TEXT("bridge:net0"),
	  .what = STEP_TEXT("bridge br0 exists"),
	  .awaits = STEP_TEXT("bridge br0"),
	  .needs = needs_lock,
	  .n_needs = 1 },
	{ .id = STEP_TEXT("backend:<data>"),
	  .what = STEP_TEXT("serves \"a\" & b"),
	  .needs = needs_lock,
	  .n_needs = 1 },
	{ .id = STEP_TEXT("vmm"),
	  .what = STEP_TEXT("qemu"),
	  .awaits = STEP_TEXT("the first answer"),
	  .needs = needs_both,
	  .n_needs = 2 },
};
static const Plan plan = { .steps = steps, .n_steps = ELEMENTSOF(steps) };

static void add_step(StartTimes *times, size_t i, unsigned begin_msec, unsigned end_msec,
		     SpanEnd end)
{
	start_times_step(times, &steps[i], ORIGIN_USEC + MSEC(begin_msec),
			 ORIGIN_USEC + MSEC(end_msec), end);
}

/* Noted as they end: the bridge after the backend, which began after it. */
static void note_start(StartTimes *times)
{
	start_times_begin(ORIGIN_USEC, REALTIME_USEC, times);
	assert_int_equal(str_set(&times->name, "web1"), 0);
	start_times_phase(times, "preparing", ORIGIN_USEC);
	start_times_phase(times, "applying", ORIGIN_USEC + MSEC(10));
	add_step(times, 0, 10, 11, SPAN_DONE);
	add_step(times, 2, 12, 20, SPAN_DONE);
	add_step(times, 1, 11, 50, SPAN_DONE);
	add_step(times, 3, 50, 80, SPAN_DONE);
	start_times_phase(times, "booting", ORIGIN_USEC + MSEC(80));
	start_times_end(times, ORIGIN_USEC + MSEC(100), &plan, true);
}

static void test_noted(void **context)
{
	StartTimes times;

	note_start(&times);
	assert_true(times.over && times.runs);
	assert_int_equal(times.took_usec, MSEC(100));
	assert_int_equal(times.n_phases, 3);
	assert_int_equal(times.phases[0].took_usec, MSEC(10));
	assert_int_equal(times.phases[1].begin_usec, MSEC(10));
	assert_int_equal(times.phases[1].took_usec, MSEC(70));
	assert_int_equal(times.phases[2].took_usec, MSEC(20));
	assert_int_equal(times.n_steps, 4);
	assert_string_equal(times.steps[1].name, "bridge:net0");
	assert_string_equal(times.steps[2].name, "backend:<data>");
	assert_int_equal(times.steps[2].begin_usec, MSEC(12));
	assert_int_equal(times.steps[2].took_usec, MSEC(8));
	start_times_done(&times);
}

/* The backend was there long before the bridge: nobody waited for it. */
static void test_decisive(void **context)
{
	StartTimes times;

	note_start(&times);
	assert_true(times.steps[0].decisive);
	assert_true(times.steps[1].decisive);
	assert_false(times.steps[2].decisive);
	assert_true(times.steps[3].decisive);
	start_times_done(&times);
}

static void test_nothing_after_the_end(void **context)
{
	StartTimes times;

	note_start(&times);
	start_times_phase(&times, "running", ORIGIN_USEC + MSEC(200));
	add_step(&times, 0, 200, 201, SPAN_DONE);
	start_times_end(&times, ORIGIN_USEC + MSEC(300), &plan, false);
	assert_int_equal(times.n_phases, 3);
	assert_int_equal(times.n_steps, 4);
	assert_int_equal(times.took_usec, MSEC(100));
	assert_true(times.runs);
	start_times_done(&times);
}

static void test_kept(void **context)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	StartTimes times, back = { 0 };
	json_t *json, *again;

	note_start(&times);
	start_times_cause(&times, 69, "bridge-missing");
	json = start_times_to_json(&times);
	assert_int_equal(start_times_from_json(json, &back), 0);
	again = start_times_to_json(&back);
	before = json_dumps(json, JSON_SORT_KEYS);
	after = json_dumps(again, JSON_SORT_KEYS);
	assert_string_equal(before, after);
	assert_int_equal(back.exit_code, 69);
	assert_string_equal(back.cause, "bridge-missing");
	assert_string_equal(back.steps[1].awaits, "bridge br0");
	json_decref(json);
	json_decref(again);
	start_times_done(&times);
	start_times_done(&back);
}

/* Each is the record of a start with one thing wrong. */
static void test_damaged(void **context)
{
	static const char *const records[] = {
		"[]",
		"{\"name\":1,\"began_realtime_usec\":1,\"took_usec\":9,\"phases\":[],\"steps\":[]}",
		"{\"name\":\"a\",\"began_realtime_usec\":1,\"took_usec\":-1,\"phases\":[],\"steps\":[]}",
		"{\"name\":\"a\",\"began_realtime_usec\":1,\"took_usec\":9223372036854775807,"
		"\"phases\":[],\"steps\":[]}",
		"{\"name\":\"a\",\"began_realtime_usec\":1,\"took_usec\":9,\"phases\":{},\"steps\":[]}",
		"{\"name\":\"a\",\"began_realtime_usec\":1,\"took_usec\":9,\"phases\":[],\"steps\":[{}]}",
		"{\"name\":\"a\",\"began_realtime_usec\":1,\"took_usec\":9,\"phases\":[],\"steps\":["
		"{\"name\":\"b\",\"begin_usec\":5,\"took_usec\":5}]}",
		"{\"name\":\"a\",\"began_realtime_usec\":1,\"took_usec\":9,\"phases\":[],\"steps\":["
		"{\"name\":\"b\",\"begin_usec\":10,\"took_usec\":0}]}",
	};
	StartTimes times = { 0 };

	for (size_t i = 0; i < ELEMENTSOF(records); i++) {
		json_t *json = json_loads(records[i], 0, NULL);

		assert_non_null(json);
		assert_int_equal(start_times_from_json(json, &times), -EUCLEAN);
		assert_null(times.name);
		json_decref(json);
	}
}

static void test_durations(void **context)
{
	char text[FORMAT_MAX];

	assert_string_equal(format_took(text, 0), "0us");
	assert_string_equal(format_took(text, 999), "999us");
	assert_string_equal(format_took(text, 1000), "1.0ms");
	assert_string_equal(format_took(text, 999999), "999.9ms");
	assert_string_equal(format_took(text, 1000000), "1.000s");
	assert_string_equal(format_took(text, UINT64_C(90017000)), "90.017s");
}

static void test_text(void **context)
{
	_cleanup_free_ char *text = NULL;
	StartTimes times;

	note_start(&times);
	assert_int_equal(blame_to_text(&times, WHEN, &text), 0);
	assert_string_equal(
		text,
		"web1: ran 100.0ms after its start began, 2026-11-22 09:41:03\n"
		"     BEGIN       TOOK\n"
		"       0us     10.0ms |----                                    | preparing\n"
		"    10.0ms     70.0ms |    ----------------------------        | applying\n"
		"    80.0ms     20.0ms |                                --------| booting\n"
		"    10.0ms      1.0ms |    =                                   | * lock\n"
		"    11.0ms     39.0ms |    ================                    | * bridge:net0 (awaits bridge br0)\n"
		"    12.0ms      8.0ms |    ====                                |   backend:<data>\n"
		"    50.0ms     30.0ms |                    ============        | * vmm (awaits the first answer)\n"
		"* what the start waited for\n");
	start_times_done(&times);
}

static void test_text_of_a_failure(void **context)
{
	_cleanup_free_ char *text = NULL;
	StartTimes times;

	start_times_begin(ORIGIN_USEC, REALTIME_USEC, &times);
	assert_int_equal(str_set(&times.name, "web1"), 0);
	start_times_phase(&times, "applying", ORIGIN_USEC);
	add_step(&times, 1, 0, 40, SPAN_FAILED);
	add_step(&times, 2, 20, 40, SPAN_UNFINISHED);
	start_times_end(&times, ORIGIN_USEC + MSEC(40), NULL, false);
	start_times_cause(&times, 69, "bridge-missing");
	assert_int_equal(blame_to_text(&times, WHEN, &text), 0);
	assert_string_equal(
		text,
		"web1: its start ended after 40.0ms with exit code 69 [bridge-missing], 2026-11-22 09:41:03\n"
		"     BEGIN       TOOK\n"
		"       0us     40.0ms |----------------------------------------| applying\n"
		"       0us     40.0ms |########################################|   bridge:net0, failed (awaits bridge br0)\n"
		"    20.0ms     20.0ms |                    ####################|   backend:<data>, unfinished\n");
	start_times_done(&times);
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

static void test_svg(void **context)
{
	_cleanup_free_ char *svg = NULL;
	StartTimes times;

	note_start(&times);
	assert_int_equal(blame_to_svg(&times, WHEN, &svg), 0);
	assert_int_equal(count(svg, "<g><title>"), 3 + 4);
	assert_int_equal(count(svg, "<g>"), count(svg, "</g>"));
	assert_int_equal(count(svg, "<text"), count(svg, "</text>"));
	/* The chart is 900 wide and begins at 20: the bridge from 11% to 50%. */
	assert_non_null(strstr(svg, "<rect class=\"decisive\" x=\"119\""));
	assert_non_null(strstr(svg, "width=\"351\""));
	assert_non_null(strstr(svg, "<title>serves &quot;a&quot; &amp; b</title>"));
	assert_non_null(strstr(svg, "backend:&lt;data&gt; 8.0ms"));
	assert_null(strstr(svg, "<data>"));
	start_times_done(&times);
}

/* What only systemd knows: told where it is known, null in the data where it is not. */
static void test_systemd(void **context)
{
	_cleanup_free_ char *text = NULL, *svg = NULL;
	StartTimes times;
	json_t *json;

	note_start(&times);
	json = start_times_to_json(&times);
	assert_true(json_is_null(json_object_get(json, "systemd_usec")));
	json_decref(json);
	times.systemd_usec = 62100;
	json = start_times_to_json(&times);
	assert_int_equal(json_integer_value(json_object_get(json, "systemd_usec")), 62100);
	json_decref(json);
	assert_int_equal(blame_to_text(&times, WHEN, &text), 0);
	assert_non_null(
		strstr(text, "\nbefore it systemd took 62.1ms to make the unit's sandbox\n"));
	assert_int_equal(blame_to_svg(&times, WHEN, &svg), 0);
	assert_non_null(strstr(svg, "before it systemd took 62.1ms"));
	start_times_done(&times);
}

/* Nothing at all took any time. */
static void test_empty(void **context)
{
	_cleanup_free_ char *text = NULL, *svg = NULL;
	StartTimes times;

	start_times_begin(ORIGIN_USEC, REALTIME_USEC, &times);
	assert_int_equal(str_set(&times.name, "web1"), 0);
	start_times_phase(&times, "waiting", ORIGIN_USEC);
	start_times_end(&times, ORIGIN_USEC, NULL, false);
	assert_int_equal(blame_to_text(&times, WHEN, &text), 0);
	assert_non_null(strstr(text, "web1: its start was ended on request after 0us"));
	assert_int_equal(blame_to_svg(&times, WHEN, &svg), 0);
	assert_non_null(strstr(svg, "</svg>"));
	start_times_done(&times);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_noted),
		cmocka_unit_test(test_decisive),
		cmocka_unit_test(test_nothing_after_the_end),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_text_of_a_failure),
		cmocka_unit_test(test_svg),
		cmocka_unit_test(test_systemd),
		cmocka_unit_test(test_empty),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
