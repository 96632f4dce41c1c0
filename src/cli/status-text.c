/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "cli/status-text.h"

#define CONSOLE_LINES_SHOWN 24
#define TIME_TEXT_MAX	    32

static const char *text_of(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "-";
}

static long long number_of(json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_pid(json_t *object)
{
	if (json_is_integer(json_object_get(object, "pid")))
		(void) printf(", pid %lld", number_of(object, "pid"));
}

/* A time of the clock on the wall, as ours. */
static const char *format_time(char ret[TIME_TEXT_MAX], json_t *object, const char *key)
{
	time_t seconds = (time_t) ((uint64_t) number_of(object, key) / USEC_PER_SEC);
	struct tm local;

	*ret = '\0';
	if (localtime_r(&seconds, &local))
		(void) strftime(ret, TIME_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &local);
	return ret;
}

static void print_life(json_t *life)
{
	uint64_t msec = (uint64_t) number_of(life, "duration_usec") / USEC_PER_MSEC;
	char lasted[FORMAT_MAX] = "less than 1ms";

	if (msec > 0)
		(void) format_rough_duration(lasted, msec * USEC_PER_MSEC);
	if (json_is_null(json_object_get(life, "end")))
		(void) printf("  life %lld: goes on for %s", number_of(life, "number"), lasted);
	else
		(void) printf("  life %lld: ended after %s, %s", number_of(life, "number"), lasted,
			      text_of(life, "end"));
	if (json_is_string(json_object_get(life, "asked_by")))
		(void) printf(", asked by %s", text_of(life, "asked_by"));
	(void) printf(", %lld console bytes\n", number_of(life, "console_bytes"));
	if (json_is_string(json_object_get(life, "console_words")))
		(void) printf("    its console: %s\n", text_of(life, "console_words"));
	if (json_is_string(json_object_get(life, "vmm_last_words")))
		(void) printf("    last words of its VMM: %s\n", text_of(life, "vmm_last_words"));
}

static void print_interface(json_t *interface)
{
	const char *tap = json_string_value(json_object_get(interface, "tap"));
	const char *link = json_string_value(json_object_get(interface, "link"));
	json_t *attached = json_object_get(interface, "attached");
	char since[TIME_TEXT_MAX];

	(void) printf("  interface %s: ", text_of(interface, "id"));
	if (!tap)
		(void) printf("%s", text_of(interface, "attach"));
	else if (link)
		(void) printf("macvtap %s on %s", tap, link);
	else
		(void) printf("tap %s", tap);
	if (json_is_boolean(attached))
		(void) printf(" %s bridge %s", json_is_true(attached) ? "on" : "NOT ON",
			      text_of(interface, "bridge"));
	if (json_is_string(json_object_get(interface, "network_file")))
		(void) printf(" by %s", text_of(interface, "network_file"));
	(void) printf(", guest MAC %s", text_of(interface, "mac"));
	if (json_is_integer(json_object_get(interface, "since_realtime_usec")))
		(void) printf(", tap there since %s",
			      format_time(since, interface, "since_realtime_usec"));
	(void) printf("\n");
}

static void print_devices(json_t *status)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(status, "interfaces"), i, item)
		print_interface(item);
	json_array_foreach(json_object_get(status, "backends"), i, item) {
		(void) printf("  backend %s: %s", text_of(item, "id"), text_of(item, "kind"));
		print_pid(item);
		(void) printf(", %s, %lld restarts\n", text_of(item, "socket"),
			      number_of(item, "restarts"));
	}
}

static void print_finding(const char *label, json_t *finding)
{
	(void) printf("  %s %s: %s\n", label, text_of(finding, "id"), text_of(finding, "what"));
	if (json_is_string(json_object_get(finding, "why")))
		(void) printf("    why: %s\n", text_of(finding, "why"));
	if (json_is_string(json_object_get(finding, "remedy")))
		(void) printf("    try: %s\n", text_of(finding, "remedy"));
}

