/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <systemd/sd-event.h>

#include "base/fault.h"

/*
 * The client of QEMU's monitor (QMP) on one connected socket: it reads the greeting and negotiates by itself,
 * then takes commands and hands on events. When the connection ends every pending command fails, in order,
 * and then on_closed is called once. The client must not be freed in any callback but on_closed.
 */
typedef struct Qmp Qmp;

typedef struct QmpEvent {
	const char *name; /* "RESET" */
	const json_t *data; /* NULL: none */
	uint64_t time_usec; /* QEMU's own clock (CLOCK_REALTIME) when it happened */
} QmpEvent;

typedef struct QmpHandler {
	void (*on_ready)(Qmp *qmp, void *userdata); /* negotiated: commands may be sent */
	void (*on_event)(Qmp *qmp, const QmpEvent *event, void *userdata);
	void (*on_closed)(Qmp *qmp, const Fault *fault, void *userdata);
	void *userdata;
} QmpHandler;

/* Takes ownership of the non-blocking fd, also on failure. 0 or -errno. */
int qmp_new(sd_event *event, int fd, const QmpHandler *handler, Qmp **ret);

/* What another client needs to go on where one stopped that is not busy, at the same connection. */
typedef struct QmpRest {
	int fd;
	const char *version;
	const char *line; /* what was read of one that had not come whole */
	size_t length;
} QmpRest;

/* Its fd stays the client's, and all the rest. */
void qmp_rest(const Qmp *qmp, QmpRest *ret);

/* Without a greeting: commands may be sent at once, and on_ready never comes. Takes ownership of rest->fd, as qmp_new(). */
int qmp_resume(sd_event *event, const QmpRest *rest, const QmpHandler *handler, Qmp **ret);

/* fault is NULL where it succeeded, then result is its "return". */
typedef void (*QmpReply)(Qmp *qmp, const Fault *fault, const json_t *result, void *userdata);

typedef struct QmpCall {
	const char *command; /* a string literal */
	uint64_t timeout_usec; /* from now on; 0: none */
	QmpReply on_reply; /* NULL: nobody cares */
	void *userdata;
} QmpCall;

/*
 * Sends a command without arguments. on_reply comes from the event loop, never from within; after
 * timeout_usec with -ETIMEDOUT. Returns 0, -ENOTCONN before on_ready and after the end, or -ENOMEM.
 */
int qmp_call(Qmp *qmp, const QmpCall *call);

/* It is not ready, or a command waits for its answer. */
bool qmp_is_busy(const Qmp *qmp);

/* Of QEMU itself, from the greeting: "7.2.22"; NULL before on_ready. */
const char *qmp_version(const Qmp *qmp);

Qmp *qmp_free(Qmp *qmp);
DEFINE_CLEANUP(Qmp *, qmp_free)
