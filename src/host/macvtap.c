/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "host/macvtap-rival.h"
#include "host/macvtap.h"
#include "host/tap-take.h"
#include "model/macvtap-faults.h"
#include "mvmd/exit-codes.h"

/*
 * Every network namespace counts its links for itself, and /dev is one for all of them: /dev/tap5 may be another
 * namespace's, and where it was until a moment ago, ours was not made (drivers/base/devtmpfs.c: handle_create()). The
 * next macvtap has another number; more than these are not tried.
 */
#define NUMBERS_TRIED_MAX 16

#define DEVICE_PATH_MAX 64
#define NUMBER_MAX	32

static const uint32_t kernel_modes[_MACVTAP_MODE_MAX] = {
	[MACVTAP_BRIDGE] = MACVLAN_MODE_BRIDGE,
	[MACVTAP_PRIVATE] = MACVLAN_MODE_PRIVATE,
	[MACVTAP_VEPA] = MACVLAN_MODE_VEPA,
	[MACVTAP_PASSTHRU] = MACVLAN_MODE_PASSTHRU,
};

static int put_kind(struct nl_msg *message, MacvtapMode mode)
{
	struct nlattr *info = nla_nest_start(message, IFLA_LINKINFO | NLA_F_NESTED), *data;

	if (!info || nla_put_string(message, IFLA_INFO_KIND, "macvtap") < 0)
		return -ENOMEM;
	data = nla_nest_start(message, IFLA_INFO_DATA | NLA_F_NESTED);
	if (!data || nla_put_u32(message, IFLA_MACVLAN_MODE, kernel_modes[mode]) < 0)
		return -ENOMEM;
	(void) nla_nest_end(message, data);
	(void) nla_nest_end(message, info);
	return 0;
}

/* The kernel takes no alias here (net/core/rtnetlink.c: rtnl_create_link()). */
static int request_link(Nl *nl, const PlanNic *nic, const LinkInfo *lower)
{
	struct ifinfomsg header = { .ifi_family = AF_UNSPEC };
	_cleanup_(nlmsg_free_p) struct nl_msg *message =
		nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);

	if (!message || nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0 ||
	    nla_put_string(message, IFLA_IFNAME, nic->tap) < 0 ||
	    nla_put_u32(message, IFLA_LINK, (uint32_t) lower->ifindex) < 0 ||
	    nla_put(message, IFLA_ADDRESS, MAC_BYTES, nic->mac.bytes) < 0 ||
	    put_kind(message, nic->spec->macvtap.mode) < 0)
		return -ENOMEM;
	return nl_request(nl, message);
}

static int link_fault(Nl *nl, const PlanNic *nic, int error, Fault *fault)
{
	const SpecMacvtap *macvtap = &nic->spec->macvtap;
	bool denied = error == -EPERM || error == -EACCES;

	(void) fault_set(fault, error, denied ? MVMD_EXIT_PERMISSION : MVMD_EXIT_UNAVAILABLE,
			 "tap-create", "cannot make macvtap %s on %s: %s", nic->tap, macvtap->link,
			 nl_error_text(nl));
	if (denied) {
		(void) fault_why(fault, "it takes CAP_NET_ADMIN in this network namespace");
		return fault_remedy(fault, "run mvmd as root");
	}
	return fault_remedy(fault, "ip -d link show %s", macvtap->link);
}

static MacvtapWanted wanted_of(const PlanNic *nic)
{
	return (MacvtapWanted){ nic->tap, nic->spec->macvtap.link, nic->spec->macvtap.mode };
}

/*
 * Of the refusals these two are bare numbers (drivers/net/macvlan.c: macvlan_common_newlink(), macvlan_port_create()):
 * EBUSY where a bridge or a bond has the link, EINVAL where passthru finds another there or another finds passthru.
 */
