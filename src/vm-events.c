/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "model/backend-end.h"
#include "model/drivers.h"
#include "model/run-faults.h"
#include "mvmd/exit-codes.h"
#include "run/deaf.h"
#include "run/signals.h"
#include "vm-internal.h"
#include "vm-log.h"

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	Vm *vm = userdata;

	/* Nobody types Ctrl-C at a unit: it is machinectl reboot. */
	if (info->ssi_signo == SIGINT && !vm->wish_stop && machined_restart(vm->machined)) {
		vm_log_stop("asked to reboot: systemd restarts the unit");
		return 0;
	}
	/* The first is a request, the next are impatience. After somebody's mvmd stop a first one is none. */
	lives_asked(&vm->guest.lives, LIFE_ASKED_BY_SIGNAL);
	if (vm->signalled) {
		vm_log_stop("ending the VM now");
		vm_post(vm, VM_EVENT_FORCE);
	} else {
		vm->signalled = vm->wish_stop = true;
		vm_post(vm, VM_EVENT_STOP);
	}
	return 0;
}

int vm_take_signals(Vm *vm)
{
	return signals_take(vm->event, on_signal, vm);
}

/* The steps: what a person wants to see pass by at a start. */

static void on_step_waiting(const PlanStep *step, void *userdata)
{
	Vm *vm = userdata;

	if (!vm->options->adoption)
		vm_log_step_waits(step);
	unit_step_waits(&vm->unit, step);
}

static void on_step(const PlanStep *step, uint64_t took_usec, void *userdata)
{
	Vm *vm = userdata;

	if (!vm->options->adoption)
		vm_log_step(step, took_usec);
	vm_times_step(vm, step, took_usec);
	unit_step_done(&vm->unit, step);
}

static void on_applied(void *userdata)
{
	Vm *vm = userdata;

	if (vm->options->adoption)
		vm_adopted(vm);
	else
		vm_post(vm, VM_EVENT_APPLIED);
}

static void on_step_failed(const PlanStep *step, const Fault *fault, void *userdata)
{
	Vm *vm = userdata;

	if (fault->error != -ECANCELED)
		vm->failed_step = step;
	log_set_field(MVMD_FIELD_STEP, step->id);
	vm_fail(vm, fault);
	log_set_field(MVMD_FIELD_STEP, NULL);
	vm_post(vm, VM_EVENT_STEP_FAILED);
}

static void on_undone(void *userdata)
{
	Vm *vm = userdata;

	kept_remove_all(vm->options->kept);
	vm_post(vm, VM_EVENT_UNWOUND);
}

/* The VMM and its guest. */

static void on_given_up(const Fault *fault, void *userdata)
{
	Vm *vm = userdata;

	vm->exit_code = MVMD_EXIT_OK; /* whatever failed before, this is not to be tried again */
	vm_fail(vm, fault);
	vm_post(vm, VM_EVENT_CRASHED);
}

void vm_guest_panicked(Vm *vm)
{
	Fault fault = { 0 };

	if (event_queue_has(&vm->queue, VM_EVENT_CRASHED))
		return;
	(void) fault_guest_death(lives_last(&vm->guest.lives), &fault);
	vm_fail(vm, &fault);
	fault_done(&fault);
	guest_life_ends(&vm->guest, LIFE_PANIC);
	vm_post(vm, VM_EVENT_CRASHED);
}

static void on_vmm_exit(Vm *vm, const ChildEnd *end)
{
	Fault fault = { 0 };

	/* All that VMM and guest said comes before what we say of it. */
	if (vm->resources.console)
		console_drain(vm->resources.console);
	vm_streams_flush(vm->streams);
	lives_last_words(&vm->guest.lives, vmm_last_line(vm->resources.vmm));
	if (vm->state == VM_ENDING || vm->state == VM_UNWINDING) {
		guest_life_ends(&vm->guest, LIFE_STOPPED);
	} else {
		(void) vmm_explain_end(vm->resources.vmm, end, &fault);
		if (vmm_is_rebooting(vm->resources.vmm))
			(void) deaf_tell(&vm->resources, &fault);
		vm_fail(vm, &fault);
		fault_done(&fault);
		guest_life_ends(&vm->guest, LIFE_VMM_EXITED);
	}
	vm_record(vm);
	vm_post(vm, VM_EVENT_VMM_EXITED);
	apply_step_undone(vm->apply, STEP_VMM, 0);
}

