/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/log.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "host/unit-bus.h"
#include "model/blame.h"
#include "mvmd/exit-codes.h"
#include "run/start-record.h"

#define TIME_TEXT_MAX 32

/* A beginning that is later than that after a fork of systemd's is not of that process. */
#define SYSTEMD_LONGEST_USEC (10 * USEC_PER_SEC)

typedef struct BlameOptions {
	bool json, svg;
} BlameOptions;

static void format_when(char ret[TIME_TEXT_MAX], uint64_t realtime_usec)
{
	time_t seconds = (time_t) (realtime_usec / USEC_PER_SEC);
	struct tm local;

	*ret = '\0';
	if (localtime_r(&seconds, &local))
		(void) strftime(ret, TIME_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &local);
}

static char *json_to_text(const StartTimes *times)
{
	json_t *json = start_times_to_json(times);
	char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;

	json_decref(json);
	return text;
}

static int print(const StartTimes *times, const BlameOptions *options)
{
	_cleanup_free_ char *text = NULL;
	char when[TIME_TEXT_MAX];
	int r = 0;

	format_when(when, times->began_realtime_usec);
	if (options->json)
		text = json_to_text(times);
	else
		r = options->svg ? blame_to_svg(times, when, &text) :
				   blame_to_text(times, when, &text);
	if (r < 0 || !text)
		return MVMD_EXIT_SYSTEM;
	(void) printf("%s%s", text, options->json ? "\n" : "");
	return MVMD_EXIT_OK;
}

static int say_unreadable(const Places *places, const char *name, int error)
{
	bool damaged = error == -EUCLEAN;
	Fault fault = { 0 };
	int exit_code;

	(void) fault_set(&fault, error, error == -EACCES ? MVMD_EXIT_PERMISSION : MVMD_EXIT_SYSTEM,
			 "start-times",
			 damaged ? "%s/%s/" START_TIMES_FILE " is damaged" :
				   "cannot read %s/%s/" START_TIMES_FILE ": %m",
			 places->state_directory, name);
	(void) fault_evidence(&fault, "path", "%s/%s/" START_TIMES_FILE, places->state_directory,
			      name);
	if (error == -EACCES)
		(void) fault_remedy(&fault, "sudo mvmd blame %s", name);
	else
		(void) fault_remedy(&fault, "the next start of %s writes it anew", name);
	log_fault(LOG_LEVEL_ERROR, &fault);
	exit_code = fault.exit_code;
	fault_done(&fault);
	return exit_code;
}

/*
 * How long the supervisor's process was systemd's, before it was mvmd: of the unit's last one, if that is the one on
 * record. Whatever keeps us from asking, it is only not known then.
 */
static uint64_t systemd_usec(const Places *places, const StartTimes *times)
{
	uint64_t forked_usec, took_usec = 0;
	UnitBus *bus = NULL;
	sd_event *event = NULL;
	UnitState state = { 0 };
	Fault fault = { 0 };

	if (sd_booted() > 0 && sd_event_new(&event) >= 0 &&
	    unit_bus_open(event, places->user, &bus, &fault) == 0 &&
	    unit_bus_state(bus, times->name, &state, &fault) == 0) {
		forked_usec = state.main_began_realtime_usec;
		if (forked_usec > 0 && forked_usec < times->began_realtime_usec &&
		    times->began_realtime_usec - forked_usec < SYSTEMD_LONGEST_USEC)
			took_usec = times->began_realtime_usec - forked_usec;
	}
	unit_state_done(&state);
	(void) unit_bus_free(bus);
	(void) sd_event_unref(event);
	fault_done(&fault);
	return took_usec;
}

/* Of a VM that is gone the record stays: it is looked at before the VM is. */
static int blame(const Places *places, const VmFound *found, const BlameOptions *options)
{
	const char *name = found->places.name;
	StartTimes times = { 0 };
	int exit_code, r = start_record_read(places->state_directory, name, &times);

	if (r == -ENOENT && found->presence == VM_PRESENCE_UNKNOWN)
		return client_say_absent(found);
	if (r == -ENOENT) {
		log_line(LOG_LEVEL_ERROR, "no start of %s is on record; mvmd start %s makes one",
			 name, name);
		return MVMD_EXIT_NOT_RUNNING;
	}
	if (r < 0)
		return say_unreadable(places, name, r);
	times.systemd_usec = systemd_usec(places, &times);
	exit_code = print(&times, options);
	start_times_done(&times);
	return exit_code;
}

int cmd_blame(const Places *places, int argc, char **argv)
{
	BlameOptions options = { 0 };
	const Switch switches[] = { { "--json", &options.json }, { "--svg", &options.svg } };
	VmFound found = { 0 };
	Fault fault = { 0 };
	int exit_code;

	if (options_parse(argc, argv, switches, ELEMENTSOF(switches), 1, 1) < 0)
		return MVMD_EXIT_USAGE;
	if (options.json && options.svg) {
		log_line(LOG_LEVEL_ERROR, "blame: --json or --svg, not both");
		return MVMD_EXIT_USAGE;
	}
	if (client_find(places, argv[1], &found, &fault) < 0) {
		log_fault(LOG_LEVEL_ERROR, &fault);
		exit_code = fault.exit_code;
		fault_done(&fault);
		return exit_code;
	}
	exit_code = blame(places, &found, &options);
	vm_found_done(&found);
	return exit_code;
}
