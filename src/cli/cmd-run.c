/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "base/log.h"
#include "cli/adopt.h"
#include "cli/commands.h"
#include "cli/known-issues.h"
#include "cli/options.h"
#include "cli/places.h"
#include "cli/prepare.h"
#include "cli/start-slot.h"
#include "cli/turn.h"
#include "cli/unit-specs.h"
#include "host/bridge-filter.h"
#include "host/host-facts.h"
#include "host/record.h"
#include "host/slots.h"
#include "model/facts-json.h"
#include "model/plan-ports.h"
#include "mvmd/exit-codes.h"
#include "run/start-record.h"
#include "run/systemd.h"
#include "run/tap-store.h"
#include "vm.h"

#define START_RECORD	     "last-start.json"
#define START_RECORD_VERSION 1

typedef struct Start {
	const Places *places;
	StartTimes times;
	Prepared prepared;
	Turn turn;
} Start;

/* Who may not write there keeps no records, as he keeps no cache; anything else is worth a word. */
static int record_start(const Start *start, FaultList *ret)
{
	const Plan *plan = start->prepared.plan;
	json_t *record = json_pack("{s:i, s:s, s:s, s:i, s:I, s:o}", "version",
				   START_RECORD_VERSION, "name", plan->spec->name, "spec",
				   plan->spec->file, "pid", (int) getpid(), "realtime_usec",
				   (json_int_t) realtime_usec(), "facts", facts_to_json(plan));
	Fault fault = { 0 };
	int r;

	if (!record)
		return -ENOMEM;
	r = record_write(start->places->state_directory, plan->spec->name, START_RECORD, record);
	json_decref(record);
	if (r == 0 || r == -EACCES || r == -EPERM || r == -EROFS)
		return 0;
	(void) fault_set(&fault, r, MVMD_EXIT_OK, "start-record",
			 "cannot write %s/%s/" START_RECORD ": %m", start->places->state_directory,
			 plan->spec->name);
	(void) fault_evidence(&fault, "path", "%s", start->places->state_directory);
	(void) fault_why(&fault,
			 "the record of what runs would have been there; the VM runs without");
	(void) fault_remedy(&fault, "df %s; ls -ld %s", start->places->state_directory,
			    start->places->state_directory);
	return fault_list_take(ret, &fault);
}

/* Of frames that the host's packet filter sees: the VMM starts meanwhile, which it need not wait for. */
static void warn_of_filter(const Start *start)
{
	const Spec *spec = start->prepared.plan->spec;
	BridgeFilterFact filter = { 0 };
	FaultList faults = { 0 };

	for (size_t i = 0; i < spec->n_interfaces; i++)
		if (spec->interfaces[i].bridge) {
			filter = bridge_filter_probe();
			break;
		}
	(void) ports_warn_of_filter(&filter, &faults);
	for (size_t i = 0; i < faults.n; i++)
		log_fault(LOG_LEVEL_WARNING, &faults.items[i]);
	fault_list_done(&faults);
}

/* What nobody has to be warned of is said here; vm.c says the rest. */
static int judge_start(void *userdata, FaultList *ret)
{
	Start *start = userdata;

	turn_begins(&start->turn);
	host_switches_probe(&start->prepared.facts.host);
	warn_of_filter(start);
	prepared_find_issues(&start->prepared, start->places, ret);
	for (size_t i = 0; i < ret->n;) {
		LogLevel level = known_issue_level(&ret->items[i]);

		if (level <= LOG_LEVEL_WARNING) {
			i++;
			continue;
		}
		log_fault(level, &ret->items[i]);
		fault_list_drop(ret, i);
	}
	return record_start(start, ret);
}

static void tell_facts(const Plan *plan)
{
	const LogKind kind = { LOG_LEVEL_INFO,
			       MVMD_MESSAGE_FACTS,
			       { { MVMD_FIELD_VMM, vmm_kind_to_string(plan->vmm) } } };
	_cleanup_free_ char *facts = facts_to_words(plan);

	log_entry(&kind, "%s", plan->vmm_reason);
	log_entry(&kind, "%s", facts ?: "out of memory");
}

/* Before what may fail for it: the last line of a start that fails is the cause. */
static void tell_of_unit(const Start *start)
{
	FaultList faults = { 0 };

	if (unit_specs_tell(start->places, start->turn.name, &faults) < 0)
		log_line(LOG_LEVEL_WARNING, "out of memory");
	for (size_t i = 0; i < faults.n; i++)
		log_fault(LOG_LEVEL_WARNING, &faults.items[i]);
	fault_list_done(&faults);
}

