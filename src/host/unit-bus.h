/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

#include "base/fault.h"
#include "host/unit-state.h"

/*
 * The units of VMs, mvmd@NAME.service, over D-Bus to the systemd that is PID 1, or to that of the user who calls. No
 * policy: what is asked for is done.
 * A VM is meant by its NAME everywhere. All functions that take a Fault return 0 or -errno with it.
 */
typedef struct UnitBus UnitBus;

/* What wants the units that start at boot; of a user's, when his systemd starts: with his login, or at boot, too. */
#define UNIT_TARGET	  "mvmd.target"
#define UNIT_USERS_TARGET "default.target"

typedef enum UnitVerb {
	UNIT_START,
	UNIT_STOP,
	UNIT_RESTART,
	UNIT_RELOAD,
	UNIT_ENABLE,
	UNIT_DISABLE,
	UNIT_LOOK, /* no job: a look at it */
	UNIT_READ_FILES, /* nor this: systemctl daemon-reload */
	_UNIT_VERB_MAX,
} UnitVerb;

/* "start"; "look at" */
const char *unit_verb_to_string(UnitVerb verb);

/* "mvmd@NAME.service", a new string; NULL: out of memory. Always with its suffix: NAME may be "a.mount". */
char *unit_name(const char *vm);

/*
 * Root asks PID 1 itself, which needs no message bus; others by way of that. user: a user asks his own systemd itself, or
 * by his own bus. Signals come while event turns.
 */
int unit_bus_open(sd_event *event, bool user, UnitBus **ret, Fault *fault);
UnitBus *unit_bus_free(UnitBus *bus);
DEFINE_CLEANUP(UnitBus *, unit_bus_free)

/* False where systemd has closed the connection, as its daemon-reexec does: no job will be told as ended. */
bool unit_bus_is_open(UnitBus *bus);

/* A job of systemd's that is waited for. */
typedef struct UnitJob {
	char *path; /* of its object */
	char *result; /* done, failed, canceled, timeout, dependency, …; NULL: it goes on */
	UnitState news; /* what the unit's signals told from the job's beginning to its end */
	bool stirred; /* news came; for the caller to reset */
} UnitJob;

/* Queues what verb says: start, stop, restart or reload. *ret is filled in as the job goes on. */
int unit_bus_queue(UnitBus *bus, UnitVerb verb, const char *vm, UnitJob **ret, Fault *fault);

/* No more is heard of it: the job itself goes on. The bus's others may be freed with it. */
void unit_bus_forget(UnitBus *bus, UnitJob *job);

/* The VMs whose units systemd has in memory: active, failed, or spoken of by another. Others are inactive. */
int unit_bus_list(UnitBus *bus, StrList *ret, Fault *fault);

/*
 * What becomes of the VMs' units at boot, of all at once: systemd takes milliseconds to tell it of one. Enabled are
 * those that the target above wants.
 */
typedef struct UnitFiles {
	bool installed; /* there is an mvmd@.service */
	StrList enabled, masked; /* VMs */
} UnitFiles;
int unit_bus_files(UnitBus *bus, UnitFiles *ret, Fault *fault);
void unit_files_done(UnitFiles *files);

/* active, inactive, …; and what its supervisor says. New strings, cheaper than the whole. */
int unit_bus_active(UnitBus *bus, const char *vm, char **ret, Fault *fault);
int unit_bus_status(UnitBus *bus, const char *vm, char **ret, Fault *fault);
int unit_bus_state(UnitBus *bus, const char *vm, UnitState *ret, Fault *fault);

/* Units that begin without a limit anew: the one of failures, and of starts in a row. */
int unit_bus_reset_failed(UnitBus *bus, const char *vm, Fault *fault);

/* A signal for the supervisor alone. */
int unit_bus_kill(UnitBus *bus, const char *vm, int signal, Fault *fault);

/* Enables or disables the units; *ret_changes tells what was linked or removed. Then unit_bus_reload() is due. */
int unit_bus_enable(UnitBus *bus, UnitVerb verb, const StrList *vms, StrList *ret_changes,
		    Fault *fault);

/* enabled, disabled, masked, …: a new string. unit: a whole name. */
int unit_bus_file_state(UnitBus *bus, const char *unit, char **ret, Fault *fault);

/* systemctl daemon-reload: returns when systemd has read all unit files. */
int unit_bus_reload(UnitBus *bus, Fault *fault);
