/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/client.h"
#include "cli/turn.h"
#include "cli/unit-tries.h"
#include "host/process.h"
#include "host/record.h"
#include "host/vm-dir.h"
#include "mvmd/exit-codes.h"
#include "run/systemd.h"

/* A history that cannot be read is none: the start goes on. */
static void history_read(Turn *turn, TurnKind kind)
{
	char boot_id[BOOT_ID_MAX];

	client_read_history(turn->places, turn->name, &turn->history);
	if (history_is_over(&turn->history) || (kind == TURN_GOES_ON && turn->history.runs))
		return;
	boot_id_read(boot_id);
	history_look(&turn->history, boot_id, now_usec());
}

/* Who may not write there keeps no history, as he keeps no cache. */
static void history_write(Turn *turn)
{
	json_t *json;

	if (turn->others)
		return;
	if (!*turn->history.boot_id)
		boot_id_read(turn->history.boot_id);
	json = history_to_json(&turn->history);
	if (json)
		(void) record_write(turn->places->state_directory, turn->name, HISTORY_FILE, json);
	json_decref(json);
}

static const char *words_of_an_end(void)
{
	return unit_is_told() ? "mvmd start begins at once, mvmd stop ends the wait" :
				"a signal ends the wait, --now begins at once";
}

static void say_waiting(const History *history, uint64_t wait_usec)
{
	const LogKind kind = { .level = LOG_LEVEL_INFO, .message_id = MVMD_MESSAGE_NEXT_TRY };
	char text[FORMAT_MAX];

	unit_waits_for_turn(wait_usec);
	(void) format_rough_duration(text, wait_usec);
	if (history->last_exit_code == 0)
		log_entry(&kind, "next try in %s: the last supervisor was killed (%s)", text,
			  words_of_an_end());
	else
		log_entry(&kind,
			  "next try in %s: %u in a row failed, the last one with exit code %d%s%s "
			  "(%s)",
			  text, history->failed, history->last_exit_code,
			  *history->last_finding ? ", " : "", history->last_finding,
			  words_of_an_end());
}

/*
 * Those that end the wait: SIGURG with it begins at once, which nobody sends by chance, and which does nothing when
 * it comes too early or too late; the others end the start.
 */
static void block_signals(sigset_t *ret_waited, sigset_t *ret_before)
{
	static const int waited[] = { SIGTERM, SIGINT, SIGHUP, SIGURG };

	(void) sigemptyset(ret_waited);
	for (size_t i = 0; i < ELEMENTSOF(waited); i++)
		(void) sigaddset(ret_waited, waited[i]);
	(void) sigprocmask(SIG_BLOCK, ret_waited, ret_before);
}

/* True where a signal that asks for the end came meanwhile. */
static bool sleep_unless_asked(uint64_t until_usec, const sigset_t *waited)
{
	int signal = -1;

	for (uint64_t now = now_usec(); signal < 0 && now < until_usec; now = now_usec()) {
		const struct timespec left = {
			.tv_sec = (time_t) ((until_usec - now) / USEC_PER_SEC),
			.tv_nsec = (long) ((until_usec - now) % USEC_PER_SEC * NSEC_PER_USEC),
		};

		signal = sigtimedwait(waited, NULL, &left);
	}
	return signal >= 0 && signal != SIGURG;
}

/* True where the end was asked for meanwhile. */
static bool wait_until(const History *history, uint64_t until_usec)
{
	sigset_t waited, before;
	uint64_t now = now_usec();
	bool asked;

	block_signals(&waited, &before); /* who hears of the wait may end it */
	say_waiting(history, until_usec > now ? until_usec - now : 0);
	asked = sleep_unless_asked(until_usec, &waited);
	(void) sigprocmask(SIG_SETMASK, &before, NULL);
	return asked;
}

/* Under the VM's lock, so that status sees a VM that waits, and no second start waits beside it. */
static bool turn_wait(Turn *turn, const VmPlaces *places, uint64_t wait_usec, int *ret_exit_code)
{
	Fault fault = { 0 };
	int lock_fd = -EBADF;
	bool asked;

	if (vm_lock(places, &lock_fd, &fault) < 0) {
		log_fault(LOG_LEVEL_ERROR, &fault);
		unit_tries_add(turn->places, turn->name, &turn->tries, fault.exit_code, fault.id);
		*ret_exit_code = fault.exit_code;
		fault_done(&fault);
		return false;
	}
	turn->history.waits_until_usec = now_usec() + wait_usec;
	history_write(turn);
	asked = wait_until(&turn->history, turn->history.waits_until_usec);
	turn->history.waits_until_usec = 0;
	history_write(turn);
	vm_unlock(places, lock_fd);
	*ret_exit_code = MVMD_EXIT_OK;
	return !asked;
}

/* The lock is somebody else's, or not to be had: this wait is without it. */
static bool tries_wait(Turn *turn, int *ret_exit_code)
{
	uint64_t wait_usec;

	unit_tries_read(turn->places, turn->name, &turn->tries);
	wait_usec = history_wait_usec(&turn->tries, now_usec());
	*ret_exit_code = MVMD_EXIT_OK;
	return wait_usec == 0 || !wait_until(&turn->tries, now_usec() + wait_usec);
}

bool turn_take(const Places *places, const char *argument, TurnKind kind, Turn *ret,
	       int *ret_exit_code)
{
	VmPlaces vm_places = { 0 };
	uint64_t wait_usec;
	bool goes_on = true;

	*ret = (Turn){ .places = places, .name = vm_name_of_argument(argument) };
	if (!ret->name || vm_places_init(places->runtime_directory, ret->name, &vm_places) < 0) {
		*ret_exit_code = MVMD_EXIT_SYSTEM;
		return false;
	}
	log_set_vm(ret->name);
	if (kind == TURN_WAITS)
		goes_on = tries_wait(ret, ret_exit_code);
	ret->others = vm_is_others(vm_places.lock_file);
	if (goes_on && !ret->others) {
		history_read(ret, kind);
		wait_usec = history_wait_usec(&ret->history, now_usec());
		if (wait_usec > 0 && kind != TURN_NOW)
			goes_on = turn_wait(ret, &vm_places, wait_usec, ret_exit_code);
	}
	vm_places_done(&vm_places);
	return goes_on;
}

void turn_waits_for_slot(Turn *turn, uint64_t until_usec)
{
	turn->history.waits_until_usec = until_usec;
	turn->history.waits_for_slot = until_usec > 0;
	if (until_usec == 0 && history_is_over(&turn->history))
		(void) record_remove(turn->places->state_directory, turn->name, HISTORY_FILE);
	else
		history_write(turn);
}

void turn_begins(Turn *turn)
{
	history_run_begins(&turn->history, now_usec());
	history_write(turn);
}

void turn_ended(Turn *turn, int exit_code, const char *cause, const LifeCrashes *crashes)
{
	history_run_ended(&turn->history, exit_code, cause, crashes, now_usec());
	if (turn->others) {
		unit_tries_add(turn->places, turn->name, &turn->tries, exit_code, cause);
		return;
	}
	unit_tries_over(turn->places, turn->name, &turn->tries);
	/* A name without a spec is mostly a slip: it gets no folder. */
	if (history_is_over(&turn->history) || exit_code == MVMD_EXIT_NO_SPEC)
		(void) record_remove(turn->places->state_directory, turn->name, HISTORY_FILE);
	else
		history_write(turn);
}

void turn_done(Turn *turn)
{
	log_set_vm(NULL);
	free(turn->name);
	*turn = (Turn){ 0 };
}
