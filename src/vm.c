/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "model/backend-end.h"
#include "model/drivers.h"
#include "model/event-queue.h"
#include "model/run-faults.h"
#include "mvmd/exit-codes.h"
#include "run/apply.h"
#include "run/deadline.h"
#include "run/deaf.h"
#include "run/guest.h"
#include "run/post-mortem.h"
#include "run/signals.h"
#include "run/status.h"
#include "run/systemd.h"
#include "vm.h"

/* A VMM that was asked to quit gets this long before SIGKILL. */
#define VMM_QUIT_GRACE_USEC (3 * USEC_PER_SEC)

typedef struct Vm {
	const Plan *plan;
	const VmOptions *options;
	sd_event *event;
	Resources resources;
	Apply *apply;

	VmState state;
	uint64_t state_since_realtime_usec;
	uint64_t began_usec;
	bool wish_stop, signalled, took_lock;
	int exit_code; /* of the first failure; 0: none so far */
	Fault cause; /* that failure */
	FaultList findings;
	json_t *post_mortem; /* NULL: no guest ever ran */

	EventQueue queue;
	sd_event_source *dispatch; /* enabled while the queue is not empty */
	Deadline deadline; /* of the state */

	Guest guest;
	SystemdUnit unit;
} Vm;

/* Events are dealt with one after the other from the loop, never within the callback that brought them. */
static void vm_post(Vm *vm, VmEvent event)
{
	event_queue_post(&vm->queue, event);
	(void) sd_event_source_set_enabled(vm->dispatch, SD_EVENT_ON);
}

/* The first failure decides the exit code; all are told. A wait that we cancelled ourselves is none. */
static void vm_fail(Vm *vm, const Fault *fault)
{
	if (fault->error == -ECANCELED)
		return;
	log_fault(LOG_LEVEL_ERROR, fault);
	findings_keep(&vm->findings, fault);
	if (vm->exit_code != MVMD_EXIT_OK)
		return;
	vm->exit_code = fault->exit_code;
	fault_copy(&vm->cause, fault);
}

