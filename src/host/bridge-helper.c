/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/if_tun.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/bridge-acl.h"
#include "host/bridge-helper.h"
#include "host/helper-probe.h"
#include "host/sock.h"
#include "host/spawn.h"
#include "model/helper-faults.h"
#include "mvmd/exit-codes.h"

/* It takes some milliseconds; where others make thousands of links it waits for the kernel's lock. */
#define HELPER_TIMEOUT_USEC (10 * USEC_PER_SEC)

/* The number under which it has its end of the socket pair. */
#define HELPER_SOCKET_FD 3

/* No tap came: the access file and the program are looked at once more, for they may have changed since the plan. */
static int tell_failure(const PlanNic *nic, const Program *program, const char *words, Fault *fault)
{
	HelperFact helper = { .program = *program, .rights = helper_rights(program->path) };
	AclFact acl = { 0 };
	int r = bridge_acl_look(BRIDGE_ACL_FILE, nic->spec->bridge, &acl);

	if (r < 0)
		return fault_oom(fault);
	r = fault_helper_failed(&helper, &acl, nic->spec->bridge, words ?: "", fault);
	acl_fact_done(&acl);
	return r;
}

static int tell_timeout(const PlanNic *nic, const Program *program, Fault *fault)
{
	(void) fault_set(fault, -ETIMEDOUT, MVMD_EXIT_UNAVAILABLE, "helper-failed",
			 "%s made no tap on bridge %s within %ds", program->path, nic->spec->bridge,
			 (int) (HELPER_TIMEOUT_USEC / USEC_PER_SEC));
	(void) fault_evidence(fault, "bridge", "%s", nic->spec->bridge);
	return fault_remedy(fault, "ip -d link show %s; start it again", nic->spec->bridge);
}

/* Runs it to its end, after which the tap waits in our end of the socket pair. */
static int run_helper(const PlanNic *nic, const Program *program, int socket, Fault *fault)
{
	_cleanup_(str_list_done) StrList args = { 0 };
	_cleanup_free_ char *words = NULL;
	const SpawnFd fd = { socket, HELPER_SOCKET_FD };
	int r, status = 0;

	str_list_add(&args, "%s", program->path);
	str_list_add(&args, "--use-vnet");
	str_list_add(&args, "--br=%s", nic->spec->bridge);
	str_list_add(&args, "--fd=%d", HELPER_SOCKET_FD);
	if (args.failed)
		return fault_oom(fault);
	r = spawn_to_end(&(SpawnConfig){ .path = program->path,
					 .argv = args.items,
					 .fds = &fd,
					 .n_fds = 1,
					 .keep_capabilities = true },
			 STDERR_FILENO, HELPER_TIMEOUT_USEC, &words, &status, fault);
	if (r == -ETIMEDOUT && fault->error == 0)
		return tell_timeout(nic, program, fault);
	if (r < 0)
		return fault->error < 0 ? r : tell_failure(nic, program, strerror(-r), fault);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return tell_failure(nic, program, words, fault);
	return 0;
}

static int take_tap(const PlanNic *nic, const Program *program, Tap *ret, Fault *fault)
{
	_cleanup_close_ int ours = -EBADF, theirs = -EBADF, fd = -EBADF;
	struct ifreq request = { 0 };
	Tap tap = { 0 };
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return tell_failure(nic, program, strerror(errno), fault);
	ours = pair[0];
	theirs = pair[1];
	r = run_helper(nic, program, theirs, fault);
	if (r < 0)
		return r;
	fd = sock_receive_fd(ours);
	if (fd < 0 || ioctl(fd, TUNGETIFF, &request) < 0)
		return tell_failure(nic, program, "it ended well and handed over no tap", fault);

	tap.fds = malloc(sizeof(*tap.fds));
	if (!tap.fds)
		return fault_oom(fault);
	tap.fds[tap.n_fds++] = TAKE_FD(fd);
	memcpy(tap.name, request.ifr_name, sizeof(tap.name) - 1);
	*ret = tap;
	return 0;
}

static int not_as_asked(const PlanNic *nic, const Tap *tap, const char *differs, Fault *fault)
{
	(void) fault_set(fault, -EIO, MVMD_EXIT_UNAVAILABLE, "tap-changed",
			 "tap %s, which qemu-bridge-helper made, %s", tap->name, differs);
	(void) fault_evidence(fault, "tap", "%s", tap->name);
	(void) fault_evidence(fault, "bridge", "%s", nic->spec->bridge);
	(void) fault_evidence(fault, "differs", "%s", differs);
	(void) fault_why(fault, "another program of this host manages links of that name "
				"(systemd-networkd, NetworkManager, a udev rule)");
	return fault_remedy(fault, "ip -d link show %s; networkctl status %s", tap->name,
			    tap->name);
}

static int read_back(Nl *nl, const PlanNic *nic, const LinkInfo *bridge, Tap *tap, Fault *fault)
{
	LinkInfo link = { 0 };
	int r = link_get(nl, tap->name, &link);

	if (r < 0)
		return not_as_asked(nic, tap, "is gone", fault);
	tap->ifindex = link.ifindex;
	tap->port_state = link.port_state;
	tap->mtu = link.mtu;
	if (link.master != bridge->ifindex)
		return not_as_asked(nic, tap, "is not on that bridge", fault);
	if (!(link.flags & IFF_UP))
		return not_as_asked(nic, tap, "is down", fault);
	return 0;
}

int helper_tap_create(Nl *nl, const PlanNic *nic, const Program *helper, const LinkInfo *bridge,
		      Tap *ret, Fault *fault)
{
	Tap tap = { 0 };
	int r = take_tap(nic, helper, &tap, fault);

	if (r < 0)
		return r;
	r = read_back(nl, nic, bridge, &tap, fault);
	if (r < 0) {
		tap_close(&tap);
		return r;
	}
	tap.since_realtime_usec = realtime_usec();
	*ret = tap;
	return 0;
}
