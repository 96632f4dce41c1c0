/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host/tap.h"
#include "mvmd/exit-codes.h"

#define TUN_DEVICE "/dev/net/tun"

const char *tap_name(const Tap *tap, const PlanNic *nic)
{
	if (tap->name[0])
		return tap->name;
	return nic->tap[0] ? nic->tap : NULL;
}

void tap_close(Tap *tap)
{
	for (size_t i = 0; i < tap->n_fds; i++)
		(void) close_fd(tap->fds[i]);
	free(tap->fds);
	*tap = (Tap){ 0 };
}

void taps_remove(Nl *nl, Tap *taps, size_t n)
{
	_cleanup_free_ int *ifindexes = calloc(n + 1, sizeof(*ifindexes));

	for (size_t i = 0; ifindexes && i < n; i++)
		ifindexes[i] = taps[i].n_fds > 0 ? taps[i].ifindex : 0;
	if (!ifindexes || link_delete_all(nl, ifindexes, n) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		taps[i].ifindex = 0;
}

static int tun_open(const PlanNic *nic, int *ret, Fault *fault)
{
	int fd = open(TUN_DEVICE, O_RDWR | O_CLOEXEC), error = -errno;

	if (fd >= 0) {
		*ret = fd;
		return 0;
	}

	switch (-error) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		(void) fault_set(fault, error, MVMD_EXIT_UNAVAILABLE, "tun-missing",
				 "cannot create tap %s: %s: %m", nic->tap, TUN_DEVICE);
		(void) fault_why(fault, "the kernel's tun driver is not loaded, or the container "
					"that mvmd runs in does not have the device");
		(void) fault_remedy(fault, "modprobe tun");
		return error;
	case EACCES:
	case EPERM:
		(void) fault_set(fault, error, MVMD_EXIT_PERMISSION, "tun-permission",
				 "cannot create tap %s: %s: %m", nic->tap, TUN_DEVICE);
		(void) fault_remedy(fault, "run mvmd as root, or allow it the device");
		return error;
	default:
		return fault_set(fault, error, MVMD_EXIT_SYSTEM, "tap-create",
				 "cannot create tap %s: %s: %m", nic->tap, TUN_DEVICE);
	}
}

static int tap_create_fault(const PlanNic *nic, size_t queue, int error, Fault *fault)
{
	if (error == -EPERM) {
		(void) fault_set(fault, error, MVMD_EXIT_PERMISSION, "tap-permission",
				 "cannot create tap %s: %m", nic->tap);
		(void) fault_why(fault, "it takes CAP_NET_ADMIN in this network namespace");
		return fault_remedy(fault, "run mvmd as root");
	}
	(void) fault_set(fault, error, MVMD_EXIT_SYSTEM, "tap-create",
			 "cannot create queue pair %zu of tap %s: %m", queue + 1, nic->tap);
	if (error == -EINVAL)
		(void) fault_why(fault,
				 "the tun driver refused the flags IFF_TAP, IFF_NO_PI, "
				 "IFF_VNET_HDR%s",
				 nic->queues > 1 ? ", IFF_MULTI_QUEUE" : "");
	return fault_remedy(fault,
			    "ip -d link show %s; ip tuntap add dev test0 mode tap vnet_hdr "
			    "shows whether others can",
			    nic->tap);
}

/*
 * Opens one more queue of the tap. The first one must make the link (IFF_TUN_EXCL): without that flag
 * TUNSETIFF attaches to whatever persistent tap has the name. -EEXIST, without fault: it has an owner.
 */
static int tap_add_queue(const PlanNic *nic, Tap *tap, Fault *fault)
{
	unsigned flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	struct ifreq request = { 0 };
	_cleanup_close_ int fd = -EBADF;
	int r;

	r = tun_open(nic, &fd, fault);
	if (r < 0)
		return r;
	if (nic->queues > 1)
		flags |= IFF_MULTI_QUEUE;
	if (tap->n_fds == 0)
		flags |= IFF_TUN_EXCL;
	memcpy(request.ifr_name, nic->tap, sizeof(nic->tap));
	request.ifr_flags = (short) flags;

	if (ioctl(fd, TUNSETIFF, &request) < 0) {
		if (errno == EBUSY && tap->n_fds == 0)
			return -EEXIST;
		return tap_create_fault(nic, tap->n_fds, -errno, fault);
	}
	tap->fds[tap->n_fds++] = TAKE_FD(fd);
	return 0;
}