static int refused_fault(Nl *nl, const PlanNic *nic, const LinkInfo *lower, int error, Fault *fault)
{
	const MacvtapWanted wanted = wanted_of(nic);
	MacvtapRival rival;

	if (error == -EOPNOTSUPP) {
		(void) fault_set(fault, error, MVMD_EXIT_UNAVAILABLE, "macvtap-missing",
				 "cannot make macvtap %s: the kernel has no macvtap", nic->tap);
		return fault_remedy(fault, "modprobe macvtap; or use another \"attach\"");
	}
	if (error == -EBUSY)
		return fault_macvtap_port(&wanted, fault);
	if (error != -EINVAL)
		return link_fault(nl, nic, error, fault);
	(void) macvtap_rival_find(nl, lower->ifindex, wanted.mode, nic->tap, nic->alias, &rival);
	return fault_macvtap_rival(&wanted, &rival, fault);
}

static bool link_is_gone(Nl *nl, const LinkInfo *lower)
{
	LinkInfo now;
	int r = link_get(nl, lower->name, &now);

	return r == -ENODEV || (r == 0 && now.ifindex != lower->ifindex);
}

static int add_link(Nl *nl, const PlanNic *nic, const LinkInfo *lower, LinkInfo *ret, Fault *fault)
{
	int r = request_link(nl, nic, lower);

	if (r == -EEXIST) {
		r = tap_make_room(nl, nic, fault);
		if (r < 0)
			return r;
		r = request_link(nl, nic, lower);
	}
	if (r < 0 && link_is_gone(nl, lower)) {
		(void) fault_set(fault, -ENODEV, MVMD_EXIT_UNAVAILABLE, "link-missing",
				 "cannot make macvtap %s: %s has just been removed", nic->tap,
				 lower->name);
		return fault_remedy(fault, "start the VM again; order mvmd after what makes %s",
				    lower->name);
	}
	if (r < 0)
		return refused_fault(nl, nic, lower, r, fault);
	r = link_get(nl, nic->tap, ret);
	return r < 0 ? link_fault(nl, nic, r, fault) : 0;
}

static int read_line(const char *path, char ret[NUMBER_MAX])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, NUMBER_MAX - 1);

	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return 0;
}

/* What sysfs says of the device of that link; 0: it shows another namespace's links, or is not there. */
static dev_t device_by_sysfs(const LinkInfo *link)
{
	char path[DEVICE_PATH_MAX + IFNAMSIZ], text[NUMBER_MAX], *end;
	unsigned first, second;

	(void) snprintf(path, sizeof(path), "/sys/class/net/%s/ifindex", link->name);
	if (read_line(path, text) < 0 || strtol(text, NULL, 10) != link->ifindex)
		return 0;
	(void) snprintf(path, sizeof(path), "/sys/class/net/%s/tap%d/dev", link->name,
			link->ifindex);
	if (read_line(path, text) < 0)
		return 0;
	first = (unsigned) strtoul(text, &end, 10);
	if (*end != ':')
		return 0;
	second = (unsigned) strtoul(end + 1, NULL, 10);
	return makedev(first, second);
}

/* The driver itself tells whose queue the descriptor is (drivers/net/tap.c: tap_ioctl()). */
static bool is_ours(int fd, const PlanNic *nic)
{
	struct ifreq name = { 0 }, mac = { 0 };

	return ioctl(fd, TUNGETIFF, &name) == 0 &&
	       strncmp(name.ifr_name, nic->tap, IFNAMSIZ) == 0 &&
	       ioctl(fd, SIOCGIFHWADDR, &mac) == 0 &&
	       memcmp(mac.ifr_hwaddr.sa_data, nic->mac.bytes, MAC_BYTES) == 0;
}

static int device_fault(const PlanNic *nic, const char *path, int error, Fault *fault)
{
	bool denied = error == -EPERM || error == -EACCES;

	(void) fault_set(fault, error, denied ? MVMD_EXIT_PERMISSION : MVMD_EXIT_UNAVAILABLE,
			 denied ? "unit-lacks" : "macvtap-device",
			 "cannot open %s, the device of macvtap %s: %m", path, nic->tap);
	(void) fault_evidence(fault, "path", "%s", path);
	if (denied) {
		(void) fault_evidence(fault, "lacks", "DeviceAllow=char-macvtap");
		(void) fault_why(fault, "the unit (DevicePolicy=, DeviceAllow=) or the container "
					"does not allow it");
		return fault_remedy(fault, "mvmd start brings the unit up to date (or: systemctl "
					   "daemon-reload); a container needs leave from whoever "
					   "started it");
	}
	(void) fault_why(fault, "the kernel makes it in devtmpfs, and /dev here is something else, "
				"as in most containers");
	return fault_remedy(fault, "give mvmd the host's /dev, or use another \"attach\"");
}

