/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/log.h"
#include "model/adopt-faults.h"
#include "model/fault-json.h"
#include "model/lives-json.h"
#include "mvmd/exit-codes.h"
#include "run/surroundings.h"
#include "vm-internal.h"
#include "vm-log.h"

/* The record for a later supervisor, and what an earlier one left in it. */

/* While it is adopted it is not yet known here what the last one knew: its record is better than ours. */
void vm_record(Vm *vm)
{
	StateFile state = { 0 };
	int r;

	if (vm->state == VM_ADOPTING || vm->let_go)
		return;
	r = resources_describe(&vm->resources, &state);
	if (r == 0) {
		state.state = vm->state;
		state.since_realtime_usec = vm->state_since_realtime_usec;
		state.exit_code = vm->exit_code;
		state.ready = vm->unit.ready;
		state.lives = lives_to_record(&vm->guest.lives);
		state.findings = fault_list_to_record(&vm->findings);
		r = state_file_write(vm->plan->places.state_file, &state);
	}
	/* Before its step made the directory there is nothing to record. */
	if (r < 0 && r != -ENOENT)
		log_line(LOG_LEVEL_DEBUG, "the record of the VM cannot be written: %s",
			 strerror(-r));
	state_file_done(&state);
}

static int on_record(sd_event_source *source, void *userdata)
{
	vm_record(userdata);
	return 0;
}

int vm_make_recorder(Vm *vm)
{
	int r = sd_event_add_defer(vm->event, &vm->recorder, on_record, vm);

	if (r < 0)
		return r;
	return sd_event_source_set_enabled(vm->recorder, SD_EVENT_OFF);
}

void vm_record_soon(Vm *vm)
{
	(void) sd_event_source_set_enabled(vm->recorder, SD_EVENT_ONESHOT);
}

static void tell_unknown(Vm *vm, const char *part, int error)
{
	Fault fault = { 0 };

	(void) fault_adopt_record(vm->plan, part, error, &fault);
	vm_remark(vm, &fault);
	fault_done(&fault);
}

static void restore_lives(Vm *vm, const StateFile *state)
{
	Lives *lives = &vm->guest.lives;
	bool may_be_mute = lives->may_be_mute;
	int r = state->lives ? lives_from_record(state->lives, lives) : 0;

	lives->may_be_mute = may_be_mute;
	if (r < 0)
		tell_unknown(vm, "lives", r);
}

static void restore_findings(Vm *vm, const StateFile *state)
{
	int r = fault_list_from_json(state->findings, &vm->findings);

	if (r < 0)
		tell_unknown(vm, "findings", r);
	vm->exit_code = state->exit_code;
	for (size_t i = 0; i < vm->findings.n && !vm->cause.what; i++)
		if (vm->exit_code != MVMD_EXIT_OK &&
		    vm->findings.items[i].exit_code == vm->exit_code)
			fault_copy(&vm->cause, &vm->findings.items[i]);
}

void vm_restore(Vm *vm)
{
	const StateFile *state = vm->options->adoption;

	restore_findings(vm, state);
	restore_lives(vm, state);
	vm->report.ready = state->ready;
	vm->wish_stop = vm->options->stop || state->state == VM_STOPPING;
}

/* Of the links run/link-watch.h tells. */
static void tell_disks(Vm *vm)
{
	FaultList now = { 0 };

	(void) surroundings_look_at_disks(&vm->resources, &now);
	for (size_t i = 0; i < now.n; i++)
		vm_remark(vm, &now.items[i]);
	fault_list_done(&now);
}

/* What has happened to the VM meanwhile, or was to happen, is dealt with as if it happened now. */
void vm_adopted(Vm *vm)
{
	VmState before = vm->options->adoption->state;
	VmmFound found = vmm_found(vm->resources.vmm);
	Fault fault = { 0 };

	/* cloud-hypervisor forgets a guest that powered off, and is as if it had never had one. */
	if (found == VMM_FOUND_NO_GUEST && vm->guest.lives.n > 0)
		found = VMM_FOUND_OFF;
	if (found == VMM_FOUND_NO_GUEST) {
		(void) fault_adopt_no_guest(vm->plan, &fault);
		vm_fail(vm, &fault);
		fault_done(&fault);
		vm_post(vm, VM_EVENT_VMM_FAILED);
		return;
	}
	/* What nobody reads, a pty holds for the moment that a reload takes. */
	guest_continues(&vm->guest, !kept_is_reload(vm->options->kept) || vm->plan->console_socket);
	tell_disks(vm);
	vm_post(vm, VM_EVENT_ADOPTED);
	if (found == VMM_FOUND_PAUSED)
		vm_post(vm, VM_EVENT_PAUSED);
	else if (found == VMM_FOUND_OFF)
		vm_guest_off(vm);
	else if (found == VMM_FOUND_PANIC)
		vm_guest_panicked(vm);
	if (before == VM_ENDING || before == VM_UNWINDING)
		vm_post(vm, VM_EVENT_FORCE);
}

/* What was begun is left as it is: the VM is more than its supervisor. */
void vm_let_go(Vm *vm)
{
	pid_t pid = vm->options->adoption->vmm.pid;
	Fault fault = { 0 };

	vm->let_go = true;
	resources_let_go(&vm->resources);
	if (!streq_null(vm->cause.id, "vmm-gone")) {
		(void) fault_adopt_failed(vm->plan, pid, &vm->cause, &fault);
		vm_fail(vm, &fault);
		fault_done(&fault);
	}
	vm_post(vm, VM_EVENT_UNWOUND);
}
