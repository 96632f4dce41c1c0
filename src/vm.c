/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "model/netns-fault.h"
#include "model/run-faults.h"
#include "mvmd/exit-codes.h"
#include "run/deaf.h"
#include "run/post-mortem.h"
#include "vm-internal.h"
#include "vm-log.h"

/* A VMM that was asked to quit gets this long before SIGKILL. */
#define VMM_QUIT_GRACE_USEC (3 * USEC_PER_SEC)

void vm_post(Vm *vm, VmEvent event)
{
	event_queue_post(&vm->queue, event);
	(void) sd_event_source_set_enabled(vm->dispatch, SD_EVENT_ON);
}

static void vm_tell(Vm *vm, LogLevel level, const Fault *fault, Fault *ret)
{
	fault_copy(ret, fault);
	fault_in_netns(vm->plan->spec->netns, ret);
	log_fault(level, ret);
	findings_keep(&vm->findings, ret);
	vm_record_soon(vm);
}

void vm_fail(Vm *vm, const Fault *fault)
{
	_cleanup_(fault_done) Fault told = { 0 };

	if (fault->error == -ECANCELED)
		return;
	vm_tell(vm, LOG_LEVEL_ERROR, fault, &told);
	if (vm->exit_code != MVMD_EXIT_OK)
		return;
	vm->exit_code = told.exit_code;
	fault_move(&vm->cause, &told);
}

void vm_remark(Vm *vm, const Fault *fault)
{
	_cleanup_(fault_done) Fault told = { 0 };

	vm_tell(vm, LOG_LEVEL_WARNING, fault, &told);
}

static void on_deadline(void *userdata)
{
	vm_post(userdata, VM_EVENT_DEADLINE);
}

/*
 * A guest that still boots does not hear its button: the press is lost where nobody has enabled it yet
 * (QEMU, hw/acpi/core.c: acpi_pm1_evt_power_down). So it is pressed again; one that hears it is on its way.
 */
static void on_countdown(uint64_t seconds_left, void *userdata)
{
	Vm *vm = userdata;

	vm_log_stop("waiting for the guest to power off, %" PRIu64
		    "s left (a second signal ends it now)",
		    seconds_left);
	(void) vmm_power_button(vm->resources.vmm);
}

static void vm_set_deadline(Vm *vm, VmDeadline deadline)
{
	if (deadline == VM_DEADLINE_NONE)
		deadline_clear(&vm->deadline);
	else if (deadline != VM_DEADLINE_KEEP)
		deadline_set(&vm->deadline, deadline_usec(deadline, &vm->plan->spec->timeouts),
			     deadline == VM_DEADLINE_STOP);
}

/* The deadline of a state is itself what failed: say what was awaited. */
static void vm_fail_deadline(Vm *vm, VmState from)
{
	const char *last_words = vmm_last_line(vm->resources.vmm);
	Fault fault = { 0 };

	if (from == VM_STOPPING && !vmm_owes_answer(vm->resources.vmm)) {
		lives_ignored_power_off(&vm->guest.lives);
		(void) fault_power_button_ignored(vm->plan, &fault);
		vm_remark(vm, &fault);
	} else {
		(void) fault_state_lasts(vm->plan, from, last_words, &fault);
		(void) deaf_tell(&vm->resources, &fault);
		vm_fail(vm, &fault);
	}
	fault_done(&fault);
}

static void vm_announce(Vm *vm)
{
	const StateFile *adoption = vm->options->adoption;
	uint64_t took_usec = now_usec() - vm->began_usec;

	bool reload = kept_is_reload(vm->options->kept);

	if (adoption && reload)
		vm_log_reloaded(took_usec);
	else if (adoption)
		vm_log_adopted(vm->plan->vmm, adoption, lives_last(&vm->guest.lives), took_usec);
	if (adoption && adoption->state == VM_RUNNING)
		vm->state_since_realtime_usec = adoption->since_realtime_usec;
	if (!adoption)
		vm_log_running(vm->plan->vmm, vmm_version(vm->resources.vmm),
			       vmm_pid(vm->resources.vmm), took_usec);
	if (adoption && adoption->ready)
		unit_runs(&vm->unit, vm->plan->vmm, vm->resources.vmm);
	else
		vm_await_guest(vm);
	vm_times_enter(vm, VM_RUNNING);
	vm_register(vm);
	vm_watch_links(vm);
	if (reload)
		vm_reloaded(vm);
	if (vm->wish_stop)
		vm_post(vm, VM_EVENT_STOP);
}

