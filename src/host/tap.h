/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "host/link.h"
#include "model/plan.h"

/* One tap: an fd per queue pair. It is not persistent: it ends with the last fd. */
#define TAP_QUEUES_MAX 256 /* drivers/net/tun.c: MAX_TAP_QUEUES */
typedef struct Tap {
	int *fds;
	size_t n_fds;
	char name[TAP_NAME_MAX + 1];
	int ifindex;
	uint64_t since_realtime_usec; /* when it was made; 0: not known */
	PortState port_state; /* on its bridge, right after tap_attach() */
	uint32_t
		mtu; /* as it is to stay while the VM runs, from tap_attach() or run/link-judge.h on; 0: not known yet */
	char master[IFNAMSIZ]; /* likewise, where nobody names a bridge; "": none */
} Tap;

/*
 * Makes the tap of nic with IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, and IFF_MULTI_QUEUE for more than one
 * queue pair; the link stays down. A link of that name that carries our alias is a leftover of ours
 * and is removed first; any other is refused: -EEXIST, with who holds it. The fds are CLOEXEC.
 * Errors with fault: -ENOENT, -ENODEV, -EACCES, -EPERM, -EBUSY, -EEXIST, -EINVAL.
 */
int tap_create(Nl *nl, const PlanNic *nic, Tap *ret, Fault *fault);

/*
 * Whether tap_create() would find the name taken now, as it would say it; makes and removes nothing. 0, or
 * -EEXIST or -EBUSY with fault.
 */
int tap_look(Nl *nl, const PlanNic *nic, Fault *fault);

/* The name is taken: removes what we left behind ourselves, refuses everything else, as tap_look() does. 0 or -errno. */
int tap_make_room(Nl *nl, const PlanNic *nic, Fault *fault);

/*
 * Puts the tap on its bridge: master, MTU (nic's, or the bridge's), MAC, alias and no IPv6 address in one message,
 * then the port's settings and up (host/port.h), and the altname; then reads all back. What differs is a fault that
 * names it.
 */
int tap_attach(Nl *nl, const PlanNic *nic, Tap *tap, const LinkInfo *bridge, Fault *fault);

/*
 * For a tap that is put on nothing: MTU, MAC, alias, altname, and up where that is asked for; then reads all
 * back, but whose port it is: that is up to others.
 */
int tap_set(Nl *nl, const PlanNic *nic, Tap *tap, bool up, Fault *fault);

/* What it is called, or will be; NULL where that is the helper's choice, and it is not made yet. */
const char *tap_name(const Tap *tap, const PlanNic *nic);

/* Closes all fds, with which the tap ends. */
void tap_close(Tap *tap);

/*
 * Removes all of the taps that are open, in the time that one takes; their fds are to be closed yet. Where the
 * kernel refuses it they end one by one, with their fds.
 */
void taps_remove(Nl *nl, Tap *taps, size_t n);

/*
 * Who has a tap of that name open: "pid 123 (qemu-system-x86 of mvmd@web2.service)", the unit where it is in one; several joined by ", ", from
 * /proc/PID/fdinfo (drivers/net/tun.c: "iff:"), and the pid of the first of them. NULL: nobody whom we may see.
 * The caller frees it.
 */
char *tap_holder(const char *name, pid_t *ret_pid);
