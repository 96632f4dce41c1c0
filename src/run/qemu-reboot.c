/* SPDX-License-Identifier: Apache-2.0 */
#include "run/qemu-reboot.h"

bool qemu_reboot_begins(QemuReboot *last, uint64_t usec, uint64_t bytes)
{
	if (last->known && bytes == last->bytes && usec < last->usec + QEMU_REBOOT_USEC)
		return false;
	*last = (QemuReboot){ true, usec, bytes };
	return true;
}