static void vm_press_power_button(Vm *vm)
{
	vm_log_stop("power button pressed; the guest has %" PRIu64
		    "s (a second signal ends it now)",
		    deadline_seconds_left(&vm->deadline));
	if (vmm_power_button(vm->resources.vmm) < 0)
		log_line(LOG_LEVEL_WARNING, "%s did not take the power button",
			 vmm_kind_to_string(vm->plan->vmm));
}

static void vm_create_or_boot(Vm *vm, bool boot)
{
	Vmm *vmm = vm->resources.vmm;
	int r = boot ? vmm_boot(vmm) : vmm_create(vmm);
	Fault fault = { 0 };

	if (r >= 0)
		return;
	(void) fault_vmm_not_asked(vm->plan, r, vm->state, &fault);
	vm_fail(vm, &fault);
	fault_done(&fault);
	vm_post(vm, VM_EVENT_VMM_FAILED);
}

VmStatus vm_status(const Vm *vm)
{
	return (VmStatus){ .state = vm->state,
			   .unit = &vm->unit,
			   .since_realtime_usec = vm->state_since_realtime_usec,
			   .lives = &vm->guest.lives,
			   .report = vm->plan->notify.port ? &vm->report : NULL,
			   .findings = &vm->findings };
}

/* What a post-mortem tells is there now for the last time. */
static void vm_unwind(Vm *vm)
{
	VmStatus status = vm_status(vm);

	if (vm->guest.lives.n > 0)
		vm->post_mortem = post_mortem_look(&vm->resources, &status);
	vm->took_lock = vm->resources.lock_fd >= 0;
	machined_unregister(vm->machined);
	vm_leave_links(vm);
	apply_undo(vm->apply);
}

static void vm_act(Vm *vm, unsigned actions, VmState from)
{
	if (actions & VM_ACTION_WISH_STOP)
		vm->wish_stop = true;
	if (actions & VM_ACTION_FAIL)
		vm_fail_deadline(vm, from);
	if (actions & VM_ACTION_APPLY)
		apply_begin(vm->apply);
	if (actions & VM_ACTION_CANCEL)
		apply_cancel(vm->apply);
	if (actions & VM_ACTION_CREATE)
		vm_create_or_boot(vm, false);
	if (actions & VM_ACTION_BOOT)
		vm_create_or_boot(vm, true);
	if (actions & VM_ACTION_ANNOUNCE)
		vm_announce(vm);
	if (actions & VM_ACTION_POWER_BUTTON)
		vm_press_power_button(vm);
	if (actions & VM_ACTION_QUIT)
		vmm_quit(vm->resources.vmm, VMM_QUIT_GRACE_USEC);
	if (actions & VM_ACTION_KILL)
		vmm_kill(vm->resources.vmm);
	if (actions & VM_ACTION_UNWIND)
		vm_unwind(vm);
	if (actions & VM_ACTION_LET_GO)
		vm_let_go(vm);
	if (actions & VM_ACTION_LEAVE)
		(void) sd_event_exit(vm->event, 0);
}

/* Whoever ends a VM is known to do so before he begins: a later supervisor goes on with that. */
static void vm_enter(Vm *vm, VmState state)
{
	vm->state = state;
	vm->state_since_realtime_usec = realtime_usec();
	if (state == VM_STOPPING || state == VM_ENDING)
		vm_record(vm);
	else
		vm_record_soon(vm);
}

static void vm_handle(Vm *vm, VmEvent event)
{
	VmState from = vm->state;
	bool ignored;
	VmTransition next = lifecycle_next(from, event, &ignored);

	if (ignored)
		return;
	if (next.state != from) {
		vm_enter(vm, next.state);
		vm_log_state(from, next.state, event);
		unit_enters(&vm->unit, next.state,
			    deadline_usec(next.deadline, &vm->plan->spec->timeouts));
		if (next.state != VM_RUNNING) /* that is announced first */
			vm_times_enter(vm, next.state);
	}
	vm_set_deadline(vm, next.deadline);
	vm_act(vm, next.actions, from);
}

