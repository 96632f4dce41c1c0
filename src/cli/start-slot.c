/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/spec-load.h"
#include "cli/start-slot.h"
#include "host/slots.h"
#include "host/vm-dir.h"
#include "mvmd/exit-codes.h"
#include "run/systemd.h"

/*
 * A word that a slot is freed comes at once; of a supervisor that is killed a moment too early: the kernel tells of the
 * close before it takes the lock away (fs/file_table.c: __fput()). Where there is no word, looks have to do.
 */
#define SLOT_LOOK_USEC	     (1 * USEC_PER_SEC)
#define SLOT_LOOK_AGAIN_USEC (20 * USEC_PER_MSEC)
/* Nobody knows how long it takes: systemd and `mvmd status` are told again and again that it goes on. */
#define SLOT_TELL_USEC (10 * USEC_PER_SEC)

typedef struct SlotWait {
	Turn *turn;
	unsigned slots;
	int signal_fd;
	int watch_fd; /* -EBADF: looks alone have to do */
	uint64_t look_usec; /* in how long to look again */
	uint64_t tell_usec; /* when to tell again */
} SlotWait;

/* How many there are; 0: no limit. A host.conf that is wrong is told by what follows. */
static unsigned slots_of_host(const Places *places)
{
	_cleanup_(problems_done) Problems problems = { 0 };
	_cleanup_(host_conf_done) HostConf conf = { 0 };
	_cleanup_(fault_done) Fault fault = { 0 };

	return host_conf_load(places, &conf, &problems, &fault) == 0 ? (unsigned) conf.start_slots :
								       0;
}

static int open_signals(void)
{
	static const int asking[] = { SIGTERM, SIGINT, SIGHUP };
	sigset_t signals;

	(void) sigemptyset(&signals);
	for (size_t i = 0; i < ELEMENTSOF(asking); i++)
		(void) sigaddset(&signals, asking[i]);
	(void) sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void say_waiting(const SlotWait *wait)
{
	const LogKind kind = { .level = LOG_LEVEL_INFO, .message_id = MVMD_MESSAGE_START_SLOT };
	_cleanup_(str_list_done) StrList holders = { 0 };
	_cleanup_(str_buf_done) StrBuf names = { 0 };

	slot_holders(wait->turn->places->runtime_directory, wait->slots, &holders);
	for (size_t i = 0; i < holders.n; i++)
		str_buf_add(&names, "%s%s", i == 0 ? ": " : ", ", holders.items[i]);
	log_entry(&kind, "waits for a start slot; %u VM%s now%s", wait->slots,
		  wait->slots == 1 ? " starts" : "s start", names.text ?: "");
}

static void tell(SlotWait *wait)
{
	uint64_t now = now_usec();

	if (now < wait->tell_usec)
		return;
	if (wait->tell_usec == 0)
		say_waiting(wait);
	wait->tell_usec = now + SLOT_TELL_USEC;
	unit_waits_for_slot(wait->slots, SLOT_TELL_USEC);
	turn_waits_for_slot(wait->turn, now + 2 * SLOT_TELL_USEC);
}

/* Until a slot may be free. True where a signal asks for the end. */
static bool sleep_unless_asked(SlotWait *wait)
{
	struct pollfd fds[] = {
		{ .fd = wait->signal_fd, .events = POLLIN },
		{ .fd = wait->watch_fd, .events = POLLIN },
	};
	struct signalfd_siginfo asking;
	char events[4096];

	int n = poll(fds, ELEMENTSOF(fds), (int) (wait->look_usec / USEC_PER_MSEC));

	wait->look_usec = n > 0 ? SLOT_LOOK_AGAIN_USEC : SLOT_LOOK_USEC;
	if (n <= 0)
		return false;
	while (fds[1].revents && read(wait->watch_fd, events, sizeof(events)) > 0)
		continue;
	/* It is read, or it would be delivered when it is not blocked any more. */
	return fds[0].revents && read(wait->signal_fd, &asking, sizeof(asking)) > 0;
}

/* Returns 1 with a slot, 0 where a signal asks for the end, or -errno with fault. */
static int wait_for_slot(SlotWait *wait, int *ret, Fault *fault)
{
	const char *runtime = wait->turn->places->runtime_directory;

	for (;;) {
		int r = slot_take(runtime, wait->slots, wait->turn->name, ret, fault);

		if (r != -EAGAIN)
			return r < 0 ? r : 1;
		tell(wait);
		if (sleep_unless_asked(wait))
			return 0;
	}
}

/* Under the VM's lock, so that status sees a VM that waits, and no second start waits beside it. */
static bool wait_locked(Turn *turn, unsigned slots, int *ret, int *ret_exit_code, Fault *fault)
{
	_cleanup_(fault_done) Fault unwatched = { 0 };
	SlotWait wait = { .turn = turn, .slots = slots, .look_usec = SLOT_LOOK_USEC };
	sigset_t before;
	int r;

	(void) sigprocmask(SIG_BLOCK, NULL, &before);
	wait.signal_fd = open_signals();
	wait.watch_fd = slot_watch(turn->places->runtime_directory, &unwatched);
	r = wait_for_slot(&wait, ret, fault);
	turn_waits_for_slot(turn, 0);
	(void) close_fd(wait.watch_fd);
	(void) close_fd(wait.signal_fd);
	(void) sigprocmask(SIG_SETMASK, &before, NULL);
	*ret_exit_code = MVMD_EXIT_OK;
	return r != 0;
}

static bool wait_for_turn(Turn *turn, unsigned slots, int *ret, int *ret_exit_code, Fault *fault)
{
	VmPlaces places = { 0 };
	int lock_fd = -EBADF;
	bool goes_on = false;

	if (vm_places_init(turn->places->runtime_directory, turn->name, &places) < 0) {
		*ret_exit_code = MVMD_EXIT_SYSTEM;
		return false;
	}
	if (vm_lock(&places, &lock_fd, fault) < 0) {
		log_fault(LOG_LEVEL_ERROR, fault);
		*ret_exit_code = fault->exit_code;
	} else {
		goes_on = wait_locked(turn, slots, ret, ret_exit_code, fault);
		vm_unlock(&places, lock_fd);
	}
	vm_places_done(&places);
	return goes_on;
}

bool start_slot_take(Turn *turn, int *ret, int *ret_exit_code)
{
	unsigned slots = turn->others ? 0 : slots_of_host(turn->places);
	_cleanup_(fault_done) Fault fault = { 0 };
	bool goes_on = true;
	int r;

	*ret = -EBADF;
	if (slots == 0)
		return true;
	r = slot_take(turn->places->runtime_directory, slots, turn->name, ret, &fault);
	if (r == -EAGAIN)
		goes_on = wait_for_turn(turn, slots, ret, ret_exit_code, &fault);
	if (goes_on && fault.error != 0)
		log_fault(LOG_LEVEL_WARNING, &fault);
	return goes_on;
}
