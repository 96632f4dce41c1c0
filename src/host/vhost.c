/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>

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
