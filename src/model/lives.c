/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "model/lives.h"

/* No VMM resets and boots a guest in less: two resets that we dealt with at once. */
#define CYCLE_MIN_USEC (2 * USEC_PER_MSEC)
/* We are not kept from reading for that long. */
#define CYCLE_CERTAIN_USEC USEC_PER_SEC

typedef struct LifeEndWords {
	const char *id, *words;
	bool crash;
} LifeEndWords;

static const LifeEndWords life_ends[] = {
	[LIFE_GOES_ON] = { NULL, NULL, false },
	[LIFE_NEVER_EXECUTED] = { "never-executed",
				  "it was reset within seconds, without one byte on its console",
				  true },
	[LIFE_SILENT] = { "silent", "it was reset without one byte on its console", true },
	[LIFE_PANIC] = { "panic", "its kernel panicked", true },
	[LIFE_NO_ROOT] = { "no-root", "its kernel found no root file system", true },
	[LIFE_NO_INIT] = { "no-init", "its kernel found no init that starts", true },
	[LIFE_OUT_OF_MEMORY] = { "out-of-memory", "its kernel had no memory left", true },
	[LIFE_REBOOT] = { "reboot", "it rebooted", false },
	[LIFE_POWER_OFF] = { "power-off", "it powered off", false },
	[LIFE_POWER_OFF_IGNORED] = { "power-off-ignored",
				     "it did not power off in time and was ended", false },
	[LIFE_VMM_EXITED] = { "vmm-exited", "its VMM ended", true },
	[LIFE_BACKEND_LOST] = { "backend-lost", "it was ended for want of a backend", true },
	[LIFE_STOPPED] = { "stopped", "it was ended from outside", false },
	[LIFE_UNKNOWN] = { "unknown", "it ended, and why is not known", false },
};
_Static_assert(ELEMENTSOF(life_ends) == _LIFE_END_MAX, "life_ends");

static const char *const life_asker_table[] = {
	[LIFE_ASKED_BY_NOBODY] = NULL, [LIFE_ASKED_BY_GUEST] = "guest",
	[LIFE_ASKED_BY_API] = "api",   [LIFE_ASKED_BY_SIGNAL] = "signal",
	[LIFE_ASKED_BY_MVMD] = "mvmd",
};
_Static_assert(ELEMENTSOF(life_asker_table) == _LIFE_ASKER_MAX, "life_asker_table");

const char *life_end_to_string(LifeEnd end)
{
	return life_ends[end].id;
}

const char *life_end_in_words(LifeEnd end)
{
	return life_ends[end].words;
}

bool life_end_is_crash(LifeEnd end)
{
	return life_ends[end].crash;
}

const char *life_asker_to_string(LifeAsker asker)
{
	return life_asker_table[asker];
}

const Life *lives_last(const Lives *lives)
{
	return lives->n_kept ? &lives->kept[lives->n_kept - 1] : NULL;
}

uint64_t life_duration_usec(const Life *life, uint64_t now_usec)
{
	return (life->end == LIFE_GOES_ON ? now_usec : life->ended.usec) - life->began.usec;
}

uint64_t life_bytes(const Life *life, uint64_t bytes_now)
{
	return (life->end == LIFE_GOES_ON ? bytes_now : life->ended.console_bytes) -
	       life->began.console_bytes;
}

bool life_is_silent(const Life *life, uint64_t bytes_now)
{
	return life_bytes(life, bytes_now) == 0 && life->devices.n == 0 && !life->unheard;
}

static Life *life_that_goes_on(Lives *lives)
{
	Life *last = lives->n_kept ? &lives->kept[lives->n_kept - 1] : NULL;

	return last && last->end == LIFE_GOES_ON ? last : NULL;
}

static void life_done(Life *life)
{
	str_list_done(&life->devices);
	str_list_done(&life->backend_exits);
	free(life->last_words);
}

void lives_begin(Lives *lives, const LifeMoment *at)
{
	const Life *before = lives_last(lives);
	LifeMoment began = *at;

	began.console_bytes = before ? before->ended.console_bytes : 0;
	if (lives->n_kept == LIVES_KEPT) {
		life_done(&lives->kept[0]);
		lives->n_kept--;
		memmove(lives->kept, lives->kept + 1, lives->n_kept * sizeof(lives->kept[0]));
	}
	lives->n++;
	lives->kept[lives->n_kept++] = (Life){ .number = lives->n, .began = began };
}

bool lives_hear(Lives *lives, const char *bytes, size_t n)
{
	Life *life = life_that_goes_on(lives);

	return life && guest_words_hear(&life->words, bytes, n);
}

void lives_activated(Lives *lives, const char *device)
{
	Life *life = life_that_goes_on(lives);

	if (life && life->devices.n < LIFE_DEVICES_MAX &&
	    !str_list_contains(&life->devices, device))
		str_list_add(&life->devices, "%s", device);
}

void lives_backend_left(Lives *lives, const char *text)
{
	Life *life = life_that_goes_on(lives);

	if (life && life->backend_exits.n < LIFE_EXITS_MAX)
		str_list_add(&life->backend_exits, "%s", text);
}

void lives_unheard(Lives *lives)
{
	Life *life = life_that_goes_on(lives);

	if (life)
		life->unheard = true;
}

void lives_asked(Lives *lives, LifeAsker asker)
{
	if (lives->asked_by == LIFE_ASKED_BY_NOBODY)
		lives->asked_by = asker;
}