/* All queues, or none. -EEXIST, without fault: there is a link of that name. */
static int tap_make(const PlanNic *nic, Tap *ret, Fault *fault)
{
	size_t n = nic->queues > 1 ? nic->queues : 1;
	Tap tap = { .fds = calloc(n, sizeof(*tap.fds)) };
	int r = 0;

	if (!tap.fds)
		return fault_oom(fault);
	while (r == 0 && tap.n_fds < n)
		r = tap_add_queue(nic, &tap, fault);
	if (r < 0) {
		tap_close(&tap);
		return r;
	}
	*ret = tap;
	return 0;
}

/* What the link that has our name is, in words; holder may be NULL. A new string. */
static char *describe_owner(const LinkInfo *link, const char *name, const char *holder)
{
	if (!streq(link->name, name))
		return str_printf("it is an alternative name of %s", link->name);
	if (!streq(link->kind, "tun")) {
		if (link->kind[0])
			return str_printf("it is a link of kind %s", link->kind);
		return str_printf("it is a network device of this host");
	}
	if (holder)
		return str_printf("it is a tap that is open in %s", holder);
	if (link->carrier)
		return str_printf("it is a tap that is open in a process that we cannot see");
	return str_printf("it is a persistent tap that nobody has open");
}

static void holder_evidence(const char *holder, pid_t pid, Fault *fault)
{
	if (!holder)
		return;
	(void) fault_evidence(fault, "holder_pid", "%d", (int) pid);
	(void) fault_evidence(fault, "holder", "%s", holder);
}

static int tap_foreign_fault(const PlanNic *nic, const LinkInfo *link, Fault *fault)
{
	bool is_tap = streq(link->kind, "tun"), is_alias = !streq(link->name, nic->tap);
	pid_t pid = 0;
	_cleanup_free_ char *holder = is_tap && link->carrier ? tap_holder(link->name, &pid) : NULL;
	_cleanup_free_ char *owner = describe_owner(link, nic->tap, holder);
	_cleanup_free_ char *vm = NULL;

	if (!owner)
		return fault_oom(fault);
	(void) fault_set(fault, -EEXIST, MVMD_EXIT_BUSY, "tap-name-taken",
			 "cannot create tap %s: that name is taken by a link that is not ours",
			 nic->tap);
	(void) fault_evidence(fault, "kind", "%s", link->kind[0] ? link->kind : "device");
	if (link->alias[0])
		(void) fault_evidence(fault, "alias", "%s", link->alias);
	holder_evidence(holder, pid, fault);
	if (tap_alias_read(link->alias, &vm) && vm)
		(void) fault_evidence(fault, "vm", "%s", vm);
	if (link->alias[0])
		(void) fault_why(fault, "%s%s%s; its alias is \"%s\"", owner, vm ? ", of VM " : "",
				 vm ?: "", link->alias);
	else
		(void) fault_why(fault, "%s", owner);

	if (vm && link->carrier)
		return fault_remedy(fault,
				    "mvmd stop %s, or set interfaces[].tap of one of them to "
				    "another name",
				    vm);
	if (is_tap && link->carrier)
		return fault_remedy(fault,
				    "end that process, or set interfaces[].tap to another name");
	if (is_alias || !link->kind[0])
		return fault_remedy(fault, "set interfaces[].tap to another name");
	return fault_remedy(fault, "ip link del %s, or set interfaces[].tap to another name",
			    nic->tap);
}

static int tap_held_fault(const PlanNic *nic, Fault *fault)
{
	pid_t pid = 0;
	_cleanup_free_ char *holder = tap_holder(nic->tap, &pid);

	(void) fault_set(fault, -EBUSY, MVMD_EXIT_BUSY, "tap-held",
			 "cannot create tap %s: an earlier run of this VM still has it", nic->tap);
	holder_evidence(holder, pid, fault);
	(void) fault_why(fault, "it is open in %s", holder ?: "a process that we cannot see");
	if (holder)
		return fault_remedy(fault, "kill %d, then start the VM again", (int) pid);
	return fault_remedy(fault, "end that process, then start the VM again");
}

