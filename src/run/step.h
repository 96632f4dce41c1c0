/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "host/state-file.h"
#include "host/tap.h"
#include "model/plan.h"
#include "run/backend.h"
#include "run/console.h"
#include "run/control.h"
#include "run/guest-notify.h"
#include "run/kept.h"
#include "run/link-wait.h"
#include "run/networkd-wait.h"
#include "run/socket-wait.h"
#include "run/vmm.h"

/*
 * The steps of a plan, done: for each kind one apply and one undo, glue only. What a step makes lies in
 * Resources until its undo.
 */

/* The name under which the VM's lock is kept over a reload (run/kept.h). */
#define LOCK_NAME "lock"

/* What those who made the resources want to hear; vm.c is the one. */
typedef struct ResourceHandlers {
	BackendHandler backend;
	VmmHandler vmm;
	ControlHandler control;
	GuestNotifyHandler notify;
	ConsoleListener on_console_output;
	void *console_userdata; /* its own */
	int console_output_fd; /* the guest's console is copied there; -EBADF: nowhere */
	void (*on_change)(void *userdata); /* a process came: it is to be on record */
	/* Something that a person should know and that stops nothing. */
	void (*on_remark)(const Fault *fault, void *userdata);
	void *userdata;
} ResourceHandlers;

/*
 * Called once, as a step: while the VMM starts, and before there is a guest. So what it does costs a start no time.
 * A fault with an exit code ends the start, the others are remarks. 0 or -ENOMEM. NULL: nobody judges.
 */
typedef struct StartJudge {
	int (*judge)(void *userdata, FaultList *ret);
	void *userdata;
} StartJudge;

/* What becomes of the taps when the VM is gone. */
typedef enum TapsEnd {
	TAPS_UNDECIDED,
	TAPS_REMOVED,
	TAPS_KEPT, /* for a restart: run/tap-store.h */
} TapsEnd;

typedef struct Apply Apply;
typedef struct Resources Resources;

/* One nic or backend of the plan, as its callbacks are given it. */
typedef struct Slot {
	Resources *resources;
	size_t subject;
} Slot;

struct Resources {
	sd_event *event;
	const Plan *plan;
	ResourceHandlers handlers;
	Kept *kept; /* not ours */
	const StateFile
		*adoption; /* the VM runs already, and this is known of it; NULL: it is started */
	bool replace; /* a VMM that outlived its supervisor is killed, not a reason to refuse */
	StartJudge judge;
	Apply *apply; /* whom steps that take time tell of their end */

	Nl *nl; /* opened with the first tap */
	int lock_fd;
	int alive_fd; /* the VMM's lock; -EBADF: none, or the VMM alone has it */
	int *disk_locks; /* per disk of the spec; -EBADF: none */
	int *held_fds; /* what the VMM gets to hold: the console's master, alive_fd, the disks' locks */
	LinkWait **link_waits; /* per nic */
	NetworkdWait **networkd_waits;
	LinkInfo *bridges; /* per nic */
	Tap *taps; /* per nic */
	TapsEnd taps_end;
	int *listeners; /* per backend of the plan; -EBADF: none, or handed to the backend */
	Backend **backends; /* per backend of the plan */
	SocketWait **socket_waits;
	Control *control;
	Console *console;
	GuestNotify *notify;
	SmbiosStrings smbios; /* until the VMM has them */
	Vmm *vmm;
	Slot *nic_slots, *backend_slots;
};

/* 0 or -ENOMEM. */
int resources_init(sd_event *event, const Plan *plan, const ResourceHandlers *handlers,
		   Resources *ret);
/* Frees what is left; after an undo of all steps nothing is. */
void resources_done(Resources *resources);

/* STEP_LATER: the step goes on; apply_step_done() or apply_step_undone() tells its end. */
#define STEP_LATER 1

typedef struct StepOps {
	/* 0: done. STEP_LATER. -errno with fault: failed, and nothing is left of it. */
	int (*apply)(Resources *resources, const PlanStep *step, Fault *fault);
	/* Also of a step that goes on still. 0: done. STEP_LATER. */
	int (*undo)(Resources *resources, const PlanStep *step);
} StepOps;

const StepOps *step_ops(StepKind kind);

/* Begins a step: its apply, or what stands for it where the VM runs already. Returns as apply. */
int step_begin(Resources *resources, const PlanStep *step, Fault *fault);

/* Nothing is undone: VMM and backends live on, and somebody else may have them. For resources_done() nothing is left. */
void resources_let_go(Resources *resources);

/* What the record of the VM says of its processes and its spec. 0 or -ENOMEM; *ret is to be freed in any case. */
int resources_describe(const Resources *resources, StateFile *ret);
