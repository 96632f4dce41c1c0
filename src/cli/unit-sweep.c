/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/log.h"
#include "cli/options.h"
#include "cli/unit-sweep.h"
#include "host/sweep.h"
#include "host/tap-note.h"
#include "host/unit-job.h"
#include "host/vm-dir.h"
#include "model/spec.h"
#include "model/sweep.h"
#include "mvmd/exit-codes.h"

/* The supervisor had begun to end the VM: it records that before it does anything for it. */
static bool is_ending(VmState state)
{
	return state == VM_STOPPING || state == VM_ENDING || state == VM_UNWINDING;
}

/* Who has the lock is a supervisor that lives, started by hand perhaps: what is there is his. */
static int sweep_away(const VmPlaces *vm)
{
	_cleanup_(fault_done) Fault fault = { 0 };
	_cleanup_free_ char *found = NULL;
	int r, lock_fd = -EBADF;

	r = vm_lock(vm, &lock_fd, &fault);
	if (r == -EBUSY) {
		log_line(LOG_LEVEL_INFO, "%s; nothing of it is swept away", fault.what);
		return MVMD_EXIT_OK;
	}
	if (r == 0) {
		r = vm_sweep(vm, &found, &fault);
		vm_unlock(vm, lock_fd);
	}
	if (found)
		log_line(LOG_LEVEL_INFO, "swept away: %s", found);
	if (r < 0)
		log_fault(LOG_LEVEL_ERROR, &fault);
	return fault.exit_code;
}

/* Taps stayed for a restart, and no start follows: somebody asked for a stop meanwhile, or the start has failed. */
static void sweep_kept_taps(const VmPlaces *vm)
{
	_cleanup_(nl_connection_free_p) Nl *nl = NULL;
	_cleanup_(str_buf_done) StrBuf found = { 0 };
	_cleanup_(fault_done) Fault fault = { 0 };
	int lock_fd = -EBADF;

	if (!tap_note_exists(vm) || unit_is_restarting(vm->name) ||
	    nl_connection_new(NETLINK_ROUTE, &nl) < 0 || vm_lock(vm, &lock_fd, &fault) < 0)
		return;
	tap_note_sweep(vm, nl, &found);
	vm_unlock(vm, lock_fd);
	if (found.length > 0)
		log_line(LOG_LEVEL_INFO, "swept away: %s", found.text);
}

static void say_left(const VmPlaces *vm, const StateFile *state)
{
	if (vm_lock_holder(vm->lock_file) == 0 && state_process_is_alive(&state->vmm))
		log_line(LOG_LEVEL_INFO,
			 "the VM goes on running, %s pid %d, for the next supervisor to adopt it",
			 state->vmm.label, state->vmm.pid);
}

static int sweep(const VmPlaces *vm)
{
	_cleanup_(state_file_done) StateFile state = { 0 };
	UnitEnd end = { getenv("SERVICE_RESULT"), getenv("EXIT_CODE"), getenv("EXIT_STATUS"),
			false };

	if (state_file_read(vm->state_file, &state) == 0)
		end.was_stopping = is_ending(state.state);
	if (end.service_result)
		sweep_kept_taps(vm);
	switch (sweep_choose(&end)) {
	case SWEEP_AWAY:
		return sweep_away(vm);
	case SWEEP_LEAVE:
		say_left(vm, &state);
		return MVMD_EXIT_OK;
	case SWEEP_NOT_ASKED:
	case _SWEEP_CHOICE_MAX:
	default:
		log_line(LOG_LEVEL_ERROR, "unit sweep: systemd calls this after the end of the "
					  "unit, and tells by $SERVICE_RESULT how that came; "
					  "mvmd stop is for you");
		return MVMD_EXIT_USAGE;
	}
}

int unit_sweep(const Places *places, int argc, char **argv)
{
	_cleanup_(vm_places_done) VmPlaces vm = { 0 };
	int exit_code;

	if (options_parse(argc, argv, NULL, 0, 1, 1) < 0)
		return MVMD_EXIT_USAGE;
	if (!vm_name_is_valid(argv[1])) {
		log_line(LOG_LEVEL_ERROR, "\"%s\" is no name of a VM", argv[1]);
		return MVMD_EXIT_USAGE;
	}
	if (vm_places_init(places->runtime_directory, argv[1], &vm) < 0)
		return MVMD_EXIT_SYSTEM;
	log_set_vm(vm.name);
	exit_code = sweep(&vm);
	log_set_vm(NULL);
	return exit_code;
}