static int unfit_fault(const PlanNic *nic, const char *path, int error, Fault *fault)
{
	(void) fault_set(fault, error, MVMD_EXIT_SYSTEM, "macvtap-device",
			 "%s, the device of macvtap %s, does not take its settings: %m", path,
			 nic->tap);
	(void) fault_evidence(fault, "path", "%s", path);
	return fault_remedy(fault, "ip -d link show %s; uname -r", nic->tap);
}

/* -ENODEV, -ENXIO: another's, which has just gone (drivers/net/tap.c: tap_open(), fs/char_dev.c: chrdev_open()). */
static int no_device(const PlanNic *nic, const char *path, int error, Fault *fault)
{
	if (error == -ENOENT || error == -ENODEV || error == -ENXIO)
		return -ENOENT;
	return device_fault(nic, path, error, fault);
}

/* Without fault: -ESTALE where what has that path is not ours, -ENOENT where nothing has it. */
static int open_queue(const PlanNic *nic, const LinkInfo *link, int *ret, Fault *fault)
{
	unsigned flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	dev_t device = device_by_sysfs(link);
	struct ifreq request = { 0 };
	_cleanup_close_ int fd = -EBADF;
	char path[DEVICE_PATH_MAX];
	struct stat status;

	(void) snprintf(path, sizeof(path), "/dev/tap%d", link->ifindex);
	if (stat(path, &status) < 0)
		return no_device(nic, path, -errno, fault);
	if (!S_ISCHR(status.st_mode) || (device != 0 && status.st_rdev != device))
		return -ESTALE;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return no_device(nic, path, -errno, fault);
	if (!is_ours(fd, nic))
		return -ESTALE;
	if (nic->queues > 1)
		flags |= IFF_MULTI_QUEUE;
	request.ifr_flags = (short) flags;
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return unfit_fault(nic, path, -errno, fault);
	*ret = TAKE_FD(fd);
	return 0;
}

static int open_queues(const PlanNic *nic, const LinkInfo *link, Tap *ret, Fault *fault)
{
	size_t n = nic->queues > 1 ? nic->queues : 1;
	Tap tap = { .fds = calloc(n, sizeof(*tap.fds)), .ifindex = link->ifindex };
	int r = 0;

	if (!tap.fds)
		return fault_oom(fault);
	(void) snprintf(tap.name, sizeof(tap.name), "%s", nic->tap);
	while (r == 0 && tap.n_fds < n) {
		r = open_queue(nic, link, &tap.fds[tap.n_fds], fault);
		tap.n_fds += r == 0;
	}
	if (r < 0) {
		tap_close(&tap);
		return r;
	}
	*ret = tap;
	return 0;
}

static int no_number_fault(const PlanNic *nic, const LinkInfo *link, int error, Fault *fault)
{
	char path[DEVICE_PATH_MAX];

	(void) snprintf(path, sizeof(path), "/dev/tap%d", link->ifindex);
	if (error == -ENOENT)
		return device_fault(nic, path, error, fault);
	(void) fault_set(fault, -EBUSY, MVMD_EXIT_BUSY, "macvtap-device",
			 "%s is not the device of macvtap %s, and of %d others neither", path,
			 nic->tap, NUMBERS_TRIED_MAX - 1);
	(void) fault_evidence(fault, "path", "%s", path);
	(void) fault_why(fault, "macvtaps of other network namespaces have those numbers");
	return fault_remedy(fault, "start the VM again: each try takes the next numbers");
}

