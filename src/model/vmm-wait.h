/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/plan.h"

/*
 * Which vhost-user device a VMM waits for that does not answer: one that connects to a backend, or waits for its
 * answer, is deaf to everything else (design.md §7.6), and does not say for which.
 */

/* What is seen of one backend's socket at that moment. */
typedef struct BackendSight {
	const PlanBackend *backend;
	const char *
		absence; /* nobody listens: what is there instead ("no such file"); NULL: somebody does */
	bool forbidden; /* somebody listens, but the VMM's user may not connect */
	bool full; /* somebody listens, but the backlog is full of others */
	bool deserted; /* the VMM listens there itself, and nobody has come */
	bool connected; /* the VMM has a connection */
	bool accepted; /* which the backend has taken */
	bool unread; /* and it has not read what the VMM sent */
	bool awaited; /* a thread of the VMM is seen waiting to read from it */
	unsigned others; /* clients beside the VMM that it has taken */
	pid_t pid; /* who serves; 0: not known */
	char *program; /* of pid; NULL: not known */
	bool stopped; /* that process is stopped */
} BackendSight;

typedef enum VmmWait {
	VMM_WAIT_UNKNOWN,
	VMM_WAIT_LISTEN, /* nobody listens */
	VMM_WAIT_PERMIT, /* the VMM's user may not connect */
	VMM_WAIT_QUEUE, /* the backlog is full */
	VMM_WAIT_ACCEPT, /* nobody accepts */
	VMM_WAIT_READ, /* nobody reads the request */
	VMM_WAIT_ANSWER, /* nobody answers it */
	VMM_WAIT_PEER, /* the VMM listens, and nobody comes */
	_VMM_WAIT_MAX,
} VmmWait;

/*
 * Finds the backend that the VMM waits for among the n of its plan, in the plan's order, which is that in which
 * both VMMs connect. ret_certain: false where nothing but that order tells.
 */
VmmWait vmm_wait_find(const BackendSight *sights, size_t n, size_t *ret_index, bool *ret_certain);

typedef struct VmmSight {
	uid_t uid; /* its user */
	bool gone; /* it has ended */
	const BackendSight *backends;
	size_t n_backends;
} VmmSight;

/*
 * Adds to a fault what the VMM waits for, or waited for until its end: why, remedy, evidence. Where that is not
 * known it stays as it is. Returns fault->error.
 */
int vmm_wait_tell(const VmmSight *vmm, Fault *fault);
