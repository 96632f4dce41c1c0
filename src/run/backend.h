/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "model/plan.h"
#include "run/child.h"
#include "run/kept.h"

/*
 * One vhost-user backend of ours: mvmd holds the listener, the process comes and goes. A share's
 * process that left because its client did (exit status 0) is started again on the same listener at once and
 * silently, where its VMM may come back; one that left otherwise is reported, counted and, with
 * BACKEND_RESPAWN, started again after a growing delay (restart_backoff in backend.c). Past the limit,
 * and at the first such end with the other policies, the listener
 * is closed, so that a VMM in its handshake gets an error instead of waiting for ever, and on_lost is called;
 * its fault has the exit code of the policy.
 */
typedef struct Backend Backend;

typedef struct BackendHandler {
	/* Its process ended, whatever comes of that: "virtiofsd[data]: exit status 0". */
	void (*on_exit)(Backend *backend, const char *words, void *userdata);
	void (*on_crash)(Backend *backend, const Fault *fault,
			 void *userdata); /* will be started again */
	void (*on_lost)(Backend *backend, const Fault *fault, void *userdata); /* will not */
	void (*on_line)(Backend *backend, const char *line, void *userdata);
	void (*on_restart)(Backend *backend, void *userdata); /* it runs again: backend_pid() */
	void (*on_stopped)(Backend *backend, void *userdata); /* after backend_stop() */
	void *userdata;
} BackendHandler;

/* plan, backend and kept must live longer. */
typedef struct BackendConfig {
	const Plan *plan;
	Kept *kept; /* has the listener, too; NULL: nobody else */
	const PlanBackend *backend;
	unsigned restarts; /* by earlier supervisors */
} BackendConfig;

/* Makes its listener. 0 or -errno with fault. */
int backend_listen(const BackendConfig *config, int *ret, Fault *fault);

/* Takes ownership of listener_fd, also on failure. 0 or -errno with fault. */
int backend_start(sd_event *event, const BackendConfig *config, int listener_fd,
		  const BackendHandler *handler, Backend **ret, Fault *fault);

/*
 * Takes over one that an earlier supervisor started, and restarted so many times, with its listener: the one that was
 * kept, or that the process has. Where neither is to be had it is made anew with the next process. One that left while
 * nobody watched is dealt with as if it left now, from the event loop. 0 or -errno with fault.
 */
int backend_adopt(sd_event *event, const BackendConfig *config, const StateProcess *process,
		  const BackendHandler *handler, Backend **ret, Fault *fault);

/* It lives on without us: backend_free() does not kill it, and nothing is told of it any more. */
void backend_let_go(Backend *backend);

/* Ends the process and closes the listener; on_stopped follows, from the event loop. */
void backend_stop(Backend *backend);

const PlanBackend *backend_plan(const Backend *backend);
pid_t backend_pid(const Backend *backend); /* 0: not running now */
unsigned backend_restarts(const Backend *backend);
Backend *backend_free(Backend *backend);
DEFINE_CLEANUP(Backend *, backend_free)
