/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"
#include "model/spec.h"

/*
 * The life of a VM as one pure table: (state, event) → (state, actions, deadline).
 *
 *	new → waiting → applying → creating → booting → running (⇄ paused) → stopping → ending → unwinding → dead
 *
 * 'adopting' is the other way in, for a VM whose supervisor died. Every path to 'dead' passes 'unwinding'. Only systemd starts a VM again.
 *
 * state      entered by              may do                       left by
 * new        birth                   nothing                      START
 * waiting    an end before that is   wait for its turn: before    –
 *            tried again             spec and host are looked at
 *            (cli/turn.h)
 * applying   its turn came           apply the plan's steps       APPLIED, STEP_FAILED
 * creating   all steps applied       VMM takes its configuration  CREATED, VMM_FAILED, VMM_EXITED
 * booting    configuration taken     VMM boots (deaf meanwhile)   BOOTED, VMM_FAILED, VMM_EXITED, DEADLINE
 * running    the guest runs          –                            GUEST_OFF, STOP, VMM_EXITED, BACKEND_LOST, CRASHED
 * paused     vCPUs stopped           –                            RESUMED, STOP, VMM_EXITED
 * stopping   power button pressed    wait for the guest           GUEST_OFF, VMM_EXITED, DEADLINE, FORCE
 * ending     the VMM is told to end  TERM, then KILL              VMM_EXITED, DEADLINE (KILL)
 * unwinding  nothing of it runs      undo steps, last one first   UNWOUND
 * dead       all is undone           leave                        –
 * adopting   the VM runs already     take over what there is      ADOPTED, STEP_FAILED (the VM lives on without us),
 *                                                                 or as 'running'
 *
 * A stop request during a start only changes the wish: it ends waits, but what is in flight is awaited.
 */
typedef enum VmState {
	VM_NEW,
	VM_WAITING,
	VM_APPLYING,
	VM_CREATING,
	VM_BOOTING,
	VM_RUNNING,
	VM_PAUSED,
	VM_STOPPING,
	VM_ENDING,
	VM_UNWINDING,
	VM_DEAD,
	VM_ADOPTING,
	_VM_STATE_MAX,
} VmState;

typedef enum VmEvent {
	VM_EVENT_START,
	VM_EVENT_ADOPT, /* instead: the VM runs already */
	VM_EVENT_APPLIED, /* every step is applied */
	VM_EVENT_STEP_FAILED,
	VM_EVENT_CREATED,
	VM_EVENT_BOOTED,
	VM_EVENT_VMM_FAILED, /* an operation of the VMM failed; the process may live */
	VM_EVENT_VMM_EXITED,
	VM_EVENT_BACKEND_LOST, /* a backend that the VM cannot do without is gone for good */
	VM_EVENT_CRASHED, /* the guest crashed, or too often */
	VM_EVENT_GUEST_OFF, /* the guest powered off */
	VM_EVENT_PAUSED,
	VM_EVENT_RESUMED,
	VM_EVENT_STOP, /* somebody asked for a graceful stop */
	VM_EVENT_FORCE, /* and now for one at once */
	VM_EVENT_ADOPTED,
	VM_EVENT_DEADLINE, /* the state's own deadline passed */
	VM_EVENT_UNWOUND,
	_VM_EVENT_MAX,
} VmEvent;

/* What vm.c has to do on the way; several may be asked for at once. */
typedef enum VmAction {
	VM_ACTION_NONE = 0,
	VM_ACTION_APPLY = 1 << 0, /* begin applying the steps */
	VM_ACTION_CANCEL = 1 << 1, /* end all waits; the steps that wait fail */
	VM_ACTION_CREATE = 1 << 2, /* give the VMM its configuration */
	VM_ACTION_BOOT = 1 << 3, /* start the guest */
	VM_ACTION_ANNOUNCE = 1 << 4, /* tell that the VM runs; then look at the wish */
	VM_ACTION_POWER_BUTTON = 1 << 5, /* ask the guest to power off */
	VM_ACTION_QUIT = 1 << 6, /* ask the VMM to end at once */
	VM_ACTION_KILL = 1 << 7, /* SIGKILL the VMM */
	VM_ACTION_UNWIND = 1 << 8, /* undo what is applied */
	VM_ACTION_LEAVE = 1 << 9, /* end the supervisor */
	VM_ACTION_WISH_STOP = 1 << 10, /* remember that the VM shall stop */
	VM_ACTION_FAIL =
		1 << 11, /* the state's own deadline is the failure: say what was awaited */
	VM_ACTION_LET_GO = 1 << 12, /* undo nothing: the VM lives on without us */
} VmAction;

/* Which of the spec's timeouts bounds the new state. */
typedef enum VmDeadline {
	VM_DEADLINE_KEEP, /* as it was: the state did not change */
	VM_DEADLINE_NONE,
	VM_DEADLINE_BOOT,
	VM_DEADLINE_STOP,
	VM_DEADLINE_KILL, /* VMM_QUIT_TIMEOUT_USEC */
} VmDeadline;

/* A VMM that is told to end is gone by then, or killed, which gets as long again. */
#define VMM_QUIT_TIMEOUT_USEC (5 * USEC_PER_SEC)

/* How long that is; 0 where there is none of its own. */
uint64_t deadline_usec(VmDeadline deadline, const SpecTimeouts *timeouts);

typedef struct VmTransition {
	VmState state;
	unsigned actions; /* of VmAction */
	VmDeadline deadline;
} VmTransition;

/*
 * What follows from event in state. An event that means nothing there (a second UNWOUND, a BOOTED that
 * crosses a kill) leaves the state and asks for nothing: *ret_ignored tells.
 */
VmTransition lifecycle_next(VmState state, VmEvent event, bool *ret_ignored);

/* True where nothing follows. */
bool vm_state_is_final(VmState state);

const char *vm_state_to_string(VmState state);
const char *vm_event_to_string(VmEvent event);