static int on_dispatch(sd_event_source *source, void *userdata)
{
	Vm *vm = userdata;
	VmEvent event;

	if (!event_queue_take(&vm->queue, &event)) {
		(void) sd_event_source_set_enabled(source, SD_EVENT_OFF);
		return 0;
	}
	vm_handle(vm, event);
	return 0;
}

static void on_journal_room(void *userdata)
{
	(void) log_retry();
}

static int vm_init_sources(Vm *vm)
{
	int r;

	r = sd_event_new(&vm->event);
	if (r >= 0)
		r = vm_take_signals(vm);
	if (r >= 0)
		r = vm_make_recorder(vm);
	if (r >= 0)
		r = vm_make_reloader(vm);
	if (r >= 0)
		r = sd_event_set_watchdog(vm->event, true); /* nothing without WatchdogSec= */
	if (r >= 0)
		r = sd_event_add_defer(vm->event, &vm->dispatch, on_dispatch, vm);
	if (r >= 0)
		r = journal_room_new(vm->event, on_journal_room, vm, &vm->journal_room);
	return r < 0 ? r : 0;
}

static int vm_init(Vm *vm)
{
	int r = vm_init_sources(vm);

	if (r < 0)
		return r;
	vm->deadline =
		(Deadline){ .event = vm->event, .handler = { on_deadline, on_countdown, vm } };
	return vm_make_parts(vm);
}

static void vm_done(Vm *vm)
{
	(void) apply_free(vm->apply);
	vm_leave_links(vm);
	resources_done(&vm->resources);
	deadline_clear(&vm->deadline);
	vm_report_done(vm);
	(void) machined_free(vm->machined);
	(void) journal_room_free(vm->journal_room);
	(void) sd_event_source_disable_unref(vm->dispatch);
	(void) sd_event_source_disable_unref(vm->recorder);
	vm_reloader_done(vm);
	(void) sd_event_unref(vm->event);
	fault_list_done(&vm->findings);
	fault_done(&vm->cause);
	json_decref(vm->post_mortem);
	guest_done(&vm->guest);
	(void) vm_streams_free(vm->streams);
}

/* A record that cannot be written is told, and changes nothing. */
static void vm_leave_post_mortem(Vm *vm)
{
	const char *name = vm->plan->spec->name;
	int r;

	if (!vm->post_mortem || vm->exit_code == MVMD_EXIT_OK)
		return;
	post_mortem_finish(vm->post_mortem, vm->exit_code, &vm->cause, &vm->findings);
	r = post_mortem_write(vm->options->state_directory, name, vm->post_mortem);
	if (r < 0)
		log_line(LOG_LEVEL_WARNING, "no post-mortem of %s: %s", name, strerror(-r));
	else
		log_line(LOG_LEVEL_INFO, "mvmd status --last %s tells what happened", name);
}

int vm_run(const Plan *plan, const VmOptions *options, VmOutcome *outcome)
{
	/* A start begins where mvmd blame has it begin. */
	Vm vm = { .plan = plan,
		  .options = options,
		  .began_usec = options->times ? options->times->began_usec : now_usec() };
	int r;

	log_never_wait();
	vm.state_since_realtime_usec = realtime_usec();
	vm.unit.slot_fd = options->start_slot_fd;
	r = vm_init(&vm);
	if (r == 0) {
		vm.guest.lives.crashes = outcome->crashes;
		if (options->adoption)
			vm_restore(&vm);
		vm_post(&vm, options->adoption ? VM_EVENT_ADOPT : VM_EVENT_START);
		r = sd_event_loop(vm.event);
	}
	if (r < 0) {
		log_line(LOG_LEVEL_ERROR, "the event loop failed: %s", strerror(-r));
		vm.exit_code = MVMD_EXIT_SYSTEM;
	}
	if (vm.streams)
		vm_streams_flush(vm.streams);
	vm_leave_post_mortem(&vm);
	vm_log_ended(vm.exit_code, &vm.cause);
	unit_ended(&vm.unit, vm.exit_code, vm.cause.what);
	*outcome = (VmOutcome){ vm.guest.lives.crashes, vm.cause.id, vm.took_lock,
				vm.let_go && streq_null(vm.cause.id, "vmm-gone") };
	vm_done(&vm);
	return vm.exit_code;
}
