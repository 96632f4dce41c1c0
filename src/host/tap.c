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

void tap_close(Tap *tap)
{
	for (size_t i = 0; i < tap->n_fds; i++)
		(void) close_fd(tap->fds[i]);
	free(tap->fds);
	*tap = (Tap){ 0 };
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
	_cleanup_free_ char *holder = is_tap ? tap_holder(link->name, &pid) : NULL;
	_cleanup_free_ char *owner = describe_owner(link, nic->tap, holder);

	if (!owner)
		return fault_oom(fault);
	(void) fault_set(fault, -EEXIST, MVMD_EXIT_BUSY, "tap-name-taken",
			 "cannot create tap %s: that name is taken by a link that is not ours",
			 nic->tap);
	(void) fault_evidence(fault, "kind", "%s", link->kind[0] ? link->kind : "device");
	if (link->alias[0])
		(void) fault_evidence(fault, "alias", "%s", link->alias);
	holder_evidence(holder, pid, fault);
	if (link->alias[0])
		(void) fault_why(fault, "%s; its alias is \"%s\"", owner, link->alias);
	else
		(void) fault_why(fault, "%s", owner);

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
	if (!streq(ret->name, nic->tap) || !streq(ret->kind, "tun") ||
	    !streq_null(ret->alias, nic->alias))
		return tap_foreign_fault(nic, ret, fault);
	return ret->carrier ? tap_held_fault(nic, fault) : 0;
}

int tap_look(Nl *nl, const PlanNic *nic, Fault *fault)
{
	LinkInfo link;

	return tap_judge_owner(nl, nic, &link, fault);
}

/* The name is taken: removes what we left behind ourselves, refuses everything else. */
static int tap_make_room(Nl *nl, const PlanNic *nic, Fault *fault)
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
	*ret = tap;
	return 0;
}

int tap_create(Nl *nl, const PlanNic *nic, Tap *ret, Fault *fault)
{
	int r = tap_create_named(nl, nic, ret, fault);

	return r < 0 ? fault_evidence(fault, "tap", "%s", nic->tap) : 0;
}

static bool bridge_is_gone(Nl *nl, const LinkInfo *bridge)
{
	LinkInfo link;
	int r = link_get(nl, bridge->name, &link);

	return r == -ENODEV || (r == 0 && link.ifindex != bridge->ifindex);
}

/* The kernel's refusal of link_set(); words are what it said about it. */
static int tap_attach_fault(const PlanNic *nic, const LinkInfo *bridge, int error,
			    const char *words, Fault *fault)
{
	int exit_code = MVMD_EXIT_UNAVAILABLE;

	if (error == -EPERM || error == -EACCES)
		exit_code = MVMD_EXIT_PERMISSION;
	if (error == -EXFULL) {
		(void) fault_set(fault, error, exit_code, "bridge-full",
				 "cannot put tap %s on bridge %s: the bridge is full", nic->tap,
				 bridge->name);
		(void) fault_why(fault, "a bridge has at most %d ports (%s)", BRIDGE_PORTS_MAX,
				 words);
		(void) fault_evidence(fault, "ports_max", "%d", BRIDGE_PORTS_MAX);
		return fault_remedy(fault, "set interfaces[].bridge to another bridge");
	}

	(void) fault_set(fault, error, exit_code, "tap-attach",
			 "cannot put tap %s on bridge %s with MTU %u: %m", nic->tap, bridge->name,
			 nic->mtu ?: bridge->mtu);
	if (exit_code == MVMD_EXIT_PERMISSION) {
		(void) fault_why(fault, "it takes CAP_NET_ADMIN in this network namespace");
		return fault_remedy(fault, "run mvmd as root");
	}
	if (!streq(words, strerror(-error)))
		(void) fault_why(fault, "the kernel says: %s", words);
	if (strstr(words, "mtu"))
		return fault_remedy(fault, "set interfaces[].mtu to what the bridge carries: %u",
				    bridge->mtu);
	return fault_remedy(fault, "ip -d link show %s", bridge->name);
}

static int tap_join(Nl *nl, const PlanNic *nic, const Tap *tap, const LinkInfo *bridge,
		    const LinkSettings *settings, Fault *fault)
{
	_cleanup_free_ char *words = NULL;
	int r;

	r = link_set(nl, tap->ifindex, settings);
	if (r >= 0)
		return 0;
	words = str_printf("%s", nl_error_text(nl));
	if (!words)
		return fault_oom(fault);
	/* A master that is gone is a bare EINVAL (net/core/rtnetlink.c:do_set_master). */
	if (bridge_is_gone(nl, bridge)) {
		(void) fault_set(fault, -ENODEV, MVMD_EXIT_UNAVAILABLE, "bridge-lost",
				 "cannot put tap %s on bridge %s: the bridge has just been removed",
				 nic->tap, bridge->name);
		(void) fault_why(fault, "what manages this host's network is at work: it was "
					"restarted, or set up anew");
		return fault_remedy(fault, "start the VM again; order mvmd after what makes %s",
				    bridge->name);
	}
	return tap_attach_fault(nic, bridge, r, words, fault);
}

