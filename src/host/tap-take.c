/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "host/tap-take.h"

/* What lies in a queue while nobody reads it: its length is txqueuelen, 1000 unless somebody set another. */
#define STALE_FRAMES_MAX 4096
#define FRAME_MAX_BYTES	 (64 * KIB + sizeof(struct virtio_net_hdr_v1_hash))

/* All that tap_create() asks for; the kernel has more flags, which say how the tap is. */
#define FLAGS_OF_OURS (IFF_TUN | IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE)

/* True where the descriptor is a queue of that tap. One that the last guest did not use was detached by its VMM. */
static bool is_queue_of(int fd, const PlanNic *nic, const char *name)
{
	int wanted = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (nic->queues > 1 ? IFF_MULTI_QUEUE : 0);
	struct ifreq request = { .ifr_flags = IFF_ATTACH_QUEUE };

	if (nic->queues > 1)
		(void) ioctl(fd, TUNSETQUEUE, &request);
	request = (struct ifreq){ 0 };
	return ioctl(fd, TUNGETIFF, &request) == 0 && streq(request.ifr_name, name) &&
	       (request.ifr_flags & FLAGS_OF_OURS) == wanted;
}

/* What came for the last guest is none of the next one's. */
static void drop_frames(int fd)
{
	char *frame = malloc(FRAME_MAX_BYTES);

	(void) fcntl(fd, F_SETFL, O_NONBLOCK);
	for (unsigned n = 0; frame && n < STALE_FRAMES_MAX; n++)
		if (read(fd, frame, FRAME_MAX_BYTES) < 0)
			break;
	free(frame);
}

/* As a new one: a VMM asks for what its guest can do, and knows the size of its headers. */
static int reset_queue(int fd)
{
	int header_bytes = sizeof(struct virtio_net_hdr);

	drop_frames(fd);
	if (ioctl(fd, TUNSETOFFLOAD, 0UL) < 0 || ioctl(fd, TUNSETVNETHDRSZ, &header_bytes) < 0 ||
	    fcntl(fd, F_SETFL, 0) < 0)
		return -errno;
	return 0;
}

static bool is_ours(const LinkInfo *link, const PlanNic *nic)
{
	return streq(link->name, nic->tap) && streq(link->kind, "tun") &&
	       streq_null(link->alias, nic->alias);
}

int tap_take_queues(const LinkInfo *link, const PlanNic *nic, const int *fds, size_t n_fds,
		    Tap *ret)
{
	size_t n = nic->queues > 1 ? nic->queues : 1;
	Tap tap = { .n_fds = 0 };

	if (n_fds != n)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (!is_queue_of(fds[i], nic, link->name) || reset_queue(fds[i]) < 0)
			return -EINVAL;
	tap.fds = calloc(n, sizeof(*tap.fds));
	if (!tap.fds)
		return -ENOMEM;
	memcpy(tap.fds, fds, n * sizeof(*fds));
	tap.n_fds = n;
	memcpy(tap.name, link->name, sizeof(tap.name));
	tap.ifindex = link->ifindex;
	*ret = tap;
	return 0;
}

int tap_take(Nl *nl, const PlanNic *nic, const int *fds, size_t n_fds, Tap *ret)
{
	LinkInfo link;

	if (link_get(nl, nic->tap, &link) < 0 || !is_ours(&link, nic))
		return -EINVAL;
	return tap_take_queues(&link, nic, fds, n_fds, ret);
}

/* By the address, which the kernel drew by lot: another network namespace may have a tap of that name, too. */
static bool find_by_descriptor(Nl *nl, int fd, LinkInfo *ret)
{
	struct ifreq name = { 0 }, mac = { 0 };

	return ioctl(fd, TUNGETIFF, &name) == 0 && ioctl(fd, SIOCGIFHWADDR, &mac) == 0 &&
	       link_get(nl, name.ifr_name, ret) == 0 && streq(ret->name, name.ifr_name) &&
	       streq(ret->kind, "tun") &&
	       memcmp(mac.ifr_hwaddr.sa_data, ret->mac.bytes, MAC_BYTES) == 0;
}

int helper_tap_take(Nl *nl, const PlanNic *nic, const LinkInfo *bridge, const int *fds,
		    size_t n_fds, Tap *ret)
{
	LinkInfo link;
	int r;

	if (n_fds == 0 || !find_by_descriptor(nl, fds[0], &link) ||
	    link.master != bridge->ifindex || !(link.flags & IFF_UP))
		return -EINVAL;
	r = tap_take_queues(&link, nic, fds, n_fds, ret);
	if (r == 0) {
		ret->port_state = link.port_state;
		ret->mtu = link.mtu;
	}
	return r;
}

static bool has_mark(const LinkInfo *link, const char *mark)
{
	MacAddress mac;

	if (strncmp(mark, TAP_MARK_MAC, strlen(TAP_MARK_MAC)) != 0)
		return streq(link->alias, mark);
	return streq(link->kind, "tun") && mac_parse(mark + strlen(TAP_MARK_MAC), &mac) &&
	       memcmp(&link->mac, &mac, sizeof(mac)) == 0;
}

int tap_drop(Nl *nl, const char *name, const char *mark)
{
	LinkInfo link;
	int r = link_get(nl, name, &link);

	if (r < 0 || !streq(link.name, name) ||
	    (!streq(link.kind, "tun") && !streq(link.kind, "macvtap")) || !has_mark(&link, mark))
		return r == -ENODEV ? 0 : r;
	return link_delete(nl, link.ifindex);
}

int tap_drop_of(Nl *nl, int fd, const char *mark)
{
	struct ifreq request = { 0 };

	return ioctl(fd, TUNGETIFF, &request) < 0 ? -errno : tap_drop(nl, request.ifr_name, mark);
}
