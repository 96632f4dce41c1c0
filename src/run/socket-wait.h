/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "host/sock.h"

/*
 * Waits until somebody listens on a UNIX socket, without ever connecting (a vhost-user backend leaves
 * with its first client): inotify on the path, unix_diag for the state, and since listen(2) makes no
 * inotify event, a look again after a delay that doubles from SOCKET_LOOK_FIRST_USEC to
 * SOCKET_LOOK_MAX_USEC, with jitter.
 */
typedef struct SocketWait SocketWait;

/* fault NULL: it listens. Else what was seen until the deadline. Called once, from the event loop. */
typedef void (*SocketWaitHandler)(const Fault *fault, void *userdata);

int socket_wait_start(sd_event *event, const char *path, uint64_t timeout_usec,
		      SocketWaitHandler handler, void *userdata, SocketWait **ret, Fault *fault);
SocketWait *socket_wait_free(SocketWait *wait);
DEFINE_CLEANUP(SocketWait *, socket_wait_free)
