/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "model/run-faults.h"
#include "run/timer.h"
#include "vm-internal.h"
#include "vm-log.h"

/* So often at most systemd is told what the guest says: a guest may say something else all the time. */
#define REPORT_EVERY_USEC USEC_PER_SEC

static bool is_running(const Vm *vm)
{
	return vm->state == VM_RUNNING || vm->state == VM_PAUSED;
}

static int on_report_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	Vm *vm = userdata;

	vm->report_timer = sd_event_source_disable_unref(vm->report_timer);
	if (!is_running(vm) || !vm->report.status[0])
		return 0;
	if (vm->unit.ready)
		unit_guest_says(vm->report.status);
	else
		unit_awaits_guest(0, vm->report.status);
	return 0;
}

/* What comes meanwhile is told with it. */
static void tell_report(Vm *vm)
{
	if (vm->report_timer)
		return;
	(void) sd_event_add_time_relative(vm->event, &vm->report_timer, CLOCK_MONOTONIC,
					  REPORT_EVERY_USEC, 0, on_report_time, vm);
}

/* When a start began that somebody else made is not known here. */
static void log_ready(const Vm *vm)
{
	uint64_t tenths = (now_usec() - vm->began_usec) / (USEC_PER_SEC / 10);
	_cleanup_free_ char *words =
		str_printf("is ready after %" PRIu64 ".%" PRIu64 "s", tenths / 10, tenths % 10);

	if (vm->unit.ready)
		vm_log_guest("is ready again");
	else
		vm_log_guest(words && !vm->options->adoption ? words : "is ready");
}

/* The first time that is the end of the start, later only news of a guest that rebooted. */
static void guest_is_ready(Vm *vm)
{
	log_ready(vm);
	vm->ready_timer = sd_event_source_disable_unref(vm->ready_timer);
	if (!vm->unit.ready)
		unit_runs(&vm->unit, vm->plan->vmm, vm->resources.vmm);
	/* At once: whoever adopted a VM that seems not to be ready would stop it in the end. */
	vm_record(vm);
	vm_times_enter(vm, VM_RUNNING);
	if (vm->report.status[0])
		tell_report(vm);
}

static int on_ready_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	Vm *vm = userdata;
	Fault fault = { 0 };

	if (!is_running(vm))
		return 0;
	(void) fault_guest_not_ready(vm->plan, &vm->report, lives_last(&vm->guest.lives), &fault);
	vm_fail(vm, &fault);
	fault_done(&fault);
	lives_asked(&vm->guest.lives, LIFE_ASKED_BY_MVMD);
	vm->wish_stop = true;
	vm_post(vm, VM_EVENT_STOP);
	return 0;
}

void vm_await_guest(Vm *vm)
{
	uint64_t limit_usec = vm->plan->spec->timeouts.guest_usec;

	if (!vm->plan->notify.port) {
		unit_runs(&vm->unit, vm->plan->vmm, vm->resources.vmm);
		return;
	}
	if (vm->report.ready) {
		guest_is_ready(vm);
		return;
	}
	vm_log_guest_awaited(limit_usec);
	unit_awaits_guest(limit_usec, "");
	(void) timer_after(vm->event, &vm->ready_timer, limit_usec, 0, on_ready_time, vm);
}

void vm_hear_report(const char *message, size_t length, void *userdata)
{
	Vm *vm = userdata;
	unsigned news = guest_report_read(&vm->report, message, length);

	if (!is_running(vm))
		return; /* vm_await_guest() looks at what was said before */
	if (news & GUEST_NEWS_READY)
		guest_is_ready(vm);
	else if (news & GUEST_NEWS_STATUS)
		tell_report(vm);
}

void vm_report_new_life(Vm *vm)
{
	guest_report_new_life(&vm->report);
}

void vm_report_done(Vm *vm)
{
	vm->ready_timer = sd_event_source_disable_unref(vm->ready_timer);
	vm->report_timer = sd_event_source_disable_unref(vm->report_timer);
}
