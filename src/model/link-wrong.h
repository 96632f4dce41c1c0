/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/names.h"

/* What can be wrong with the link of an interface while its VM runs, and the words for that. Worst first. */
typedef enum LinkWrong {
	LINK_FINE,
	LINK_TAP_GONE, /* or another link has its name */
	LINK_TAP_RENAMED,
	LINK_BRIDGE_GONE,
	LINK_OFF_BRIDGE,
	LINK_BRIDGE_DOWN,
	LINK_TAP_DOWN,
	LINK_MTU,
	LINK_PORT_CHANGED, /* its settings as the port of its bridge */
	LINK_NO_CARRIER,
	LINK_NOT_FORWARDING,
	_LINK_WRONG_MAX,
} LinkWrong;

/* Longer words are cut off. */
#define LINK_DIFFERS_MAX 256

/* What was seen in one look. */
typedef struct LinkSight {
	LinkWrong wrong;
	char tap[TAP_NAME_MAX + 1],
		bridge[TAP_NAME_MAX + 1]; /* as they should be; bridge "": none */
	char lower[TAP_NAME_MAX + 1]; /* what a macvtap is on; "": it is none */
	char name[TAP_NAME_MAX + 1]; /* of a tap that was renamed */
	char master[TAP_NAME_MAX + 1]; /* what the tap is a port of; "": of nothing */
	int bridge_ifindex; /* 0: it is gone, or none is expected */
	uint32_t mtu, wanted_mtu;
	const char *port_state; /* "listening" */
	char differs
		[LINK_DIFFERS_MAX]; /* of a port that was changed: "isolated is false instead of true" */
} LinkSight;

/* True where mvmd itself can put it right; where no frame passes to the bridge. */
bool link_wrong_is_mendable(LinkWrong wrong);
bool link_wrong_is_detached(LinkWrong wrong);

/* As it is now; not of LINK_FINE. Returns fault->error. */
int fault_link_wrong(const LinkSight *sight, Fault *fault);

/* It was wrong and mvmd has put it right: evidence repaired=yes. Only of what is mendable, and of LINK_BRIDGE_GONE. */
int fault_link_repaired(const LinkSight *sight, Fault *fault);

/* It went wrong so often within that time, and repairs: was put right each time; now mvmd leaves it. */
int fault_link_contested(const LinkSight *sight, bool repairs, unsigned times, uint64_t within_usec,
			 Fault *fault);

/*
 * What mvmd does about it, for fault_link_wrong(): it waits for the bridge; it could not (why: the kernel's words, NULL:
 * none); it stops the VM, as on_detach says.
 */
void link_fault_is_awaited(const LinkSight *sight, Fault *fault);
void link_fault_is_left(const char *why, Fault *fault);
void link_fault_stops_vm(Fault *fault);

/* Who did it, as far as the kernel tells: process NULL where it has ended since. */
void link_fault_by(int pid, const char *process, Fault *fault);

/* "tap vm-web1-net0 is on bridge br0 again": what was wrong is so no more. A new string or NULL. */
char *link_mended_words(const LinkSight *was);

/* The id of its finding: "tap-off-bridge". */
const char *link_wrong_id(LinkWrong wrong);

/* True of a finding that holds only as long as another look finds the same. */
bool link_finding_is_momentary(const Fault *fault);
