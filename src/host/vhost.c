/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <sys/ioctl.h>

#include "base/util.h"
#include "host/vhost.h"

int vhost_net_open(size_t n, int *ret)
{
	for (size_t i = 0; i < n; i++) {
		int r;

		ret[i] = open(VHOST_NET_DEVICE, O_RDWR | O_CLOEXEC);
		if (ret[i] >= 0)
			continue;
		r = -errno;
		while (i-- > 0)
			ret[i] = close_fd(ret[i]);
		return r;
	}
	return 0;
}

/* The kernel asks for no owner here, who would get a thread (drivers/vhost/vsock.c: vhost_vsock_set_cid()). */
int vhost_vsock_try_cid(uint32_t cid)
{
	_cleanup_close_ int fd = open(VHOST_VSOCK_DEVICE, O_RDWR | O_CLOEXEC);
	uint64_t wide = cid;

	return fd < 0 || ioctl(fd, VHOST_VSOCK_SET_GUEST_CID, &wide) < 0 ? -errno : 0;
}
