/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/record-text.h"
#include "cli/since.h"
#include "host/journal-reader.h"
#include "mvmd/exit-codes.h"

/* With --follow, as journalctl does it. */
#define FOLLOW_LAST 10

typedef struct Logs {
	JournalFilter filter;
	bool follow, json;
	bool narrowed; /* by anything */
} Logs;

static int set_since(Logs *logs, const char *text)
{
	if (since_parse(text, realtime_usec(), &logs->filter.since_realtime_usec) == 0)
		return 0;
	log_line(LOG_LEVEL_ERROR, "logs: since when is \"%s\"? %s", text, SINCE_EXAMPLES);
	return -EINVAL;
}

static int set_lines(Logs *logs, const char *text)
{
	if (parse_u64(text, UINT32_MAX, &logs->filter.last) == 0)
		return 0;
	log_line(LOG_LEVEL_ERROR, "logs: \"%s\" is no number of lines", text);
	return -EINVAL;
}

/* Takes an option with a value off argv[0]. Returns how many words, or -EINVAL. */
static int take_option(int argc, char **argv, void *userdata)
{
	Logs *logs = userdata;
	const char *value = NULL;
	int n = option_take_value("logs", "--since", argc, argv, &value);

	if (n > 0)
		return set_since(logs, value) < 0 ? -EINVAL : n;
	if (n == 0)
		n = option_take_value("logs", "--lines", argc, argv, &value);
	if (n == 0)
		n = option_take_value("logs", "-n", argc, argv, &value);
	if (n > 0)
		return set_lines(logs, value) < 0 ? -EINVAL : n;
	return n < 0 ? n :
		       option_take_value("logs", "--backend", argc, argv, &logs->filter.backend);
}

static int print(const Logs *logs, const JournalRecord *record)
{
	json_t *json;

	if (!logs->json) {
		record_print(stdout, record, stdout_is_terminal());
		return 0;
	}
	json = record_to_json(record);
	if (!json || json_dumpf(json, stdout, JSON_COMPACT) < 0) {
		json_decref(json);
		return -ENOMEM;
	}
	(void) putchar('\n');
	json_decref(json);
	return 0;
}

/* All that there is now. Returns how many, or -errno. */
static int print_all(const Logs *logs, JournalReader *reader)
{
	JournalRecord record;
	int n = 0, r;

	while ((r = journal_reader_next(reader, &record)) > 0) {
		r = print(logs, &record);
		journal_record_done(&record);
		if (r < 0)
			return r;
		n += n < 1;
	}
	/* Who follows through a pipe sees each line when it comes. */
	if (fflush(stdout) != 0)
		return -errno;
	return r < 0 ? r : n;
}

/* Nothing is there: who is meant? Returns an exit code. */
static int say_nothing(const Places *places, const Logs *logs)
{
	_cleanup_(vm_found_done) VmFound found = { 0 };
	const char *vm = logs->filter.vm;
	Fault fault = { 0 };

	if (client_find(places, vm, &found, &fault) < 0) {
		int exit_code = fault.exit_code;

		log_fault(LOG_LEVEL_ERROR, &fault);
		fault_done(&fault);
		return exit_code;
	}
	if (found.presence == VM_PRESENCE_UNKNOWN)
		return client_say_absent(&found);
	log_line(LOG_LEVEL_INFO,
		 logs->narrowed ?
			 "the journal has nothing of that kind of %s; mvmd logs %s shows all" :
			 "the journal has nothing of %s: it has not run as a unit; mvmd start %s",
		 vm, vm);
	return MVMD_EXIT_OK;
}

static int fail(int r)
{
	log_line(LOG_LEVEL_ERROR, "cannot go on reading the systemd journal: %s", strerror(-r));
	return MVMD_EXIT_SYSTEM;
}

static int show(const Places *places, const Logs *logs)
{
	_cleanup_(journal_reader_free_p) JournalReader *reader = NULL;
	_cleanup_(fault_done) Fault fault = { 0 };
	int exit_code = MVMD_EXIT_OK, r = journal_reader_open(&logs->filter, &reader, &fault);

	if (r < 0) {
		log_fault(LOG_LEVEL_ERROR, &fault);
		return fault.exit_code;
	}
	r = print_all(logs, reader);
	if (r == 0)
		exit_code = say_nothing(places, logs);
	if (exit_code != MVMD_EXIT_OK)
		return exit_code;
	while (r >= 0 && logs->follow) {
		r = journal_reader_wait(reader);
		if (r >= 0)
			r = print_all(logs, reader);
	}
	return r < 0 ? fail(r) : MVMD_EXIT_OK;
}

int cmd_logs(const Places *places, int argc, char **argv)
{
	Logs logs = { .filter = { .last = UINT64_MAX, .debug = log_is_verbose() } };
	JournalFilter *filter = &logs.filter;
	const Switch switches[] = {
		{ "--follow", &logs.follow },	     { "-f", &logs.follow },
		{ "--boot", &filter->this_boot },    { "-b", &filter->this_boot },
		{ "--console", &filter->console },   { "--vmm", &filter->vmm },
		{ "--findings", &filter->findings }, { "--json", &logs.json },
	};
	_cleanup_free_ char *vm = NULL;

	argc = options_take_values(argc, argv, take_option, &logs);
	if (argc < 0 || options_parse(argc, argv, switches, ELEMENTSOF(switches), 1, 1) < 0)
		return MVMD_EXIT_USAGE;
	if (logs.follow && filter->last == UINT64_MAX && filter->since_realtime_usec == 0)
		filter->last = FOLLOW_LAST;
	logs.narrowed = filter->console || filter->vmm || filter->findings || filter->backend ||
			filter->this_boot || filter->since_realtime_usec > 0;
	vm = vm_name_of_argument(argv[1]);
	if (!vm)
		return MVMD_EXIT_SYSTEM;
	filter->vm = vm;
	filter->user = places->user;
	return show(places, &logs);
}
