/* SPDX-License-Identifier: Apache-2.0 */
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
static bool is_queue_of(int fd, const PlanNic *nic)
{
	int wanted = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (nic->queues > 1 ? IFF_MULTI_QUEUE : 0);
	struct ifreq request = { .ifr_flags = IFF_ATTACH_QUEUE };

	if (nic->queues > 1)
		(void) ioctl(fd, TUNSETQUEUE, &request);
	request = (struct ifreq){ 0 };
	return ioctl(fd, TUNGETIFF, &request) == 0 && streq(request.ifr_name, nic->tap) &&
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

int tap_take(Nl *nl, const PlanNic *nic, const int *fds, size_t n_fds, Tap *ret)
{
	size_t n = nic->queues > 1 ? nic->queues : 1;
	Tap tap = { .n_fds = 0 };
	LinkInfo link;

	if (n_fds != n || link_get(nl, nic->tap, &link) < 0 || !is_ours(&link, nic))
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (!is_queue_of(fds[i], nic) || reset_queue(fds[i]) < 0)
			return -EINVAL;
	tap.fds = calloc(n, sizeof(*tap.fds));
	if (!tap.fds)
		return -ENOMEM;
	memcpy(tap.fds, fds, n * sizeof(*fds));
	tap.n_fds = n;
	memcpy(tap.name, nic->tap, sizeof(tap.name));
	tap.ifindex = link.ifindex;
	*ret = tap;
	return 0;
}

int tap_drop(Nl *nl, const char *name, const char *alias)
{
	LinkInfo link;
	int r = link_get(nl, name, &link);

	if (r < 0 || !streq(link.name, name) || !streq(link.kind, "tun") ||
	    !streq(link.alias, alias))
		return r == -ENODEV ? 0 : r;
	return link_delete(nl, link.ifindex);
}