static void on_vmm_failed(Vm *vm, const Fault *fault)
{
	if (vm->state == VM_APPLYING || vm->state == VM_ADOPTING) {
		apply_step_done(vm->apply, STEP_VMM, 0, fault);
		return;
	}
	vm_fail(vm, fault);
	vm_post(vm, VM_EVENT_VMM_FAILED);
}

void vm_guest_off(Vm *vm)
{
	if (event_queue_has(&vm->queue, VM_EVENT_GUEST_OFF))
		return;
	vm_log_guest("powered off");
	guest_life_ends(&vm->guest, LIFE_POWER_OFF);
	vm_post(vm, VM_EVENT_GUEST_OFF);
}

static void on_vmm_event(Vmm *vmm, const VmmEvent *event, void *userdata)
{
	Vm *vm = userdata;

	vm_record_soon(vm);
	switch (event->kind) {
	case VMM_READY:
		apply_step_done(vm->apply, STEP_VMM, 0, NULL);
		break;
	case VMM_CREATED:
		vm_post(vm, VM_EVENT_CREATED);
		break;
	case VMM_BOOTED:
		guest_booted(&vm->guest);
		vm_log_life(vm->guest.lives.n);
		vm_post(vm, VM_EVENT_BOOTED);
		break;
	case VMM_FAILED:
		on_vmm_failed(vm, event->fault);
		break;
	case VMM_REBOOTING:
		vm_log_guest("reboots");
		guest_life_ends(&vm->guest, LIFE_REBOOT);
		break;
	case VMM_REBOOTED:
		findings_new_life(&vm->findings);
		guest_life_begins(&vm->guest);
		vm_log_life(vm->guest.lives.n);
		vm_report_new_life(vm);
		break;
	case VMM_ACTIVATED:
		log_line(LOG_LEVEL_DEBUG, "the guest's driver took %s", event->device);
		lives_activated(&vm->guest.lives, event->device);
		findings_driver_came(&vm->findings, event->device);
		break;
	case VMM_GUEST_OFF:
		vm_guest_off(vm);
		break;
	case VMM_GUEST_PANIC:
		vm_guest_panicked(vm);
		break;
	case VMM_EXITED:
		on_vmm_exit(vm, event->end);
		break;
	case _VMM_EVENT_MAX:
	default:
		break;
	}
}

static void on_vmm_line(Vmm *vmm, const char *line, void *userdata)
{
	Vm *vm = userdata;

	vm_streams_vmm_line(vm->streams, line);
}

/* The backends. */

static void on_backend_crash(Backend *backend, const Fault *fault, void *userdata)
{
	Vm *vm = userdata;

	log_set_field(MVMD_FIELD_BACKEND, backend_plan(backend)->id);
	vm_remark(vm, fault);
	log_set_field(MVMD_FIELD_BACKEND, NULL);
}

static void on_backend_lost(Backend *backend, const Fault *fault, void *userdata)
{
	Vm *vm = userdata;

	/* A backend leaves with the VMM that is its client: no loss while both are to go. */
	if (vm->state == VM_ENDING || vm->state == VM_UNWINDING)
		return;
	lives_lost_backend(&vm->guest.lives);
	log_set_field(MVMD_FIELD_BACKEND, backend_plan(backend)->id);
	vm_fail(vm, fault);
	log_set_field(MVMD_FIELD_BACKEND, NULL);
	vm_post(vm, VM_EVENT_BACKEND_LOST);
}

static void on_backend_line(Backend *backend, const char *line, void *userdata)
{
	Vm *vm = userdata;

	vm_streams_backend_line(vm->streams, backend_plan(backend), line);
}

static void on_backend_exit(Backend *backend, const char *words, void *userdata)
{
	Vm *vm = userdata;

	vm_streams_backend_ended(vm->streams, backend_plan(backend));
	lives_backend_left(&vm->guest.lives, words);
	vm_record_soon(vm);
}

static void on_backend_restart(Backend *backend, void *userdata)
{
	Vm *vm = userdata;

	if (vm->resources.vmm)
		vmm_count_oom_kills(vm->resources.vmm);
	vm_record(vm);
}

