/* SPDX-License-Identifier: Apache-2.0 */
#include <net/if.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "run/qemu-mtus.h"

int qemu_mtus(const Plan *plan, const Tap *taps, uint32_t **ret)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t *mtus = calloc(plan->n_nics + 1, sizeof(*mtus));

	if (!mtus)
		return -ENOMEM;
	for (size_t i = 0; fd >= 0 && i < plan->n_nics; i++) {
		struct ifreq request = { 0 };

		if (!attach_has_link(plan->nics[i].attach)) {
			mtus[i] = plan->nics[i].attach == ATTACH_VHOST_USER ? plan->nics[i].mtu : 0;
			continue;
		}
		memcpy(request.ifr_name, taps[i].name, sizeof(taps[i].name));
		if (ioctl(fd, SIOCGIFMTU, &request) == 0)
			mtus[i] = (uint32_t) request.ifr_mtu;
	}
	*ret = mtus;
	return 0;
}