static void print_findings(json_t *status)
{
	json_t *cause = json_object_get(status, "cause"), *finding;
	size_t i;

	json_array_foreach(json_object_get(status, "findings"), i, finding)
		if (!json_equal(finding, cause))
			print_finding("finding", finding);
}

/* What the guest says of itself, where the spec asks it to. */
static void print_report(json_t *guest)
{
	json_t *ready = json_object_get(guest, "ready");

	if (!json_is_boolean(ready))
		return;
	(void) printf(json_is_true(ready) ? "  the guest is ready" :
					    "  the guest has not said that it is ready");
	if (json_is_string(json_object_get(guest, "status")))
		(void) printf(", it says: %s", text_of(guest, "status"));
	(void) putchar('\n');
}

static void print_machine(json_t *status)
{
	json_t *vmm = json_object_get(status, "vmm"), *guest = json_object_get(status, "guest");

	(void) printf("  vmm: %s %s", text_of(vmm, "kind"), text_of(vmm, "version"));
	print_pid(vmm);
	(void) printf("\n  guest: kernel %s, %lld %s, %lld console bytes\n",
		      json_string_value(json_object_get(guest, "kernel")) ?: "unknown",
		      number_of(guest, "lives"), number_of(guest, "lives") == 1 ? "life" : "lives",
		      number_of(guest, "console_bytes"));
	print_report(guest);
}

/* What a start waits for, where its steps wait. */
static void print_waiting(json_t *status)
{
	json_t *list = json_object_get(status, "waiting_for"), *item;
	size_t i;

	json_array_foreach(list, i, item)
		(void) printf("%s%s", i == 0 ? "  waiting for " : ", ", json_string_value(item));
	if (json_array_size(list) > 0)
		(void) putchar('\n');
}

void status_print(json_t *status)
{
	json_t *lives = json_object_get(status, "lives"), *last;
	char since[TIME_TEXT_MAX];

	(void) printf("%s: %s since %s, supervisor pid %lld\n", text_of(status, "name"),
		      text_of(status, "state"), format_time(since, status, "since_realtime_usec"),
		      number_of(status, "pid"));
	print_waiting(status);
	print_machine(status);
	last = json_array_get(lives, json_array_size(lives) - 1);
	if (last)
		print_life(last);
	print_devices(status);
	print_findings(status);
}

/* Its last lines, each behind a bar; what a terminal would obey is left out. */
static void print_console(const char *text)
{
	const char *at = text + strlen(text);

	for (int lines = 0; at > text && lines <= CONSOLE_LINES_SHOWN; at--)
		if (at[-1] == '\n' && ++lines > CONSOLE_LINES_SHOWN)
			break;
	(void) printf("  the end of its console:\n    | ");
	for (; *at; at++) {
		if (*at == '\n' && at[1])
			(void) printf("\n    | ");
		else if ((unsigned char) *at >= ' ' && *at != 0x7f)
			(void) putchar(*at);
	}
	(void) putchar('\n');
}

void status_print_post_mortem(json_t *record)
{
	json_t *console = json_object_get(record, "console"), *life;
	char ended[TIME_TEXT_MAX];
	size_t i;

	(void) printf("%s: its last run that failed ended %s with exit code %lld\n",
		      text_of(record, "name"), format_time(ended, record, "ended_realtime_usec"),
		      number_of(record, "exit_code"));
	if (json_is_object(json_object_get(record, "cause")))
		print_finding("cause", json_object_get(record, "cause"));
	print_machine(record);
	json_array_foreach(json_object_get(record, "lives"), i, life)
		print_life(life);
	print_devices(record);
	print_findings(record);
	if (json_is_string(console))
		print_console(json_string_value(console));
}

void status_print_failed(json_t *record)
{
	json_t *cause = json_object_get(record, "cause");
	char ended[TIME_TEXT_MAX];

	(void) printf("%s: its last run that failed ended %s with exit code %lld: %s [%s]\n"
		      "  mvmd status --last %s tells more\n",
		      text_of(record, "name"), format_time(ended, record, "ended_realtime_usec"),
		      number_of(record, "exit_code"), text_of(cause, "what"), text_of(cause, "id"),
		      text_of(record, "name"));
}
