/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "host/sock.h"

/*
 * Waits until somebody listens on a UNIX socket, without ever connecting (a vhost-user backend leaves
 * with its first client): a connector whose tries are looks by unix_diag, since listen(2) makes no inotify
 * event, and inotify on the path, which stirs it.
 */
typedef struct SocketWait SocketWait;

/* fault NULL: it listens. Else what was seen until the deadline. Called once, from the event loop. */
typedef void (*SocketWaitHandler)(const Fault *fault, void *userdata);

int socket_wait_start(sd_event *event, const char *path, uint64_t timeout_usec,
		      SocketWaitHandler handler, void *userdata, SocketWait **ret, Fault *fault);
SocketWait *socket_wait_free(SocketWait *wait);
DEFINE_CLEANUP(SocketWait *, socket_wait_free)
