/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <systemd/sd-event.h>

#include "model/event-queue.h"
#include "model/guest-report.h"
#include "run/apply.h"
#include "run/deadline.h"
#include "run/guest.h"
#include "run/journal-room.h"
#include "run/link-watch.h"
#include "run/machined.h"
#include "run/status.h"
#include "run/systemd.h"
#include "vm-streams.h"
#include "vm.h"

/*
 * What vm.c (the lifecycle and what it asks for) shares with vm-events.c (what the parts of a VM report) and
 * vm-adopt.c (what one supervisor leaves to the next), and nobody else.
 */
typedef struct Vm Vm;

struct Vm {
	const Plan *plan;
	const VmOptions *options;
	sd_event *event;
	Resources resources;
	Apply *apply;

	VmState state;
	uint64_t state_since_realtime_usec;
	uint64_t began_usec;
	bool wish_stop, signalled, took_lock;
	bool let_go; /* the VM lives on without us */
	int exit_code; /* of the first failure; 0: none so far */
	Fault cause; /* that failure */
	FaultList findings;
	json_t *post_mortem; /* NULL: no guest ever ran */

	EventQueue queue;
	sd_event_source *dispatch; /* enabled while the queue is not empty */
	sd_event_source *reloader; /* enabled while a reload is to begin, and then: */
	int caller_fd; /* who asked for it */
	sd_event_source *recorder; /* enabled while the record is to be written */
	JournalRoom *journal_room;
	Deadline deadline; /* of the state */
	const PlanStep *failed_step; /* NULL: none */
	bool is_no_start; /* it was adopted */

	Guest guest;
	LinkWatch *links; /* while the VM runs; NULL: not watched */
	VmStreams *streams;
	GuestReport report; /* what it says of itself, with "ready": "guest" */
	sd_event_source *ready_timer, *report_timer;
	SystemdUnit unit;
	Machined *machined; /* NULL: not registered */
};

/* Events are dealt with one after the other from the loop, never within the callback that brought them. */
void vm_post(Vm *vm, VmEvent event);

/* The first failure decides the exit code; all are told. A wait that we cancelled ourselves is none. */
void vm_fail(Vm *vm, const Fault *fault);

/* Something that a person should know and that ends nothing. */
void vm_remark(Vm *vm, const Fault *fault);

VmStatus vm_status(const Vm *vm);

/* vm-events.c: takes the signals; makes resources, guest and apply, which report to us. 0 or -errno. */
int vm_take_signals(Vm *vm);
int vm_make_parts(Vm *vm);

/*
 * vm-ready.c: the guest's word that it is ready. The VM runs: it is awaited, or it was heard already and the unit is
 * active. What the guest says, as a GuestNotifyHandler has it. A new life begins. The end of all that.
 */
void vm_await_guest(Vm *vm);
void vm_hear_report(const char *message, size_t length, void *userdata);
void vm_report_new_life(Vm *vm);
void vm_report_done(Vm *vm);

/* The VM runs: in its unit it stands in the list of machines now. */
void vm_register(Vm *vm);

/* vm-links.c: its taps are watched from now on; and no longer. */
void vm_watch_links(Vm *vm);
void vm_leave_links(Vm *vm);

/* vm-times.c: a step is applied; the VM has entered the state, or the guest is ready in it. */
void vm_times_step(Vm *vm, const PlanStep *step, uint64_t took_usec);
void vm_times_enter(Vm *vm, VmState state);
/* The guest powered off, or panicked as the VMM tells. */
void vm_guest_off(Vm *vm);
void vm_guest_panicked(Vm *vm);

/* vm-adopt.c: all that the next supervisor has to know is on record: now, or when what happens now is dealt with. */
void vm_record(Vm *vm);
void vm_record_soon(Vm *vm);
int vm_make_recorder(Vm *vm);

/* What the last one left on record; the VMM has answered; it did not, or something else is in the way. */
void vm_restore(Vm *vm);
void vm_adopted(Vm *vm);
void vm_let_go(Vm *vm);

/* vm-reload.c: a ControlHandler's reload; the new program has taken over. */
int vm_ask_reload(int fd, void *userdata, Fault *fault);
void vm_reloaded(Vm *vm);
int vm_make_reloader(Vm *vm);
void vm_reloader_done(Vm *vm);