/* With its alias it is ours before it is opened. */
static int make_and_open(Nl *nl, const PlanNic *nic, const LinkInfo *lower, Tap *ret, Fault *fault)
{
	LinkInfo link = { 0 };
	int r = 0;

	for (unsigned i = 0; i < NUMBERS_TRIED_MAX; i++) {
		Tap named = { 0 };

		r = add_link(nl, nic, lower, &link, fault);
		if (r < 0)
			return r;
		named.ifindex = link.ifindex;
		(void) snprintf(named.name, sizeof(named.name), "%s", nic->tap);
		r = tap_set(nl, nic, &named, true, fault);
		if (r == 0)
			r = open_queues(nic, &link, ret, fault);
		if (r == 0)
			return 0;
		(void) link_delete(nl, link.ifindex);
		if (r != -ESTALE && r != -ENOENT)
			return r;
	}
	return no_number_fault(nic, &link, r, fault);
}

/* What `mvmd check` tells of a link that is there by then. */
static int judge_link(const PlanNic *nic, const LinkInfo *lower, Fault *fault)
{
	const MacvtapWanted wanted = wanted_of(nic);

	if (lower->not_ethernet)
		return fault_macvtap_not_ethernet(&wanted, fault);
	return nic->mtu > lower->mtu ? fault_macvtap_mtu(&wanted, nic->mtu, lower->mtu, fault) : 0;
}

int macvtap_create(Nl *nl, const PlanNic *nic, const LinkInfo *lower, Tap *ret, Fault *fault)
{
	PlanNic with_mtu = *nic;
	int r;

	if (!with_mtu.mtu)
		with_mtu.mtu = lower->mtu;
	r = judge_link(nic, lower, fault);
	if (r == 0)
		r = make_and_open(nl, &with_mtu, lower, ret, fault);
	if (r >= 0) {
		ret->since_realtime_usec = realtime_usec();
		return 0;
	}
	(void) fault_evidence(fault, "tap", "%s", nic->tap);
	(void) fault_evidence(fault, "link", "%s", lower->name);
	return r;
}

/* One made on a macvlan is on that one's link (request_link()): it is made anew. */
static bool is_still_wanted(const LinkInfo *link, const PlanNic *nic, const LinkInfo *lower)
{
	return streq(link->name, nic->tap) && streq(link->kind, "macvtap") &&
	       streq_null(link->alias, nic->alias) && link->lower == lower->ifindex &&
	       link->macvlan_mode == kernel_modes[nic->spec->macvtap.mode];
}

/* Their link ends where a fault is told: it is told again by what makes it anew. */
int macvtap_take(Nl *nl, const PlanNic *nic, const LinkInfo *lower, const int *fds, size_t n_fds,
		 Tap *ret)
{
	_cleanup_(fault_done) Fault fault = { 0 };
	PlanNic with_mtu = *nic;
	Tap tap = { 0 };
	LinkInfo link;

	if (!with_mtu.mtu)
		with_mtu.mtu = lower->mtu;
	if (link_get(nl, nic->tap, &link) < 0 || !is_still_wanted(&link, nic, lower) ||
	    judge_link(nic, lower, &fault) < 0)
		return -EINVAL;
	for (size_t i = 0; i < n_fds; i++)
		if (!is_ours(fds[i], nic))
			return -EINVAL;
	if (tap_take_queues(&link, nic, fds, n_fds, &tap) < 0)
		return -EINVAL;
	if (tap_set(nl, &with_mtu, &tap, true, &fault) < 0) {
		free(tap.fds);
		return -EINVAL;
	}
	*ret = tap;
	return 0;
}

int macvtap_remove(Nl *nl, const PlanNic *nic)
{
	LinkInfo link;
	int r = link_get(nl, nic->tap, &link);

	if (r == -ENODEV)
		return 0;
	if (r < 0)
		return r;
	if (!streq(link.name, nic->tap) || !streq(link.kind, "macvtap") ||
	    !streq_null(link.alias, nic->alias))
		return 0;
	r = link_delete(nl, link.ifindex);
	return r == -ENODEV ? 0 : r;
}