static int tap_name_at_length(Nl *nl, const PlanNic *nic, const Tap *tap, Fault *fault)
{
	int r = nic->altname ? link_add_altname(nl, tap->ifindex, nic->altname) : 0;

	if (r >= 0)
		return 0;
	(void) fault_set(fault, r, r == -EEXIST ? MVMD_EXIT_BUSY : MVMD_EXIT_SYSTEM, "tap-altname",
			 "cannot give tap %s the alternative name %s: %s", nic->tap, nic->altname,
			 nl_error_text(nl));
	return fault_remedy(fault, "ip link show %s", nic->altname);
}

static void name_of_index(int ifindex, char ret[IFNAMSIZ])
{
	if (ifindex <= 0 || !if_indextoname((unsigned) ifindex, ret))
		(void) snprintf(ret, IFNAMSIZ, "%s", ifindex > 0 ? "another link" : "none");
}

/* All that is not as it was asked for, in words; "" where all is. */
static void compare_link(const LinkInfo *link, const LinkSettings *wanted, const char *bridge,
			 StrBuf *ret)
{
	char master[IFNAMSIZ], mac[MAC_TEXT_MAX], wanted_mac[MAC_TEXT_MAX];

	if (link->master != wanted->master) {
		name_of_index(link->master, master);
		str_buf_add(ret, ", master is %s instead of %s", master, bridge);
	}
	if (link->mtu != wanted->mtu)
		str_buf_add(ret, ", MTU is %u instead of %u", link->mtu, wanted->mtu);
	if (!(link->flags & IFF_UP))
		str_buf_add(ret, ", it is down instead of up");
	if (memcmp(&link->mac, &wanted->mac, sizeof(link->mac)) != 0)
		str_buf_add(ret, ", MAC is %s instead of %s", mac_format(mac, link->mac),
			    mac_format(wanted_mac, wanted->mac));
	if (wanted->alias && !streq(link->alias, wanted->alias))
		str_buf_add(ret, ", alias is \"%s\" instead of \"%s\"", link->alias, wanted->alias);
}

static int tap_read_back(Nl *nl, const PlanNic *nic, const LinkSettings *wanted,
			 const LinkInfo *bridge, PortState *ret_state, Fault *fault)
{
	_cleanup_(str_buf_done) StrBuf differences = { 0 };
	LinkInfo link = { 0 };
	int r;

	r = link_get(nl, nic->tap, &link);
	if (r < 0) {
		(void) fault_set(fault, r, MVMD_EXIT_UNAVAILABLE, "tap-lost",
				 "tap %s was put on bridge %s and is gone: %s", nic->tap,
				 bridge->name, nl_error_text(nl));
		return fault_remedy(fault, "ip monitor link, networkctl and nmcli device show who "
					   "manages links here; start the VM again");
	}

	compare_link(&link, wanted, bridge->name, &differences);
	if (differences.failed)
		return fault_oom(fault);
	if (differences.length == 0) {
		*ret_state = link.port_state;
		return 0;
	}
	(void) fault_set(fault, -EIO, MVMD_EXIT_UNAVAILABLE, "tap-changed",
			 "tap %s did not stay as it was set: %s", nic->tap,
			 differences.text + strlen(", "));
	(void) fault_evidence(fault, "differs", "%s", differences.text + strlen(", "));
	(void) fault_why(fault, "another program of this host manages links of that name "
				"(systemd-networkd, NetworkManager, a udev rule)");
	return fault_remedy(fault, "networkctl status %s", nic->tap);
}

static int tap_attach_and_look(Nl *nl, const PlanNic *nic, Tap *tap, const LinkInfo *bridge,
			       Fault *fault)
{
	const LinkSettings settings = {
		.master = bridge->ifindex,
		.mtu = nic->mtu ?: bridge->mtu,
		.mac = nic->tap_mac,
		.alias = nic->alias,
		.up = true,
	};
	int r;

	r = tap_join(nl, nic, tap, bridge, &settings, fault);
	if (r < 0)
		return r;
	r = tap_name_at_length(nl, nic, tap, fault);
	if (r < 0)
		return r;
	return tap_read_back(nl, nic, &settings, bridge, &tap->port_state, fault);
}

int tap_attach(Nl *nl, const PlanNic *nic, Tap *tap, const LinkInfo *bridge, Fault *fault)
{
	int r = tap_attach_and_look(nl, nic, tap, bridge, fault);

	if (r >= 0)
		return 0;
	(void) fault_evidence(fault, "tap", "%s", nic->tap);
	(void) fault_evidence(fault, "bridge", "%s", bridge->name);
	return r;
}
