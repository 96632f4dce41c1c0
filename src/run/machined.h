/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/util.h"

/*
 * The VM in the list of systemd-machined, with its supervisor as leader: machinectl(1) lists it and shows its unit, and
 * poweroff and terminate stop it gracefully (SIGRTMIN+4 to the leader; a stop of its unit), and reboot (SIGINT to the
 * leader) restarts it.
 *
 * All of it happens beside the start, over the system bus; nobody waits for an answer. Where there is no bus or no
 * machined nothing happens, and nothing is said.
 */
typedef struct Machined Machined;

typedef struct MachinedHandler {
	/* machined, or systemd, is there and does not do what it was asked for: why, in its words. */
	void (*on_refused)(const char *what, const char *why, void *userdata);
	void *userdata;
} MachinedHandler;

/*
 * Registers the VM, with the indexes of its network interfaces; again where a supervisor that is gone had registered it.
 * Outside of the VM's own unit nothing is registered: what machinectl would stop there is the session of a person.
 * *ret stays NULL where there is nobody to register with. 0 or -ENOMEM.
 */
int machined_register(sd_event *event, const char *name, const int32_t *interfaces,
		      size_t n_interfaces, const MachinedHandler *handler, Machined **ret);

/* Takes the VM off the list. NULL: nothing is done. */
void machined_unregister(Machined *machined);

/* Has systemd restart the VM's unit, which stops it gracefully first. False where nobody can be asked for that. */
bool machined_restart(Machined *machined);

/* Does not unregister: the VM may live on. */
Machined *machined_free(Machined *machined);
DEFINE_CLEANUP(Machined *, machined_free)
