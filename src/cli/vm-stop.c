/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/adopt.h"
#include "cli/client.h"
#include "cli/vm-stop.h"
#include "host/vm-dir.h"
#include "mvmd/exit-codes.h"
#include "run/connector.h"

/* How often the wait says that it goes on. */
#define STOP_COUNTDOWN_MSEC 5000

/* So long its supervisor may take, after the VM is gone, to remove its own directory and lock. */
#define STOP_LAST_USEC (5 * USEC_PER_SEC)
static const Backoff lock_backoff = { 2 * USEC_PER_MSEC, 20 * USEC_PER_MSEC };

/* The supervisor closes the connection when the VM is gone. */
static void wait_for_the_end(const char *name, int fd, uint64_t timeout_usec)
{
	struct pollfd end = { .fd = fd, .events = POLLIN };
	uint64_t until_usec = now_usec() + timeout_usec;

	while (poll(&end, 1, STOP_COUNTDOWN_MSEC) == 0) {
		uint64_t now = now_usec();

		if (now < until_usec)
			log_line(LOG_LEVEL_INFO,
				 "%s: waiting for the guest to power off, %" PRIu64 "s left; "
				 "mvmd stop --force %s ends it now",
				 name, (until_usec - now) / USEC_PER_SEC, name);
	}
}

static int attempt_unlocked(AttemptResult *ret, void *userdata)
{
	const char *const *lock_file = userdata;

	*ret = (AttemptResult){ .error = -EBUSY };
	return vm_lock_holder(*lock_file) <= 0;
}

/*
 * The VM can be started again once nobody has its lock: "mvmd stop X && mvmd run X" is to work. One that
 * takes longer is nothing to complain about: the next start names who has it.
 */
static void wait_for_the_lock(const char *lock_file)
{
	const ConnectorConfig config = { .backoff = lock_backoff,
					 .timeout_usec = STOP_LAST_USEC,
					 .attempt = attempt_unlocked,
					 .userdata = &lock_file };
	Attempts attempts;

	(void) connector_wait(&config, &attempts);
}

static int stop_running(const VmFound *found, bool force, Fault *fault)
{
	_cleanup_close_ int fd = -EBADF;
	json_t *reply = NULL;
	uint64_t timeout_usec;
	int r;

	r = client_call(found, "io.mvmd.vm.Stop", json_pack("{s:b}", "force", force), &reply, &fd,
			fault);
	if (r < 0)
		return r;
	timeout_usec = (uint64_t) json_integer_value(json_object_get(reply, "timeout_usec"));
	json_decref(reply);
	wait_for_the_end(found->places.name, fd, timeout_usec);
	wait_for_the_lock(found->places.lock_file);
	return 0;
}

/* A start that waits has no control socket; a signal ends its wait. The lock says that pid is still the one. */
static int stop_waiting(const VmFound *found, Fault *fault)
{
	if (kill(found->pid, SIGTERM) < 0 && errno != ESRCH) {
		(void) fault_set(fault, -errno, MVMD_EXIT_PERMISSION, "stop-waiting",
				 "cannot end the wait of %s, pid %d: %m", found->places.name,
				 found->pid);
		(void) fault_evidence(fault, "pid", "%d", (int) found->pid);
		return fault_remedy(fault, "run mvmd stop %s as root", found->places.name);
	}
	wait_for_the_lock(found->places.lock_file);
	return 0;
}

/* The VMM is killed, and what its supervisor left is removed. */
static int end_orphan(const VmFound *found, Fault *fault)
{
	_cleanup_free_ char *ended = NULL;
	int r, lock_fd = -EBADF;

	r = vm_lock(&found->places, &lock_fd, fault);
	if (r < 0)
		return r;
	r = vm_leftovers_clean(&found->places, true, &ended, fault);
	vm_unlock(&found->places, lock_fd);
	if (r == 0)
		log_line(LOG_LEVEL_INFO, "%s: ended %s", found->places.name, ended ?: "nothing");
	return r;
}

/* Who becomes its supervisor can ask its guest. Returns an exit code. */
static int adopt_to_stop(const Places *places, const char *vm, const StateFile *state,
			 bool *ret_gone)
{
	_cleanup_(kept_free_p) Kept *kept = NULL;

	if (kept_new(&kept) < 0) {
		log_line(LOG_LEVEL_ERROR, "out of memory");
		return MVMD_EXIT_SYSTEM;
	}
	log_line(LOG_LEVEL_INFO, "%s has no supervisor: it is taken over, and stopped", vm);
	return adopt_run(places, vm, state, kept, true, ret_gone);
}

/* A VMM without a guest has nothing to power off. One that cannot be taken over is left to the user's own decision. */
static int stop_orphan(const Places *places, const VmFound *found, bool force, int *ret_exit_code,
		       Fault *fault)
{
	_cleanup_(state_file_done) StateFile state = { 0 };
	AdoptCase adopt = adopt_look(places, found->places.name, &state);
	bool gone = false;

	if (adopt == ADOPT_NOTHING && !force) {
		*ret_exit_code = client_say_absent(found);
		return 0;
	}
	if (adopt == ADOPT_RUNNING && !force)
		*ret_exit_code = adopt_to_stop(places, found->places.name, &state, &gone);
	return adopt != ADOPT_RUNNING || force || gone ? end_orphan(found, fault) : 0;
}

int vm_stop(const Places *places, const VmFound *found, bool force)
{
	int r, exit_code = MVMD_EXIT_OK;
	Fault fault = { 0 };

	if (found->presence == VM_PRESENCE_RUNNING)
		r = stop_running(found, force, &fault);
	else if (found->presence == VM_PRESENCE_WAITING)
		r = stop_waiting(found, &fault);
	else if (found->presence == VM_PRESENCE_ORPHANED)
		r = stop_orphan(places, found, force, &exit_code, &fault);
	else
		return client_say_absent(found);
	if (r < 0) {
		log_fault(LOG_LEVEL_ERROR, &fault);
		exit_code = fault.exit_code;
	}
	fault_done(&fault);
	return exit_code;
}
