/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/commands.h"
#include "host/unit-bus.h"

/*
 * What start, stop, restart and reload share: each VM's unit is asked for one job, all of them are waited for side by
 * side, and their phases are shown as they pass.
 */

typedef struct UnitTasks UnitTasks;

/* One VM's. */
typedef struct UnitTask {
	char *vm;
	UnitVerb verb;
	UnitJob *job;
	uint64_t queued_realtime_usec;
	uint64_t limit_usec; /* how long a guest may take to power off; 0: not known */
	uint64_t stopping_until_usec; /* CLOCK_MONOTONIC, once it was asked to */
	char *told; /* the status that was shown last, and when */
	uint64_t told_usec;
	bool ended; /* its job */
} UnitTask;

/* How a task whose job has ended is told, and with which exit code it counts. */
typedef int (*UnitTaskEnd)(UnitTasks *tasks, const UnitTask *task);

struct UnitTasks {
	const Places *places;
	sd_event *event;
	UnitBus *bus;
	UnitTask *items;
	size_t n;
	void *userdata; /* the caller's */
	int exit_code; /* the worst */
	int signal; /* that ended the waiting; 0: none did */
	bool progress_is_shown; /* one line of a terminal, without its end */
};

/* Where the VMs of these places may be units: those run in the standard folder, whatever others are named alike. */
bool unit_tasks_fit(const Places *places);

/* 0 or -errno with fault. unit_tasks_end() is due in any case. */
int unit_tasks_init(const Places *places, UnitTasks *tasks, Fault *fault);

/* Frees all and returns the worst exit code; where a signal ended the waiting, says what goes on and ends by it. */
int unit_tasks_end(UnitTasks *tasks);

/* The exit code counts where it is the worst. */
void unit_tasks_failed(UnitTasks *tasks, int exit_code);

/* Says a fault about vm (NULL: about none alone), counts its exit code, and empties it. */
void unit_tasks_say(UnitTasks *tasks, const char *vm, Fault *fault);

/* Asks for a job. limit_usec: as UnitTask has it. 0 or -errno with fault. */
int unit_tasks_queue(UnitTasks *tasks, UnitVerb verb, const char *vm, uint64_t limit_usec,
		     Fault *fault);

/* Ends the wait of a supervisor for its turn, where it has one: a person who starts a VM wants it now. */
void unit_tasks_urge(UnitTasks *tasks, const char *vm, const char *status);

/*
 * Until each job has ended; 'end' is called for each when that comes. SIGINT and SIGTERM end the waiting, not the jobs:
 * then tasks->signal is set.
 */
void unit_tasks_wait(UnitTasks *tasks, UnitTaskEnd end);
