/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/fault.h"

/*
 * The client of cloud-hypervisor's REST API on one connected socket: one request in flight, the others wait
 * in a queue. When the connection ends every pending call fails, in order, and then on_closed is called
 * once. The API must not be freed in a call's on_reply; it may be in on_closed.
 */
typedef struct ChApi ChApi;

/* fault is NULL where it succeeded; body is the reply's, "" for none. */
typedef void (*ChApiReply)(ChApi *api, const Fault *fault, const char *body, void *userdata);

typedef struct ChApiCall {
	const char *method; /* "PUT", "GET" */
	const char *endpoint; /* "vm.boot"; a string literal */
	const char *body; /* JSON; NULL: none */
	const int *fds; /* go with the request; must stay open until on_reply */
	size_t n_fds;
	uint64_t timeout_usec; /* from now on; 0: none */
	ChApiReply on_reply; /* NULL: nobody cares */
	void *userdata;
} ChApiCall;

typedef struct ChApiHandler {
	/* error 0: it closed the connection */
	void (*on_closed)(ChApi *api, const Fault *fault, void *userdata);
	void *userdata;
} ChApiHandler;

/* Takes ownership of the non-blocking fd, also on failure. 0 or -errno. */
int ch_api_new(sd_event *event, int fd, const ChApiHandler *handler, ChApi **ret);

/*
 * Queues a call. on_reply comes from the event loop, never from within. A call that timed out is
 * answered with -ETIMEDOUT; cloud-hypervisor is still busy with it and the ones behind it wait on.
 * Returns 0, -ENOTCONN after the end of the connection, or -ENOMEM.
 */
int ch_api_call(ChApi *api, const ChApiCall *wanted);

/* A call was sent or waits to be: a further one would not be answered at once. */
bool ch_api_is_busy(const ChApi *api);

ChApi *ch_api_free(ChApi *api);
DEFINE_CLEANUP(ChApi *, ch_api_free)