void lives_lost_backend(Lives *lives)
{
	lives->lost_backend = true;
}

void lives_ignored_power_off(Lives *lives)
{
	lives->ignored_power_off = true;
}

void lives_last_words(Lives *lives, const char *text)
{
	Life *life = life_that_goes_on(lives);

	if (life && *text)
		(void) str_set(&life->last_words, text);
}

/* From one end to the next: what the VMM needs for a reset, and the life. */
static uint64_t cycle_usec(const Lives *lives, const Life *life)
{
	return life->ended.usec - (lives->last_ended_usec ?: life->began.usec);
}

/*
 * The VMM's word of a reset and the guest's bytes come by two ways. Where we were kept from reading both, what a
 * brief life wrote is credited to the one before, and several resets are dealt with at once. So a brief life
 * without a byte was silent only where its neighbour had none either.
 */
static bool was_silent(const Lives *lives, const Life *life)
{
	if (!life_is_silent(life, life->ended.console_bytes))
		return false;
	if (lives->last_ended_usec == 0 || cycle_usec(lives, life) >= CYCLE_CERTAIN_USEC)
		return true;
	return cycle_usec(lives, life) >= CYCLE_MIN_USEC && !lives->neighbour_spoke;
}

static void remember_neighbour(Lives *lives, const Life *life)
{
	if (life_bytes(life, 0) > 0)
		lives->neighbour_spoke = true;
	else if (cycle_usec(lives, life) >= CYCLE_MIN_USEC)
		lives->neighbour_spoke = false;
	lives->last_ended_usec = life->ended.usec;
}

static LifeEnd end_by_reset(const Lives *lives, const Life *life)
{
	uint64_t lasted_usec = life->ended.usec - life->began.usec;

	if (!was_silent(lives, life) || lasted_usec >= LIFE_SILENT_USEC)
		return LIFE_REBOOT;
	if (lasted_usec < LIFE_BRIEF_USEC)
		return LIFE_NEVER_EXECUTED;
	return lives->may_be_mute ? LIFE_REBOOT : LIFE_SILENT;
}

/* What the console told explains a reset, pvpanic's word, and the end of a guest that did not react. */
static LifeEnd end_by_words(const Life *life, LifeEnd otherwise)
{
	static const LifeEnd ends[_GUEST_DEATH_MAX] = {
		[GUEST_PANIC] = LIFE_PANIC,
		[GUEST_NO_ROOT] = LIFE_NO_ROOT,
		[GUEST_NO_INIT] = LIFE_NO_INIT,
		[GUEST_OUT_OF_MEMORY] = LIFE_OUT_OF_MEMORY,
	};
	GuestDeath death = guest_words_death(&life->words);

	return death == GUEST_LIVES ? otherwise : ends[death];
}

static LifeEnd precise_end(const Lives *lives, const Life *life, LifeEnd end)
{
	if (end == LIFE_REBOOT)
		return end_by_words(life, end_by_reset(lives, life));
	if (end == LIFE_PANIC)
		return end_by_words(life, LIFE_PANIC);
	if ((end == LIFE_POWER_OFF || end == LIFE_STOPPED) && lives->lost_backend)
		return LIFE_BACKEND_LOST;
	if (end == LIFE_STOPPED && lives->ignored_power_off)
		return end_by_words(life, LIFE_POWER_OFF_IGNORED);
	if (end == LIFE_STOPPED && lives->asked_by == LIFE_ASKED_BY_NOBODY)
		return LIFE_UNKNOWN;
	return end;
}

/* A guest that was asked from outside may power off or reboot all the same: only the former obeys. */
static LifeAsker asker_of(const Lives *lives, LifeEnd end)
{
	if (end == LIFE_REBOOT)
		return LIFE_ASKED_BY_GUEST;
	if (end == LIFE_POWER_OFF)
		return lives->asked_by ?: LIFE_ASKED_BY_GUEST;
	return end == LIFE_STOPPED || end == LIFE_POWER_OFF_IGNORED ? lives->asked_by :
								      LIFE_ASKED_BY_NOBODY;
}

/* Counts a crash; true where the limit is reached. */
static bool crash_is_too_many(LifeCrashes *crashes, uint64_t usec, const SpecCrashLimit *limit)
{
	if (crashes->n == LIVES_CRASHES_MAX) {
		crashes->n--;
		memmove(crashes->usec, crashes->usec + 1, crashes->n * sizeof(crashes->usec[0]));
	}
	crashes->usec[crashes->n++] = usec;
	return crashes->n >= limit->count &&
	       usec - crashes->usec[crashes->n - limit->count] <= limit->within_usec;
}

bool lives_end(Lives *lives, const LifeMoment *at, LifeEnd end, const SpecCrashLimit *limit)
{
	Life *life = life_that_goes_on(lives);

	if (!life)
		return false;
	life->ended = *at;
	life->end = precise_end(lives, life, end);
	life->asked_by = asker_of(lives, life->end);
	remember_neighbour(lives, life);
	return life_end_is_crash(life->end) && crash_is_too_many(&lives->crashes, at->usec, limit);
}

void lives_done(Lives *lives)
{
	for (size_t i = 0; i < lives->n_kept; i++)
		life_done(&lives->kept[i]);
	*lives = (Lives){ 0 };
}
