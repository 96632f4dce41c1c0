/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "run/kept.h"
#include "run/qemu-reboot.h"
#include "run/qmp.h"

/*
 * The connection to QEMU's monitor over a reload. Made anew, it would lack what happens meanwhile: QEMU tells an event to
 * whoever is connected, and to nobody later. The one that stays open holds it until the new program reads.
 */

/* What goes over with it. Zero-initialise but state_fd, which is -EBADF. */
typedef struct QemuKept {
	int state_fd; /* a file in memory */
} QemuKept;

/* For the next program; kept has it until qemu_kept_take_back(). 0 or -errno, then nothing is kept. */
int qemu_kept_pass_on(QemuKept *qemu, Kept *kept, const QmpRest *rest, const QemuReboot *reboot);

/* The reload came to nothing, or nothing was passed on. */
void qemu_kept_take_back(QemuKept *qemu, Kept *kept);

/*
 * In the new program. Returns 1, then *ret talks where the old one stopped; 0 where nothing was passed on; -errno where
 * it cannot be gone on with: connect anew.
 */
int qemu_kept_take(Kept *kept, sd_event *event, const QmpHandler *handler, Qmp **ret,
		   QemuReboot *ret_reboot);