/* Something that a person should know and that ends nothing. */
static void vm_remark(Vm *vm, const Fault *fault)
{
	log_fault(LOG_LEVEL_WARNING, fault);
	findings_keep(&vm->findings, fault);
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

	log_line(LOG_LEVEL_INFO,
		 "waiting for the guest to power off, %" PRIu64
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
	log_line(LOG_LEVEL_INFO, "running after %" PRIu64 "ms: %s %s, pid %d",
		 (now_usec() - vm->began_usec) / USEC_PER_MSEC, vmm_kind_to_string(vm->plan->vmm),
		 vmm_version(vm->resources.vmm) ?: "(version unknown)", vmm_pid(vm->resources.vmm));
	unit_runs(&vm->unit, vm->plan->vmm, vm->resources.vmm);
	if (vm->wish_stop)
		vm_post(vm, VM_EVENT_STOP);
}

static void vm_press_power_button(Vm *vm)
{
	log_line(LOG_LEVEL_INFO,
		 "power button pressed; the guest has %" PRIu64 "s (a second signal ends it now)",
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

static VmStatus vm_status(const Vm *vm)
{
	return (VmStatus){ .state = vm->state,
			   .since_realtime_usec = vm->state_since_realtime_usec,
			   .lives = &vm->guest.lives,
			   .findings = &vm->findings };
}

/* What a post-mortem tells is there now for the last time. */
static void vm_unwind(Vm *vm)
{
	VmStatus status = vm_status(vm);

	if (vm->guest.lives.n > 0)
		vm->post_mortem = post_mortem_look(&vm->resources, &status);
	vm->took_lock = vm->resources.lock_fd >= 0;
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
	if (actions & VM_ACTION_LEAVE)
		(void) sd_event_exit(vm->event, 0);
}

static void vm_handle(Vm *vm, VmEvent event)
{
	VmState from = vm->state;
	bool ignored;
	VmTransition next = lifecycle_next(from, event, &ignored);

	if (ignored)
		return;
	if (next.state != from) {
		vm->state = next.state;
		vm->state_since_realtime_usec = realtime_usec();
		log_line(LOG_LEVEL_DEBUG, "%s -> %s (%s)", vm_state_to_string(from),
			 vm_state_to_string(next.state), vm_event_to_string(event));
		unit_enters(&vm->unit, next.state,
			    deadline_usec(next.deadline, &vm->plan->spec->timeouts));
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

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	Vm *vm = userdata;

	/* The first is a request, the next are impatience. After somebody's mvmd stop a first one is none. */
	lives_asked(&vm->guest.lives, LIFE_ASKED_BY_SIGNAL);
	if (vm->signalled) {
		log_line(LOG_LEVEL_INFO, "ending the VM now");
		vm_post(vm, VM_EVENT_FORCE);
	} else {
		vm->signalled = vm->wish_stop = true;
		vm_post(vm, VM_EVENT_STOP);
	}
	return 0;
}

/* The steps: what a person wants to see pass by at a start. */

static void on_step_waiting(const PlanStep *step, void *userdata)
{
	Vm *vm = userdata;
	char text[FORMAT_MAX];

	log_line(step->kind == STEP_VMM ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
		 "waiting up to %s for %s", format_duration(text, step->deadline_usec),
		 step->awaits);
	unit_step_waits(&vm->unit, step);
}

static void on_step(const PlanStep *step, uint64_t took_usec, void *userdata)
{
	Vm *vm = userdata;
	bool visible = step->kind == STEP_TAP || step->kind == STEP_BACKEND ||
		       step->kind == STEP_EXTERNAL || step->kind == STEP_VMM;

	log_line(visible ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "%s", step->what);
	unit_step_done(&vm->unit, step);
}

static void on_applied(void *userdata)
{
	vm_post(userdata, VM_EVENT_APPLIED);
}

static void on_step_failed(const PlanStep *step, const Fault *fault, void *userdata)
{
	Vm *vm = userdata;

	vm_fail(vm, fault);
	vm_post(vm, VM_EVENT_STEP_FAILED);
}

static void on_undone(void *userdata)
{
	vm_post(userdata, VM_EVENT_UNWOUND);
}

/* The VMM and its guest. */

static void on_given_up(const Fault *fault, void *userdata)
{
	Vm *vm = userdata;

	vm->exit_code = MVMD_EXIT_OK; /* whatever failed before, this is not to be tried again */
	vm_fail(vm, fault);
	vm_post(vm, VM_EVENT_CRASHED);
}

static void on_panic(Vm *vm)
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

	lives_last_words(&vm->guest.lives, vmm_last_line(vm->resources.vmm));
	if (vm->state == VM_KILLING || vm->state == VM_UNWINDING) {
		guest_life_ends(&vm->guest, LIFE_STOPPED);
	} else {
		(void) vmm_explain_end(vm->resources.vmm, end, &fault);
		if (vmm_is_rebooting(vm->resources.vmm))
			(void) deaf_tell(&vm->resources, &fault);
		vm_fail(vm, &fault);
		fault_done(&fault);
		guest_life_ends(&vm->guest, LIFE_VMM_EXITED);
	}
	(void) resources_record(&vm->resources);
	vm_post(vm, VM_EVENT_VMM_EXITED);
	apply_step_undone(vm->apply, STEP_VMM, 0);
}

static void on_vmm_failed(Vm *vm, const Fault *fault)
{
	if (vm->state == VM_APPLYING) {
		apply_step_done(vm->apply, STEP_VMM, 0, fault);
		return;
	}
	vm_fail(vm, fault);
	vm_post(vm, VM_EVENT_VMM_FAILED);
}

static void on_vmm_event(Vmm *vmm, const VmmEvent *event, void *userdata)
{
	Vm *vm = userdata;

	switch (event->kind) {
	case VMM_READY:
		apply_step_done(vm->apply, STEP_VMM, 0, NULL);
		break;
	case VMM_CREATED:
		vm_post(vm, VM_EVENT_CREATED);
		break;
	case VMM_BOOTED:
		guest_booted(&vm->guest);
		vm_post(vm, VM_EVENT_BOOTED);
		break;
	case VMM_FAILED:
		on_vmm_failed(vm, event->fault);
		break;
	case VMM_REBOOTING:
		log_line(LOG_LEVEL_INFO, "the guest reboots");
		guest_life_ends(&vm->guest, LIFE_REBOOT);
		break;
	case VMM_REBOOTED:
		findings_new_life(&vm->findings);
		guest_life_begins(&vm->guest);
		break;
	case VMM_ACTIVATED:
		log_line(LOG_LEVEL_DEBUG, "the guest's driver took %s", event->device);
		lives_activated(&vm->guest.lives, event->device);
		findings_driver_came(&vm->findings, event->device);
		break;
	case VMM_GUEST_OFF:
		log_line(LOG_LEVEL_INFO, "the guest powered off");
		guest_life_ends(&vm->guest, LIFE_POWER_OFF);
		vm_post(vm, VM_EVENT_GUEST_OFF);
		break;
	case VMM_GUEST_PANIC:
		on_panic(vm);
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

	log_child_line(vmm_kind_to_string(vm->plan->vmm), line);
}

/* The backends. */

static void on_backend_crash(Backend *backend, const Fault *fault, void *userdata)
{
	Vm *vm = userdata;

	vm_remark(vm, fault);
}

static void on_backend_lost(Backend *backend, const Fault *fault, void *userdata)
{
	Vm *vm = userdata;

	/* A backend leaves with the VMM that is its client: no loss while both are to go. */
	if (vm->state == VM_KILLING || vm->state == VM_UNWINDING)
		return;
	lives_lost_backend(&vm->guest.lives);
	vm_fail(vm, fault);
	vm_post(vm, VM_EVENT_BACKEND_LOST);
}

static void on_backend_line(Backend *backend, const char *line, void *userdata)
{
	const PlanBackend *plan = backend_plan(backend);
	_cleanup_free_ char *label =
		str_printf("%s[%s]", backend_kind_to_string(plan->kind), plan->id);

	log_child_line(label ?: plan->id, line);
}

static void on_backend_exit(Backend *backend, const char *words, void *userdata)
{
	Vm *vm = userdata;

	lives_backend_left(&vm->guest.lives, words);
}

static void on_backend_restart(Backend *backend, void *userdata)
{
	Vm *vm = userdata;

	(void) resources_record(&vm->resources);
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

	log_line(LOG_LEVEL_INFO, force ? "asked to end the VM now" : "asked to stop");
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

static void on_remark(const Fault *fault, void *userdata)
{
	vm_remark(userdata, fault);
}

static int vm_init_sources(Vm *vm)
{
	int r;

	r = sd_event_new(&vm->event);
	if (r >= 0)
		r = signals_take(vm->event, on_signal, vm);
	if (r >= 0)
		r = sd_event_set_watchdog(vm->event, true); /* nothing without WatchdogSec= */
	if (r >= 0)
		r = sd_event_add_defer(vm->event, &vm->dispatch, on_dispatch, vm);
	return r < 0 ? r : 0;
}

static int vm_init(Vm *vm)
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
			     vm },
		.on_console_output = guest_hear,
		.console_userdata = &vm->guest,
		.on_remark = on_remark,
		.console_output_fd = vm->options->console_fd,
		.userdata = vm,
	};
	GuestHandler guest_handler = { on_remark, on_given_up, vm };
	ApplyHandler applying = { on_step_waiting, on_step,   on_applied,
				  on_step_failed,  on_undone, vm };
	int r;

	r = vm_init_sources(vm);
	if (r == 0)
		r = resources_init(vm->event, vm->plan, &handlers, &vm->resources);
	if (r < 0)
		return r;
	vm->deadline =
		(Deadline){ .event = vm->event, .handler = { on_deadline, on_countdown, vm } };
	guest_init(vm->event, &vm->resources, &guest_handler, &vm->guest);
	vm->resources.replace = vm->options->replace;
	vm->resources.judge = vm->options->judge;
	return apply_new(&vm->resources, &applying, &vm->apply);
}

static void vm_done(Vm *vm)
{
	(void) apply_free(vm->apply);
	resources_done(&vm->resources);
	deadline_clear(&vm->deadline);
	(void) sd_event_source_disable_unref(vm->dispatch);
	(void) sd_event_unref(vm->event);
	fault_list_done(&vm->findings);
	fault_done(&vm->cause);
	json_decref(vm->post_mortem);
	guest_done(&vm->guest);
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
	Vm vm = { .plan = plan, .options = options, .began_usec = now_usec() };
	int r;

	log_never_wait();
	vm.state_since_realtime_usec = realtime_usec();
	r = vm_init(&vm);
	if (r == 0) {
		vm.guest.lives.crashes = outcome->crashes;
		vm_post(&vm, VM_EVENT_START);
		r = sd_event_loop(vm.event);
	}
	if (r < 0) {
		log_line(LOG_LEVEL_ERROR, "the event loop failed: %s", strerror(-r));
		vm.exit_code = MVMD_EXIT_SYSTEM;
	}
	vm_leave_post_mortem(&vm);
	unit_ended(&vm.unit, vm.exit_code, vm.cause.what);
	*outcome = (VmOutcome){ vm.guest.lives.crashes, vm.cause.id, vm.took_lock };
	vm_done(&vm);
	return vm.exit_code;
}
