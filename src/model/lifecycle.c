/* SPDX-License-Identifier: Apache-2.0 */
#include "model/lifecycle.h"

static const char *const vm_state_table[] = {
	[VM_NEW] = "new",	    [VM_WAITING] = "waiting",
	[VM_APPLYING] = "applying", [VM_CREATING] = "creating",
	[VM_BOOTING] = "booting",   [VM_RUNNING] = "running",
	[VM_PAUSED] = "paused",	    [VM_STOPPING] = "stopping",
	[VM_ENDING] = "ending",	    [VM_UNWINDING] = "unwinding",
	[VM_DEAD] = "dead",	    [VM_ADOPTING] = "adopting",
};
_Static_assert(ELEMENTSOF(vm_state_table) == _VM_STATE_MAX, "vm_state_table");

static const char *const vm_event_table[] = {
	[VM_EVENT_START] = "start",
	[VM_EVENT_ADOPT] = "adopt",
	[VM_EVENT_APPLIED] = "applied",
	[VM_EVENT_STEP_FAILED] = "step-failed",
	[VM_EVENT_CREATED] = "created",
	[VM_EVENT_BOOTED] = "booted",
	[VM_EVENT_VMM_FAILED] = "vmm-failed",
	[VM_EVENT_VMM_EXITED] = "vmm-exited",
	[VM_EVENT_BACKEND_LOST] = "backend-lost",
	[VM_EVENT_CRASHED] = "crashed",
	[VM_EVENT_GUEST_OFF] = "guest-off",
	[VM_EVENT_PAUSED] = "paused",
	[VM_EVENT_RESUMED] = "resumed",
	[VM_EVENT_STOP] = "stop",
	[VM_EVENT_FORCE] = "force",
	[VM_EVENT_ADOPTED] = "adopted",
	[VM_EVENT_DEADLINE] = "deadline",
	[VM_EVENT_UNWOUND] = "unwound",
};
_Static_assert(ELEMENTSOF(vm_event_table) == _VM_EVENT_MAX, "vm_event_table");

/* A cell of the table; one that is not written is an event that means nothing in that state. */
typedef struct Cell {
	bool defined;
	VmTransition to;
} Cell;

#define GO(next, what, limit)                                                                      \
	{                                                                                          \
		true,                                                                              \
		{                                                                                  \
			(next), (what), (limit)                                                    \
		}                                                                                  \
	}

/* The VMM still lives and has to be told to end; afterwards, or where it is gone, steps are undone. */
#define END_VMM GO(VM_ENDING, VM_ACTION_QUIT, VM_DEADLINE_KILL)
#define UNWIND	GO(VM_UNWINDING, VM_ACTION_UNWIND, VM_DEADLINE_NONE)

