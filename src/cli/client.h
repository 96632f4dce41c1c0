/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <jansson.h>

#include "base/fault.h"
#include "cli/commands.h"
#include "model/history.h"
#include "model/places.h"

/* The command's side of a control socket (include/mvmd/io.mvmd.vm.varlink): one call, blocking. */

/* How long a supervisor may take to answer: it only ever waits in its loop. */
#define CLIENT_TIMEOUT_USEC (5 * USEC_PER_SEC)

/* What a VM is as far as its files tell. */
typedef enum VmPresence {
	VM_PRESENCE_RUNNING, /* its supervisor has the lock */
	VM_PRESENCE_WAITING, /* its next start waits for its turn (cli/turn.h), or for a slot */
	VM_PRESENCE_ORPHANED, /* its VMM lives, its supervisor does not */
	VM_PRESENCE_HIDDEN, /* there is a lock, which we may not look at, and nobody at the socket */
	VM_PRESENCE_STOPPED, /* there is a spec */
	VM_PRESENCE_UNKNOWN, /* there is nothing */
} VmPresence;

typedef struct VmFound {
	VmPlaces places;
	VmPresence presence;
	pid_t pid; /* supervisor, or the orphaned VMM; 0: none */
	uint64_t waits_until_usec; /* VM_PRESENCE_WAITING: CLOCK_MONOTONIC */
	bool waits_for_slot; /* how long it waits is then not known */
	bool has_unit; /* it would be started as one: it is where its units are, on a host with systemd */
} VmFound;

/* The VM's name: the argument, or of a path the last part without ".json". A new string; NULL: out of memory. */
char *vm_name_of_argument(const char *argument);

/* Looks for the VM that argument (a name or a path to a spec) means. 0 or -errno with fault. */
int client_find(const Places *places, const char *argument, VmFound *ret, Fault *fault);
void vm_found_done(VmFound *found);

/*
 * Calls method of a VM that runs and waits for the answer; for its supervisor's socket, too, which comes a moment
 * after its lock. parameters is taken; NULL: none. *ret is a new reference to the answer's parameters;
 * *ret_fd, where ret_fd is not NULL, the connection (else it is closed).
 * With fault: -ESRCH (it has ended meanwhile), -EPERM (not an owner), -ETIMEDOUT, -EPROTO.
 */
int client_call(const VmFound *found, const char *method, json_t *parameters, json_t **ret,
		int *ret_fd, Fault *fault);

/* How the VM's last runs ended; zero where nothing is on record, or not for us. */
void client_read_history(const Places *places, const char *name, History *ret);

/* "start", or "run" where a VM has no unit: on a host without systemd, and in another runtime folder than the units'. */
const char *client_start_verb(const VmFound *found);

/* Says that a VM is not running or unknown and returns the exit code for it. */
int client_say_absent(const VmFound *found);
