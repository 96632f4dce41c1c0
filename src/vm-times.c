/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "run/start-record.h"
#include "vm-internal.h"

/* Where the time of a start goes: noted as it goes, and written once the VM runs. One that fails is cmd-run.c's. */

static StartTimes *times_of(const Vm *vm)
{
	StartTimes *times = vm->options->times;

	return times && !times->over && !vm->is_no_start ? times : NULL;
}

void vm_times_step(Vm *vm, const PlanStep *step, uint64_t took_usec)
{
	StartTimes *times = times_of(vm);
	uint64_t now = now_usec();

	if (times)
		start_times_step(times, step, now - took_usec, now, SPAN_DONE);
}

/* All that began and is not applied: the one that failed, and those that went on beside it. */
static void note_unapplied(const Vm *vm, StartTimes *times, uint64_t now)
{
	for (size_t i = 0; i < vm->plan->n_steps; i++) {
		const PlanStep *step = &vm->plan->steps[i];
		uint64_t began_usec = apply_began_usec(vm->apply, step);

		if (began_usec > 0)
			start_times_step(times, step, began_usec, now,
					 step == vm->failed_step ? SPAN_FAILED : SPAN_UNFINISHED);
	}
}

static void start_ends(const Vm *vm, StartTimes *times, bool runs)
{
	uint64_t now = now_usec();
	int r;

	note_unapplied(vm, times, now);
	start_times_end(times, now, vm->plan, runs);
	r = runs ? start_record_write(vm->options->state_directory, times) : 0;
	if (r < 0)
		log_line(LOG_LEVEL_DEBUG, "no record of where the start's time went: %s",
			 strerror(-r));
}

void vm_times_enter(Vm *vm, VmState state)
{
	StartTimes *times = times_of(vm);

	vm->is_no_start = vm->is_no_start || state == VM_ADOPTING;
	if (!times)
		return;
	if (state == VM_APPLYING || state == VM_CREATING || state == VM_BOOTING)
		start_times_phase(times, vm_state_to_string(state), now_usec());
	else if (state == VM_RUNNING && !vm->unit.ready)
		start_times_phase(times, "guest", now_usec());
	else if (state != VM_ADOPTING)
		start_ends(vm, times, state == VM_RUNNING);
}
