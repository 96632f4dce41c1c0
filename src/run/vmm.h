/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "host/tap.h"
#include "model/plan.h"
#include "model/smbios.h"
#include "run/child.h"
#include "run/kept.h"

/*
 * The hypervisor process behind one interface: cloud-hypervisor (vmm-ch.c) and QEMU (vmm-qemu.c).
 * Every call returns at once; what comes of it is an event. After VMM_EXITED nothing follows; it also
 * stands for the answer to whatever was asked and not answered before. The Vmm may be freed in the handler
 * of VMM_EXITED, in no other.
 * A reboot that is not over within timeouts.boot, or a power button that nobody takes, is VMM_FAILED: such a VMM
 * waits for a backend and hears nothing, SIGTERM neither, so that vmm_quit() then kills it at once.
 */
typedef struct Vmm Vmm;

typedef enum VmmEventKind {
	VMM_READY, /* it answered for the first time; version is known */
	VMM_CREATED, /* it took the configuration: answers vmm_create() */
	VMM_BOOTED, /* the guest runs: answers vmm_boot() */
	VMM_FAILED, /* what was asked for failed, or it broke its protocol: fault tells */
	VMM_REBOOTING, /* the guest reboots: a life ended */
	VMM_REBOOTED, /* and the next one began */
	VMM_ACTIVATED, /* the guest's driver took a device: device tells */
	VMM_GUEST_OFF, /* the guest powered itself off; the process stays until vmm_quit() */
	VMM_GUEST_PANIC, /* pvpanic told of it */
	VMM_EXITED, /* the process is gone: end tells */
	_VMM_EVENT_MAX,
} VmmEventKind;

typedef struct VmmEvent {
	VmmEventKind kind;
	const Fault *fault; /* VMM_FAILED */
	const char *device; /* VMM_ACTIVATED */
	const ChildEnd *end; /* VMM_EXITED */
} VmmEvent;

/* In what state vmm_adopt() found the guest. */
typedef enum VmmFound {
	VMM_FOUND_RUNNING,
	VMM_FOUND_PAUSED,
	VMM_FOUND_OFF, /* it powered off */
	VMM_FOUND_PANIC,
	VMM_FOUND_NO_GUEST, /* there was none yet */
	_VMM_FOUND_MAX,
} VmmFound;

typedef struct VmmHandler {
	void (*on_event)(Vmm *vmm, const VmmEvent *event, void *userdata);
	void (*on_line)(Vmm *vmm, const char *line, void *userdata); /* what it writes to stderr */
	void *userdata;
} VmmHandler;

/* What the VMM is given. All fds stay the caller's; they are needed until VMM_BOOTED, the plan until the end. */
typedef struct VmmResources {
	const Plan *plan;
	const Tap *taps; /* per nic */
	SmbiosStrings *smbios; /* the guest's; wiped as soon as the VMM has them. NULL: none */
	int console_fd; /* pty slave (cloud-hypervisor), console listener (QEMU) */
	/*
	 * More that the process gets, only to hold it as long as it lives, from VMM_HELD_FD on where it is
	 * cloud-hypervisor: a disk's lock is not free while its VMM has no supervisor.
	 */
	const int *held_fds;
	size_t n_held_fds;
	/* All bytes that the guest wrote to its console up to now; NULL: not known. QEMU's driver asks. */
	uint64_t (*console_bytes)(void *userdata);
	Kept *kept; /* what the process before us left; NULL: nothing. vmm_adopt() asks */
	/* Adds to the fault of a VMM that does not answer what it waits for; NULL: not known. */
	void (*tell_wait)(Fault *fault, void *userdata);
	/* The process was started, but later than vmm_start() returned; NULL: nobody cares. */
	void (*on_started)(void *userdata);
	void *userdata;
} VmmResources;

/*
 * Makes the listener at plan->vmm_socket, starts the process and begins to talk with it; VMM_READY follows.
 * QEMU is given connections to its shares: until it has them all, vmm_pid() is 0. A stale vsock socket of an
 * earlier run is removed. Returns 0 or -errno with fault.
 */
int vmm_start(sd_event *event, const VmmResources *resources, const VmmHandler *handler, Vmm **ret,
	      Fault *fault);

#define VMM_HELD_FD 5

/*
 * Takes over a VMM that an earlier supervisor started; VMM_READY follows, and vmm_found() is known then. Of resources,
 * console_fd and what goes with it are not looked at. Returns 0, -ESRCH where the process is gone, or another -errno,
 * with fault.
 */
int vmm_adopt(sd_event *event, const VmmResources *resources, const StateProcess *process,
	      const VmmHandler *handler, Vmm **ret, Fault *fault);
VmmFound vmm_found(const Vmm *vmm);

/* It lives on without us: vmm_free() does not kill it, and nothing is told of it any more. */
void vmm_let_go(Vmm *vmm);

int vmm_create(Vmm *vmm); /* → VMM_CREATED or VMM_FAILED */
int vmm_boot(Vmm *vmm); /* → VMM_BOOTED or VMM_FAILED */
int vmm_power_button(Vmm *vmm); /* whether the guest acts on it nobody knows */

/* A power button was pressed, and not even the VMM has said that it took it. */
bool vmm_owes_answer(const Vmm *vmm);

/*
 * Ends it: asks in its own protocol, SIGTERM after half of grace_usec (at once where it cannot be asked),
 * SIGKILL after all of it → VMM_EXITED. Events other than that no longer come. Where vmm_pid() is 0 nothing
 * comes at all any more.
 */
void vmm_quit(Vmm *vmm, uint64_t grace_usec);
void vmm_kill(Vmm *vmm); /* SIGKILL → VMM_EXITED, likewise */

/* Something was asked, or happens, that would be lost on who takes it over now. */
bool vmm_is_busy(const Vmm *vmm);

/*
 * Over a reload, where vmm_is_busy() says no: what vmm_adopt() is to find in the new program, so that nothing which the
 * VMM says meanwhile is lost. 0 or -errno, then nothing goes over.
 */
int vmm_pass_on(Vmm *vmm, Kept *kept);

/* The reload came to nothing. */
void vmm_take_back(Vmm *vmm, Kept *kept);

/* True from VMM_REBOOTING to VMM_REBOOTED, and where its end came in between. */
bool vmm_is_rebooting(const Vmm *vmm);

pid_t vmm_pid(const Vmm *vmm); /* 0: gone */
const char *vmm_version(const Vmm *vmm); /* in its own words; NULL before VMM_READY */
const char *vmm_last_line(const Vmm *vmm); /* its last words on stderr, "" for none */

/*
 * Why the process ended, where nobody had asked for that: fault_vmm_ended() with what is known here. Returns the
 * fault's error.
 */
int vmm_explain_end(const Vmm *vmm, const ChildEnd *end, Fault *fault);

/* Another process was killed, or may have been: kills up to now are not the VMM's. */
void vmm_count_oom_kills(Vmm *vmm);

Vmm *vmm_free(Vmm *vmm); /* kills the process where it lives */
DEFINE_CLEANUP(Vmm *, vmm_free)
