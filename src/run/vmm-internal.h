/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "run/vmm.h"

/* What vmm.c shares with the two drivers, and nobody else. */
typedef struct VmmDriver {
	const char *name; /* "cloud-hypervisor": in messages */
	int (*start)(Vmm *vmm, Fault *fault);
	int (*adopt)(Vmm *vmm, Fault *fault); /* the process is there */
	int (*create)(Vmm *vmm);
	int (*boot)(Vmm *vmm);
	int (*power_button)(Vmm *vmm);
	int (*quit)(Vmm *vmm); /* 0: it was asked; -errno: it cannot be asked now */
	bool (*is_busy)(const Vmm *vmm); /* a call waits for its answer */
	int (*pass_on)(Vmm *vmm, Kept *kept); /* these two may be NULL */
	void (*take_back)(Vmm *vmm, Kept *kept);
	void (*on_exit)(Vmm *vmm); /* the process is gone: hand on what it said before */
	void (*free)(Vmm *vmm); /* also after a start that failed half-way */
} VmmDriver;

extern const VmmDriver vmm_driver_ch;
extern const VmmDriver vmm_driver_qemu;

struct Vmm {
	sd_event *event;
	const VmmDriver *driver;
	VmmHandler handler;
	VmmResources resources;
	const Plan *plan; /* resources.plan */
	Child *child; /* NULL: not started, or gone */
	char *output; /* the FIFO that it writes to */
	bool adopted;
	VmmFound found; /* where it is; known with VMM_READY */
	char *version;
	char *last_line, *last_words; /* of a process that is gone */
	OomKills oom_kills; /* counted when it was started */
	bool quitting; /* we want its end: nothing but that is told */
	bool rebooting;
	unsigned buttons; /* pressed and not answered yet */
	bool deaf; /* it did not answer in time: to ask it to quit is in vain */
	sd_event_source *reboot_timer;
	sd_event_source *orphan_timer; /* its protocol ended, the process should follow */
	sd_event_source *term_timer; /* it was asked to quit */
	uint64_t term_grace_usec;
	void *state; /* the driver's own */
};

/*
 * The listener at plan->vmm_socket and a connection to it, made before the process is there: it
 * waits in the backlog. 0 or -errno with fault.
 */
int vmm_open_socket(Vmm *vmm, int *ret_listener, int *ret_connection, Fault *fault);

/* A new connection to the VMM, which has the listener. 0 or -errno with fault. */
int vmm_connect(Vmm *vmm, int *ret, Fault *fault);

/* Starts plan->vmm_program as the VM's own user. 0 or -errno with fault. */
int vmm_spawn(Vmm *vmm, const StrList *args, const SpawnFd *fds, size_t n_fds, Fault *fault);

/* Tell the handler, unless the end is wanted. device: VMM_ACTIVATED; else NULL. */
void vmm_tell(Vmm *vmm, VmmEventKind kind, const char *device);
void vmm_tell_failed(Vmm *vmm, const Fault *fault);

/* VMM_FAILED for a function of ours that returned error in the midst of the protocol. */
void vmm_tell_error(Vmm *vmm, int error);

/*
 * The connection ended. That is the process's end as well, which says more; only where it lives on after
 * VMM_ORPHAN_USEC the fault is told.
 */
void vmm_expect_exit(Vmm *vmm);

/*
 * A VMM that answers at all takes the power button at once. One that waits for a backend does not (design.md
 * §7.6), and then there is no sense in waiting for its guest.
 */
#define POWER_BUTTON_TIMEOUT_USEC (5 * USEC_PER_SEC)

/* The reply to a power button: only silence is a failure, for a guest may be between two lives. */
void vmm_take_power_button_reply(Vmm *vmm, const Fault *fault);

/* Takes over the version that the program gave. 0 or -ENOMEM. */
int vmm_set_version(Vmm *vmm, const char *version);