/* Where the time of a start went that did not come to run; a name without a spec is mostly a slip. */
static void record_failed_start(Start *start, int exit_code, const char *cause)
{
	if (!start->times.over || start->times.runs || start->turn.others ||
	    exit_code == MVMD_EXIT_NO_SPEC)
		return;
	start_times_cause(&start->times, exit_code, cause);
	(void) start_record_write(start->places->state_directory, &start->times);
}

/* Its turn has come. A start that fails before it has the VM's lock says nothing of the VM that has it. */
static int run(Start *start, const char *argument, const VmOptions *options)
{
	VmOutcome outcome = { .crashes = start->turn.history.crashes };
	int exit_code;

	(void) str_set(&start->times.name, start->turn.name);
	start_times_phase(&start->times, "preparing", now_usec());
	tell_of_unit(start);
	exit_code = prepare(start->places, argument, PREPARE_FOR_START, &start->prepared);
	if (exit_code == MVMD_EXIT_OK) {
		tell_facts(start->prepared.plan);
		exit_code = vm_run(start->prepared.plan, options, &outcome);
		start->turn.others = !outcome.took_lock;
	} else {
		_cleanup_free_ char *words = str_printf("mvmd check %s tells why", argument);
		const Fault *cause = &start->prepared.cause;

		unit_ended(&(SystemdUnit){ 0 }, exit_code, cause->what ?: words);
		outcome.cause = cause->id;
		start_times_end(&start->times, now_usec(), NULL, false);
	}
	record_failed_start(start, exit_code, outcome.cause);
	turn_ended(&start->turn, exit_code, outcome.cause, &outcome.crashes);
	prepared_done(&start->prepared);
	return exit_code;
}

/* Until it is this start's turn, and there is a slot for it. */
static bool take_turn(Start *start, const char *argument, TurnKind kind, int *ret_slot_fd,
		      int *ret_exit_code)
{
	start_times_begin(now_usec(), realtime_usec(), &start->times);
	start_times_phase(&start->times, "waiting", now_usec());
	if (!turn_take(start->places, argument, kind, &start->turn, ret_exit_code))
		return false;
	start_times_phase(&start->times, "slot", now_usec());
	return start_slot_take(&start->turn, ret_slot_fd, ret_exit_code);
}

/* True where the VM ran already: *ret_exit_code is how it ended then. */
static bool adopted(const Places *places, const char *argument, VmOptions *options,
		    int *ret_exit_code)
{
	_cleanup_(state_file_done) StateFile state = { 0 };
	AdoptCase found = adopt_look(places, argument, &state);
	bool gone = false;

	if (found == ADOPT_UNBORN)
		options->replace = true;
	if (found == ADOPT_RUNNING)
		*ret_exit_code = adopt_run(places, argument, &state, options->kept, false, &gone);
	return found == ADOPT_RUNNING && !gone;
}

static int start_vm(Start *start, const char *argument, TurnKind kind, VmOptions *options)
{
	int exit_code, slot_fd = -EBADF;

	/* What an earlier VM left is none of this one's, but taps that stayed over a restart. */
	kept_remove_but(options->kept, TAP_STORE_PREFIX);
	options->start_slot_fd = &slot_fd;
	if (take_turn(start, argument, kind, &slot_fd, &exit_code))
		exit_code = run(start, argument, options);
	kept_remove_all(options->kept);
	options->start_slot_fd = NULL;
	slot_free(&slot_fd);
	turn_done(&start->turn);
	start_times_done(&start->times);
	return exit_code;
}

int cmd_run(const Places *places, int argc, char **argv)
{
	Start start = { .places = places };
	VmOptions options = { .console_fd = log_has_stdout() ? -EBADF : STDOUT_FILENO,
			      .judge = { judge_start, &start },
			      .state_directory = places->state_directory,
			      .times = &start.times };
	bool now = false;
	int exit_code;
	const Switch switches[] = { { "--replace", &options.replace }, { "--now", &now } };

	if (options_parse(argc, argv, switches, ELEMENTSOF(switches), 1, 1) < 0)
		return MVMD_EXIT_USAGE;
	places_make_state(places);
	if (kept_new(&options.kept) < 0) {
		log_line(LOG_LEVEL_ERROR, "out of memory");
		return MVMD_EXIT_SYSTEM;
	}
	/* The arguments are those of the start, which is long ago. */
	if (kept_is_reload(options.kept))
		options.replace = false;
	if (options.replace || !adopted(places, argv[1], &options, &exit_code))
		exit_code = start_vm(&start, argv[1], now ? TURN_NOW : TURN_WAITS, &options);
	(void) kept_free(options.kept);
	return exit_code;
}
