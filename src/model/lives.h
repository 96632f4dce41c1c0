/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"
#include "model/guest-words.h"
#include "model/spec.h"

/*
 * The guest's lives, from a boot or reset to the next reset or the end: how each ended, and when too many
 * crashed. Pure: the caller brings the clocks.
 */

typedef enum LifeEnd {
	LIFE_GOES_ON,
	LIFE_NEVER_EXECUTED, /* reset within LIFE_BRIEF_USEC of its begin, and silent until then */
	LIFE_SILENT, /* the same within LIFE_SILENT_USEC, where the guest is expected to be heard or seen */
	LIFE_PANIC, /* its console told of it, or pvpanic; the next three by the console */
	LIFE_NO_ROOT,
	LIFE_NO_INIT,
	LIFE_OUT_OF_MEMORY,
	LIFE_REBOOT, /* any other reset; VMMs report a triple fault just the same (qemu.md §4) */
	LIFE_POWER_OFF,
	LIFE_POWER_OFF_IGNORED, /* it was asked to, and was ended when its time was up */
	LIFE_VMM_EXITED, /* the VMM ended, and nobody had asked */
	LIFE_BACKEND_LOST,
	LIFE_STOPPED, /* ended from outside, as somebody had asked */
	LIFE_UNKNOWN,
	_LIFE_END_MAX,
} LifeEnd;

/* Who wanted that end, as far as anybody said so. */
typedef enum LifeAsker {
	LIFE_ASKED_BY_NOBODY,
	LIFE_ASKED_BY_GUEST,
	LIFE_ASKED_BY_API, /* the control socket: mvmd stop */
	LIFE_ASKED_BY_SIGNAL,
	LIFE_ASKED_BY_MVMD, /* what the spec asks for did not come */
	_LIFE_ASKER_MAX,
} LifeAsker;

/* A point of time as the lives see it. */
typedef struct LifeMoment {
	uint64_t usec; /* CLOCK_MONOTONIC */
	uint64_t realtime_usec;
	uint64_t console_bytes; /* all that was read of what the guest wrote, over all lives */
} LifeMoment;

/* More devices than a VM can have: what a VMM says after that is not to be trusted. */
#define LIFE_DEVICES_MAX 64
#define LIFE_EXITS_MAX	 16

typedef struct Life {
	unsigned number; /* from 1 */
	LifeMoment began, ended; /* ended: zero while it goes on */
	LifeEnd end;
	LifeAsker asked_by;
	GuestWords words;
	StrList devices; /* that the guest's drivers activated; not all VMMs and devices tell */
	StrList backend_exits; /* "virtiofsd[data]: exit status 0"; the first LIFE_EXITS_MAX */
	char *last_words; /* of the VMM, where its end was the life's; else NULL */
	bool unheard; /* for a part of it nobody listened: its silence proves nothing */
} Life;

/* So many are remembered. */
#define LIVES_KEPT 10
/* The most that crash_limit.count can be. */
#define LIVES_CRASHES_MAX 100

/*
 * A kernel that dies at its first instruction is rebooted by its VMM for ever, 2.4 times a second
 * (cloud-hypervisor.md §11). One that hangs before its console is reset by a watchdog, if at all.
 */
#define LIFE_BRIEF_USEC	 (5 * USEC_PER_SEC)
#define LIFE_SILENT_USEC (60 * USEC_PER_SEC)

/* When lives crashed, CLOCK_MONOTONIC, the last one at the end. */
typedef struct LifeCrashes {
	uint64_t usec[LIVES_CRASHES_MAX];
	size_t n;
} LifeCrashes;

/* Zero-initialise. */
typedef struct Lives {
	unsigned n; /* begun so far */
	Life kept[LIVES_KEPT]; /* the last ones, oldest first */
	size_t n_kept;
	LifeCrashes crashes; /* those of earlier runs of the VM, too */
	LifeAsker asked_by; /* for an end of the life that goes on */
	uint64_t last_ended_usec; /* 0: none yet */
	bool neighbour_spoke; /* the last life that could be told from its own neighbours wrote something */
	bool may_be_mute; /* a guest that is well may write nothing, and its drivers are not seen */
	bool lost_backend, ignored_power_off; /* it is to end because of that */
} Lives;

/*
 * A life begins. All that the guest wrote since the last one ended is its own: a VMM tells of a reset when
 * the new life runs already. The oldest that is remembered is forgotten where there are LIVES_KEPT.
 */
void lives_begin(Lives *lives, const LifeMoment *at);

/* The guest wrote that. True where it is the first word of why this life dies: lives_last()->words. */
bool lives_hear(Lives *lives, const char *bytes, size_t n);

/* The guest's driver took a device. */
void lives_activated(Lives *lives, const char *device);

/* A backend's process left: "virtiofsd[data]: exit status 0". */
void lives_backend_left(Lives *lives, const char *text);

/* Nobody listened for a while: its supervisor was killed, and another one adopted it. */
void lives_unheard(Lives *lives);

/* Somebody asked for the end of the VM; the first one counts. */
void lives_asked(Lives *lives, LifeAsker asker);

/* The VM ends for want of a backend, or as its time for a power-off is up, however the guest takes it. */
void lives_lost_backend(Lives *lives);
void lives_ignored_power_off(Lives *lives);

/* The VMM ends the life that goes on: its last words; "" for none. */
void lives_last_words(Lives *lives, const char *text);

/*
 * The life that goes on ends; nothing where none does. What 'end' says is made more precise: a reset may
 * be of a life that never executed or panicked, a power-off or a stop may be for a lost backend. True where that
 * was one crashed life too many: limit->count of them within limit->within_usec.
 */
bool lives_end(Lives *lives, const LifeMoment *at, LifeEnd end, const SpecCrashLimit *limit);

/* The last one, NULL before the first. */
const Life *lives_last(const Lives *lives);
uint64_t life_duration_usec(const Life *life, uint64_t now_usec);
uint64_t life_bytes(const Life *life, uint64_t bytes_now);

/* True where nothing shows that code of the guest's ever ran. */
bool life_is_silent(const Life *life, uint64_t bytes_now);
bool life_end_is_crash(LifeEnd end);

void lives_done(Lives *lives);

/* NULL for a life that goes on; NULL for nobody. */
const char *life_end_to_string(LifeEnd end);
const char *life_asker_to_string(LifeAsker asker);

/* For people: "it was reset without having written one byte to its console"; of a life that ended. */
const char *life_end_in_words(LifeEnd end);
