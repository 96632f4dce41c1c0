/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/*
 * The resets of one reboot. SeaBIOS on q35 resets the machine a second time as the first thing after a
 * reset, and Linux can cause a third: one reboot is two or three RESET events. The firmware's came 20-40 ms
 * after the guest's (TCG, QEMU 7.2; 150 ms on a host with two busy processes more per CPU), and QEMU does
 * not tell whose they are. But the firmware is mute on the serial line. So a RESET belongs to the reboot
 * before it unless the guest has written to its console since, or it comes this long after the first one of
 * that reboot. A guest that dies over and over without a word is thus counted at least once in that time.
 */
#define QEMU_REBOOT_USEC USEC_PER_SEC

typedef struct QemuReboot {
	bool known; /* there was one; then: */
	uint64_t usec; /* QEMU's time of the first RESET of the last one */
	uint64_t bytes; /* what the guest had written to its console by then */
} QemuReboot;

/* True where a RESET at that time begins another reboot, which is then the last one. */
bool qemu_reboot_begins(QemuReboot *last, uint64_t usec, uint64_t bytes);