/* A macvtap without alias is one that we had not finished (host/macvtap.c). */
static bool is_of_ours(const PlanNic *nic, const LinkInfo *link)
{
	if (streq(link->kind, "tun"))
		return streq_null(link->alias, nic->alias);
	if (!streq(link->kind, "macvtap"))
		return false;
	return streq_null(link->alias, nic->alias) ||
	       (!link->alias[0] && memcmp(&link->mac, &nic->mac, sizeof(link->mac)) == 0);
}

/* -EEXIST or -EBUSY, with fault, where the name is not to be had. *ret: what has it now; ifindex 0: nothing. */
static int tap_judge_owner(Nl *nl, const PlanNic *nic, LinkInfo *ret, Fault *fault)
{
	int r = link_get(nl, nic->tap, ret);

	if (r == -ENODEV) {
		*ret = (LinkInfo){ 0 };
		return 0;
	}
	if (r < 0)
		return fault_set(fault, r, MVMD_EXIT_SYSTEM, "tap-create",
				 "cannot look at link %s, which has the name of a tap of ours: %s",
				 nic->tap, nl_error_text(nl));
	if (!streq(ret->name, nic->tap) || !is_of_ours(nic, ret))
		return tap_foreign_fault(nic, ret, fault);
	/* The carrier of a macvtap is that of its link. */
	return ret->carrier && streq(ret->kind, "tun") ? tap_held_fault(nic, fault) : 0;
}

int tap_look(Nl *nl, const PlanNic *nic, Fault *fault)
{
	LinkInfo link;

	return tap_judge_owner(nl, nic, &link, fault);
}

int tap_make_room(Nl *nl, const PlanNic *nic, Fault *fault)
{
	LinkInfo link;
	int r;

	r = tap_judge_owner(nl, nic, &link, fault);
	if (r < 0 || link.ifindex == 0) /* it went away just now */
		return r;
	r = link_delete(nl, link.ifindex);
	if (r < 0 && r != -ENODEV)
		return fault_set(fault, r, r == -EPERM ? MVMD_EXIT_PERMISSION : MVMD_EXIT_SYSTEM,
				 "tap-create", "cannot remove tap %s of an earlier run: %s",
				 nic->tap, nl_error_text(nl));
	return 0;
}

static int tap_find_index(Nl *nl, const PlanNic *nic, Tap *tap, Fault *fault)
{
	LinkInfo link;
	int r;

	r = link_get(nl, nic->tap, &link);
	if (r < 0)
		return fault_set(fault, r, MVMD_EXIT_SYSTEM, "tap-create",
				 "cannot find tap %s, which was just created: %s", nic->tap,
				 nl_error_text(nl));
	tap->ifindex = link.ifindex;
	return 0;
}

static int tap_create_named(Nl *nl, const PlanNic *nic, Tap *ret, Fault *fault)
{
	Tap tap = { 0 };
	int r;

	if (!link_name_is_valid(nic->tap))
		return fault_set(fault, -EINVAL, MVMD_EXIT_SPEC, "tap-name",
				 "cannot create tap \"%s\": a link's name has at most %d "
				 "characters, and no '/', ':', '%%' or white space",
				 nic->tap, TAP_NAME_MAX);
	if (nic->queues > TAP_QUEUES_MAX)
		return fault_set(fault, -EINVAL, MVMD_EXIT_SPEC, "tap-queues",
				 "cannot create tap %s with %u queue pairs: a tap has at most %d",
				 nic->tap, nic->queues, TAP_QUEUES_MAX);

	r = tap_make(nic, &tap, fault);
	if (r == -EEXIST) {
		r = tap_make_room(nl, nic, fault);
		if (r < 0)
			return r;
		r = tap_make(nic, &tap, fault);
	}
	if (r == -EEXIST)
		return fault_set(fault, -EBUSY, MVMD_EXIT_BUSY, "tap-name-taken",
				 "cannot create tap %s: as soon as the name was free somebody "
				 "took it again",
				 nic->tap);
	if (r < 0)
		return r;

	r = tap_find_index(nl, nic, &tap, fault);
	if (r < 0) {
		tap_close(&tap);
		return r;
	}
	memcpy(tap.name, nic->tap, sizeof(tap.name));
	*ret = tap;
	return 0;
}

int tap_create(Nl *nl, const PlanNic *nic, Tap *ret, Fault *fault)
{
	int r = tap_create_named(nl, nic, ret, fault);

	if (r == 0)
		ret->since_realtime_usec = realtime_usec();
	return r < 0 ? fault_evidence(fault, "tap", "%s", nic->tap) : 0;
}
