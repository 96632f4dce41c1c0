/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/access.h"
#include "host/become.h"
#include "host/macvtap.h"
#include "host/sock.h"
#include "model/run-faults.h"
#include "mvmd/exit-codes.h"
#include "run/step-internal.h"
#include "run/tap-store.h"

/* Steps of the ways onto the network that have no bridge. */

static int taken_fault(const PlanBackend *peer, SockState state, Fault *fault)
{
	const char *path = peer->socket;

	(void) fault_set(fault, -EADDRINUSE, MVMD_EXIT_BUSY, "vhost-user-socket-taken",
			 "the VMM cannot listen on %s for interface %s", path, peer->id);
	(void) fault_evidence(fault, "socket", "%s", path);
	(void) fault_evidence(fault, "seen", "%s", sock_state_to_string(state));
	if (state == SOCK_LISTENING) {
		(void) fault_why(fault, "somebody listens there already: perhaps the switch itself "
					"is the side that listens");
		return fault_remedy(
			fault,
			"set \"mode\": \"client\" in vhost_user, or another \"socket\"; "
			"ss -xlp src %s tells who it is",
			path);
	}
	(void) fault_why(fault, "there is a file that is no socket");
	return fault_remedy(fault, "ls -ld %s; set another \"socket\" in vhost_user", path);
}

static int directory_fault(const PlanBackend *peer, const Identity *vm, const char *directory,
			   int error, Fault *fault)
{
	bool missing = error == -ENOENT || error == -ENOTDIR;

	(void) fault_set(fault, error, missing ? MVMD_EXIT_UNAVAILABLE : MVMD_EXIT_PERMISSION,
			 "vhost-user-directory", "uid %u may not make the socket %s: %m", vm->uid,
			 peer->socket);
	(void) fault_evidence(fault, "socket", "%s", peer->socket);
	(void) fault_evidence(fault, "uid", "%u", vm->uid);
	(void) fault_why(fault, "in the mode \"server\" the VMM makes it, as its own user, in %s",
			 directory);
	if (missing)
		return fault_remedy(fault, "mkdir -p %s && setfacl -m u:%u:rwx %s", directory,
				    vm->uid, directory);
	return fault_remedy(
		fault,
		"where %s is for such sockets alone: setfacl -m u:%u:rwx %s, and namei "
		"-l %s shows the way there; else another \"socket\", in a directory that "
		"is",
		directory, vm->uid, directory, directory);
}

/* A new string or NULL. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash > path ? str_printf("%.*s", (int) (slash - path), path) : strdup("/");
}

int macvtap_apply(Resources *resources, size_t i, Fault *fault)
{
	const PlanNic *nic = &resources->plan->nics[i];
	const LinkInfo *lower = &resources->bridges[i];
	Fault down = { 0 };

	if (!(lower->flags & IFF_UP)) {
		(void) fault_link_down(lower->name, &down);
		step_remark(resources, &down);
	}
	if (tap_store_take(resources, i))
		return 0;
	return macvtap_create(resources->nl, nic, lower, &resources->taps[i], fault);
}

/* Also of a VM that was adopted: of its descriptors we have none. */
void macvtap_undo(Resources *resources, size_t i)
{
	bool is_kept = resources->taps_end == TAPS_KEPT && resources->taps[i].n_fds > 0;

	if (resources->nl && !is_kept)
		(void) macvtap_remove(resources->nl, &resources->plan->nics[i]);
}

/* By whom it was made: the VM's user, in a directory that may be his alone. */
static void remove_stale(const Identity *vm, const char *path)
{
	Before before;

	if (become(vm, &before) < 0)
		return;
	(void) unlink(path);
	become_ourselves(&before);
}

/* cloud-hypervisor does not replace what is there (vu_common_ctrl.rs of v53: UnixListener::bind()); QEMU does. */
int peer_apply(Resources *resources, const PlanStep *step, Fault *fault)
{
	const PlanBackend *peer = &resources->plan->backends[step->subject];
	const Identity *vm = &resources->plan->facts->vm;
	_cleanup_free_ char *directory = directory_of(peer->socket);
	SockState state;
	int r = sock_look(peer->socket, &state);

	if (!directory)
		return fault_oom(fault);
	if (r == 0 && (state == SOCK_LISTENING || state == SOCK_NOT_SOCKET))
		return taken_fault(peer, state, fault);
	r = access_as(vm, directory, W_OK | X_OK);
	if (r < 0)
		return directory_fault(peer, vm, directory, r, fault);
	remove_stale(vm, peer->socket);
	return 0;
}

/* What a VMM that was killed left; one that listens there is somebody else's. */
void peer_undo(Resources *resources, const PlanStep *step)
{
	const PlanBackend *peer = &resources->plan->backends[step->subject];
	SockState state;

	if (sock_look(peer->socket, &state) == 0 && state == SOCK_STALE)
		remove_stale(&resources->plan->facts->vm, peer->socket);
}