static void on_backend_stopped(Backend *backend, void *userdata)
{
	Vm *vm = userdata;

	apply_step_undone(vm->apply, STEP_BACKEND,
			  (size_t) (backend_plan(backend) - vm->plan->backends));
}

/* The control socket. */

static json_t *get_status(void *userdata)
{
	Vm *vm = userdata;
	VmStatus status = vm_status(vm);

	return status_to_json(&vm->resources, &status);
}

static uint64_t on_stop_request(bool force, void *userdata)
{
	Vm *vm = userdata;

	vm_log_stop("asked to %s", force ? "end the VM now" : "stop");
	lives_asked(&vm->guest.lives, LIFE_ASKED_BY_API);
	vm->wish_stop = true;
	vm_post(vm, force ? VM_EVENT_FORCE : VM_EVENT_STOP);
	return force ? 0 : vm->plan->spec->timeouts.stop_usec;
}

static bool console_is_ready(void *userdata)
{
	Vm *vm = userdata;

	return vm->resources.console && console_has_room(vm->resources.console);
}

static void on_console_request(int fd, void *userdata)
{
	Vm *vm = userdata;

	(void) console_attach(vm->resources.console, fd);
}

static void on_change(void *userdata)
{
	vm_record(userdata);
}

static void on_remark(const Fault *fault, void *userdata)
{
	vm_remark(userdata, fault);
}

static void on_console_output(const char *bytes, size_t n, void *userdata)
{
	Vm *vm = userdata;

	vm_streams_console(vm->streams, bytes, n);
	guest_hear(bytes, n, &vm->guest);
}

int vm_make_parts(Vm *vm)
{
	ResourceHandlers handlers = {
		.backend = { .on_exit = on_backend_exit,
			     .on_crash = on_backend_crash,
			     .on_lost = on_backend_lost,
			     .on_line = on_backend_line,
			     .on_restart = on_backend_restart,
			     .on_stopped = on_backend_stopped,
			     .userdata = vm },
		.vmm = { on_vmm_event, on_vmm_line, vm },
		.control = { get_status, on_stop_request, console_is_ready, on_console_request,
			     vm_ask_reload, vm },
		.notify = { vm_hear_report, vm },
		.on_console_output = on_console_output,
		.console_userdata = vm,
		.on_change = on_change,
		.on_remark = on_remark,
		.console_output_fd = vm->options->console_fd,
		.userdata = vm,
	};
	GuestHandler guest_handler = { on_remark, on_given_up, vm };
	ApplyHandler applying = { on_step_waiting, on_step,   on_applied,
				  on_step_failed,  on_undone, vm };
	int r;

	r = vm_streams_new(vm->event, vm->plan, &vm->streams);
	if (r < 0)
		return r;
	r = resources_init(vm->event, vm->plan, &handlers, &vm->resources);
	if (r < 0)
		return r;
	guest_report_init(&vm->report);
	guest_init(vm->event, &vm->resources, &guest_handler, &vm->guest);
	vm->resources.kept = vm->options->kept;
	vm->resources.adoption = vm->options->adoption;
	vm->resources.replace = vm->options->replace;
	vm->resources.judge = vm->options->judge;
	return apply_new(&vm->resources, &applying, &vm->apply);
}

/* The list of machines. */

static void on_machined_refused(const char *what, const char *why, void *userdata)
{
	log_line(LOG_LEVEL_INFO, "%s: %s", what, why);
}

void vm_register(Vm *vm)
{
	MachinedHandler handler = { on_machined_refused, vm };
	_cleanup_free_ int32_t *interfaces = calloc(vm->plan->n_nics + 1, sizeof(*interfaces));
	size_t n = 0;

	/* machined would take indexes of another namespace for the host's. */
	for (size_t i = 0; interfaces && !vm->plan->spec->netns && i < vm->plan->n_nics; i++)
		if (vm->resources.taps[i].ifindex > 0)
			interfaces[n++] = vm->resources.taps[i].ifindex;
	/* machined takes the host's VMs alone: root's. */
	if (!vm->machined && interfaces && vm->plan->facts->euid == 0)
		(void) machined_register(vm->event, vm->plan->spec->name, interfaces, n, &handler,
					 &vm->machined);
}
