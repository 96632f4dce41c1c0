/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>
#include <systemd/sd-event.h>

#include "base/fault.h"
#include "model/spec.h"

/*
 * The control socket: varlink (JSON and a NUL) with the interface io.mvmd.vm
 * (include/mvmd/io.mvmd.vm.varlink). Callers are judged by SO_PEERCRED and SO_PEERGROUPS: root, ourselves,
 * and the spec's owners.
 */
typedef struct Control Control;

typedef struct ControlHandler {
	json_t *(*get_status)(void *userdata); /* a new reference, or NULL: out of memory */
	uint64_t (*stop)(bool force, void *userdata); /* returns how long the guest has, in usec */
	bool (*console_is_ready)(void *userdata);
	void (*console)(int fd,
			void *userdata); /* takes fd; only called where the console is ready */
	/* Takes fd, a duplicate of the connection, where it returns 0: control_answer() is to come. Else with fault. */
	int (*reload)(int fd, void *userdata, Fault *fault);
	void *userdata;
} ControlHandler;

/* Answers a call from outside of the control; fault: NULL where it was done. Closes fd. */
void control_answer(int fd, const Fault *fault);

/* Listens at path. 0 or -errno with fault (an owner that does not exist is -ESRCH). */
int control_new(sd_event *event, const char *path, const Spec *spec, const ControlHandler *handler,
		Control **ret, Fault *fault);

/* Closes the socket and all connections, which tells who waits for the end. Unlinks nothing. */
Control *control_free(Control *control);
DEFINE_CLEANUP(Control *, control_free)