static const Cell lifecycle[_VM_STATE_MAX][_VM_EVENT_MAX] = {
	[VM_NEW] = {
		[VM_EVENT_START] = GO(VM_APPLYING, VM_ACTION_APPLY, VM_DEADLINE_NONE),
		[VM_EVENT_ADOPT] = GO(VM_ADOPTING, VM_ACTION_APPLY, VM_DEADLINE_NONE),
		[VM_EVENT_STOP] = UNWIND,
		[VM_EVENT_FORCE] = UNWIND,
	},
	/*
	 * The guest is not ours to end because we cannot take it over. Of a backend that is lost the guest hears when it
	 * can hear its button.
	 */
	[VM_ADOPTING] = {
		[VM_EVENT_ADOPTED] = GO(VM_RUNNING, VM_ACTION_ANNOUNCE, VM_DEADLINE_NONE),
		[VM_EVENT_STEP_FAILED] = GO(VM_UNWINDING, VM_ACTION_LET_GO, VM_DEADLINE_NONE),
		[VM_EVENT_VMM_FAILED] = END_VMM,
		[VM_EVENT_GUEST_OFF] = END_VMM,
		[VM_EVENT_CRASHED] = END_VMM,
		[VM_EVENT_BACKEND_LOST] = GO(VM_ADOPTING, VM_ACTION_WISH_STOP, VM_DEADLINE_KEEP),
		[VM_EVENT_STOP] = GO(VM_ADOPTING, VM_ACTION_WISH_STOP, VM_DEADLINE_KEEP),
		[VM_EVENT_FORCE] = END_VMM,
		[VM_EVENT_VMM_EXITED] = UNWIND,
	},
	/* Each waiting step has a deadline of its own, so this state needs none. */
	[VM_APPLYING] = {
		[VM_EVENT_APPLIED] = GO(VM_CREATING, VM_ACTION_CREATE, VM_DEADLINE_BOOT),
		[VM_EVENT_STEP_FAILED] = UNWIND,
		[VM_EVENT_VMM_FAILED] = UNWIND,
		[VM_EVENT_VMM_EXITED] = UNWIND,
		[VM_EVENT_BACKEND_LOST] = UNWIND,
		[VM_EVENT_STOP] =
			GO(VM_APPLYING, VM_ACTION_WISH_STOP | VM_ACTION_CANCEL, VM_DEADLINE_KEEP),
		[VM_EVENT_FORCE] = UNWIND,
	},
	[VM_CREATING] = {
		[VM_EVENT_CREATED] = GO(VM_BOOTING, VM_ACTION_BOOT, VM_DEADLINE_BOOT),
		[VM_EVENT_VMM_FAILED] = END_VMM,
		[VM_EVENT_VMM_EXITED] = UNWIND,
		[VM_EVENT_BACKEND_LOST] = END_VMM,
		[VM_EVENT_STOP] = GO(VM_CREATING, VM_ACTION_WISH_STOP, VM_DEADLINE_KEEP),
		[VM_EVENT_FORCE] = END_VMM,
		[VM_EVENT_DEADLINE] =
			GO(VM_ENDING, VM_ACTION_FAIL | VM_ACTION_KILL, VM_DEADLINE_KILL),
	},
	/*
	 * A VMM that connects to a backend is deaf to its API and to SIGTERM, so the deadline kills at
	 * once. Its events can overtake each other: a guest may be gone before the answer to the boot.
	 */
	[VM_BOOTING] = {
		[VM_EVENT_BOOTED] = GO(VM_RUNNING, VM_ACTION_ANNOUNCE, VM_DEADLINE_NONE),
		[VM_EVENT_VMM_FAILED] = END_VMM,
		[VM_EVENT_VMM_EXITED] = UNWIND,
		[VM_EVENT_BACKEND_LOST] = END_VMM,
		[VM_EVENT_CRASHED] = END_VMM,
		[VM_EVENT_GUEST_OFF] = END_VMM,
		[VM_EVENT_STOP] = GO(VM_BOOTING, VM_ACTION_WISH_STOP, VM_DEADLINE_KEEP),
		[VM_EVENT_FORCE] = END_VMM,
		[VM_EVENT_DEADLINE] =
			GO(VM_ENDING, VM_ACTION_FAIL | VM_ACTION_KILL, VM_DEADLINE_KILL),
	},
	[VM_RUNNING] = {
		[VM_EVENT_GUEST_OFF] = END_VMM,
		[VM_EVENT_CRASHED] = END_VMM,
		[VM_EVENT_VMM_FAILED] = END_VMM,
		[VM_EVENT_VMM_EXITED] = UNWIND,
		[VM_EVENT_BACKEND_LOST] =
			GO(VM_STOPPING, VM_ACTION_POWER_BUTTON, VM_DEADLINE_STOP),
		[VM_EVENT_PAUSED] = GO(VM_PAUSED, VM_ACTION_NONE, VM_DEADLINE_NONE),
		[VM_EVENT_STOP] = GO(VM_STOPPING, VM_ACTION_POWER_BUTTON, VM_DEADLINE_STOP),
		[VM_EVENT_FORCE] = END_VMM,
	},
	/* A paused guest cannot take the power button. */
	[VM_PAUSED] = {
		[VM_EVENT_RESUMED] = GO(VM_RUNNING, VM_ACTION_NONE, VM_DEADLINE_NONE),
		[VM_EVENT_VMM_FAILED] = END_VMM,
		[VM_EVENT_VMM_EXITED] = UNWIND,
		[VM_EVENT_BACKEND_LOST] = END_VMM,
		[VM_EVENT_STOP] = END_VMM,
		[VM_EVENT_FORCE] = END_VMM,
	},
	[VM_STOPPING] = {
		[VM_EVENT_GUEST_OFF] = END_VMM,
		[VM_EVENT_CRASHED] = END_VMM,
		[VM_EVENT_VMM_FAILED] = END_VMM,
		[VM_EVENT_VMM_EXITED] = UNWIND,
		[VM_EVENT_STOP] = GO(VM_STOPPING, VM_ACTION_POWER_BUTTON, VM_DEADLINE_KEEP),
		[VM_EVENT_FORCE] = END_VMM,
		[VM_EVENT_DEADLINE] =
			GO(VM_ENDING, VM_ACTION_FAIL | VM_ACTION_QUIT, VM_DEADLINE_KILL),
	},
	[VM_ENDING] = {
		[VM_EVENT_VMM_EXITED] = UNWIND,
		[VM_EVENT_FORCE] = GO(VM_ENDING, VM_ACTION_KILL, VM_DEADLINE_KEEP),
		[VM_EVENT_DEADLINE] = GO(VM_ENDING, VM_ACTION_KILL, VM_DEADLINE_KILL),
	},
	[VM_UNWINDING] = {
		[VM_EVENT_UNWOUND] = GO(VM_DEAD, VM_ACTION_LEAVE, VM_DEADLINE_NONE),
	},
	[VM_DEAD] = { { 0 } },
};

VmTransition lifecycle_next(VmState state, VmEvent event, bool *ret_ignored)
{
	const Cell *cell = &lifecycle[state][event];

	*ret_ignored = !cell->defined;
	if (!cell->defined)
		return (VmTransition){ state, VM_ACTION_NONE, VM_DEADLINE_KEEP };
	return cell->to;
}

uint64_t deadline_usec(VmDeadline deadline, const SpecTimeouts *timeouts)
{
	switch (deadline) {
	case VM_DEADLINE_BOOT:
		return timeouts->boot_usec;
	case VM_DEADLINE_STOP:
		return timeouts->stop_usec;
	case VM_DEADLINE_KILL:
		return VMM_QUIT_TIMEOUT_USEC;
	case VM_DEADLINE_KEEP:
	case VM_DEADLINE_NONE:
	default:
		return 0;
	}
}

bool vm_state_is_final(VmState state)
{
	return state == VM_DEAD;
}

const char *vm_state_to_string(VmState state)
{
	return vm_state_table[state];
}

const char *vm_event_to_string(VmEvent event)
{
	return vm_event_table[event];
}
