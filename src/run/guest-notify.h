/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "model/plan.h"

/*
 * Hears what the guest's systemd says over vsock. It sends one message a connection and then waits, its boot with it,
 * until the host closes (src/libsystemd/sd-daemon/sd-daemon.c): so a connection is closed as soon as it was read, before
 * anybody thinks about the message.
 *
 * Whoever speaks is any process of the guest, so all is bounded: the length of a message, the connections that say
 * nothing and how long they may, and how many there are in a second; more than that wait in the kernel.
 */
typedef struct GuestNotify GuestNotify;

#define GUEST_MESSAGE_MAX_BYTES 4096 /* what is longer is cut */

typedef struct GuestNotifyHandler {
	void (*on_message)(const char *message, size_t length, void *userdata);
	void *userdata;
} GuestNotifyHandler;

/*
 * Listens where plan->notify says: on the socket to which cloud-hypervisor passes its guest's connections, or on a port
 * of the host's vsock, where of all guests only this VM's is heard. To be called before the guest is booted: who is
 * refused does not try again. 0 or -errno with fault.
 */
int guest_notify_new(sd_event *event, const Plan *plan, const GuestNotifyHandler *handler,
		     GuestNotify **ret, Fault *fault);

GuestNotify *guest_notify_free(GuestNotify *notify);
DEFINE_CLEANUP(GuestNotify *, guest_notify_free)
