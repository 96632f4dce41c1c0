/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "model/attempts.h"

/*
 * Tries until something is there or the deadline has passed: the one way in which mvmd waits for what it cannot
 * be told of. Pauses grow, with jitter (model/attempts.h), and each try is recorded.
 *
 * Where mvmd holds the listener itself nothing is waited for: QEMU's monitor and console, and cloud-hypervisor's
 * API, are connected to before the process is there (vmm_open_socket(), console_new_listener()), and
 * a backend of ours is handed its listener, so that its VMM can never be refused.
 */
typedef struct Connector Connector;

typedef struct ConnectorConfig {
	Backoff backoff;
	uint64_t timeout_usec;
	/* One try. 1: it is there; 0: not yet, *ret tells why; -errno: no further try will help. */
	int (*attempt)(AttemptResult *ret, void *userdata);
	/* Not for connector_wait(). Called once: 0, -ETIMEDOUT or the try's -errno. May free the connector. */
	void (*on_end)(int error, const Attempts *attempts, void *userdata);
	void *userdata;
} ConnectorConfig;

/* The first try is made from the event loop, at once. 0 or -errno. */
int connector_start(sd_event *event, const ConnectorConfig *config, Connector **ret);

/* Something stirred: tries now, and the pauses are short again. */
void connector_stir(Connector *connector);

Connector *connector_free(Connector *connector);
DEFINE_CLEANUP(Connector *, connector_free)

/* For a command, which has no event loop: blocks. 0, -ETIMEDOUT or the try's -errno; *ret is set always. */
int connector_wait(const ConnectorConfig *config, Attempts *ret);

/*
 * A try: connects to a UNIX socket. Absence, refusal and a full queue may pass; all else will not. *ret_fd is
 * non-blocking. Not for a vhost-user socket, unless the connection is what its VMM is to have: a backend
 * that serves one client leaves with it.
 */
int attempt_connect(const char *path, int *ret_fd, AttemptResult *ret);
