/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/adopt.h"
#include "cli/client.h"
#include "cli/prepare.h"
#include "cli/turn.h"
#include "host/host-facts.h"
#include "host/vm-dir.h"
#include "mvmd/exit-codes.h"
#include "run/systemd.h"
#include "vm.h"

typedef struct Adopter {
	const Places *places;
	Prepared prepared;
	Turn turn;
} Adopter;

static AdoptCase case_of(const StateFile *state)
{
	switch (state->state) {
	case VM_BOOTING:
	case VM_RUNNING:
	case VM_PAUSED:
	case VM_STOPPING:
	case VM_ENDING:
	case VM_UNWINDING:
		return state->spec ? ADOPT_RUNNING : ADOPT_NOTHING;
	case VM_APPLYING:
	case VM_CREATING:
		return ADOPT_UNBORN;
	case VM_NEW: /* a record of version 1, which does not tell */
	case VM_WAITING:
	case VM_DEAD:
	case VM_ADOPTING:
	case _VM_STATE_MAX:
	default:
		return ADOPT_NOTHING;
	}
}

AdoptCase adopt_look(const Places *places, const char *argument, StateFile *ret)
{
	_cleanup_free_ char *name = vm_name_of_argument(argument);
	_cleanup_(state_file_done) StateFile state = { 0 };
	_cleanup_(vm_places_done) VmPlaces vm = { 0 };
	AdoptCase found = ADOPT_NOTHING;

	if (!name || vm_places_init(places->runtime_directory, name, &vm) < 0)
		return ADOPT_NOTHING;
	if (!vm_is_others(vm.lock_file) && state_file_read(vm.state_file, &state) == 0 &&
	    state_process_is_alive(&state.vmm))
		found = case_of(&state);
	if (found == ADOPT_RUNNING) {
		*ret = state;
		state = (StateFile){ 0 };
	}
	return found;
}

/* What was judged at the start is judged no more; but a death of the guest is explained by known issues as ever. */
static int look_again(void *userdata, FaultList *ret)
{
	Adopter *adopter = userdata;
	FaultList known = { 0 };

	if (!adopter->turn.history.runs)
		turn_begins(&adopter->turn);
	host_switches_probe(&adopter->prepared.facts.host);
	prepared_find_issues(&adopter->prepared, adopter->places, &known);
	fault_list_done(&known);
	return 0;
}

/*
 * After an end that no restart cures the sweep of the unit would end the VM (model/sweep.h); but one that cannot be taken
 * over goes on running, and the next try may succeed.
 */
static int never_final(int exit_code, const StateFile *state)
{
	if (exit_code_is_retried(exit_code) || !state_process_is_alive(&state->vmm))
		return exit_code;
	return MVMD_EXIT_BUSY;
}

static int adopt(Adopter *adopter, const char *argument, const VmOptions *options, bool *ret_gone)
{
	VmOutcome outcome = { .crashes = adopter->turn.history.crashes };
	int exit_code = prepare_adoption(adopter->places, adopter->turn.name, options->adoption,
					 &adopter->prepared);

	if (exit_code == MVMD_EXIT_OK) {
		exit_code = never_final(vm_run(adopter->prepared.plan, options, &outcome),
					options->adoption);
		adopter->turn.others = !outcome.took_lock;
		*ret_gone = outcome.vmm_gone;
	} else {
		exit_code = never_final(exit_code, options->adoption);
		log_line(LOG_LEVEL_ERROR,
			 "the VM goes on running without a supervisor: its VMM is pid %d; mvmd run "
			 "%s tries again, mvmd stop --force %s ends it",
			 options->adoption->vmm.pid, argument, argument);
		unit_ended(&(SystemdUnit){ 0 }, exit_code,
			   "the running VM could not be taken over");
	}
	if (!*ret_gone)
		turn_ended(&adopter->turn, exit_code, outcome.cause, &outcome.crashes);
	prepared_done(&adopter->prepared);
	return exit_code;
}

int adopt_run(const Places *places, const char *argument, const StateFile *state, Kept *kept,
	      bool stop, bool *ret_gone)
{
	Adopter adopter = { .places = places };
	const VmOptions options = { .kept = kept,
				    .adoption = state,
				    .stop = stop,
				    .console_fd = stop || log_has_stdout() ? -EBADF : STDOUT_FILENO,
				    .judge = { look_again, &adopter },
				    .state_directory = places->state_directory };
	int exit_code;

	*ret_gone = false;
	if (turn_take(places, argument, TURN_GOES_ON, &adopter.turn, &exit_code))
		exit_code = adopt(&adopter, argument, &options, ret_gone);
	turn_done(&adopter.turn);
	return exit_code;
}
