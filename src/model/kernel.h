/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/fault.h"
#include "model/facts.h"
#include "model/spec.h"

/* What becomes of the guest's kernel (model/image.h) under a VMM. */

/* How the VMM enters the guest. */
typedef enum BootProtocol {
	BOOT_UNKNOWN,
	BOOT_PVH, /* at the entry of an ELF's note */
	BOOT_LINUX, /* Linux's own, of its architecture */
	BOOT_MULTIBOOT, /* QEMU's alone */
	BOOT_FIRMWARE, /* as a machine starts; firmware then finds a kernel that we do not see */
	_BOOT_PROTOCOL_MAX,
} BootProtocol;

/* "pvh", "linux", …; NULL: unknown. */
const char *boot_protocol_to_string(BootProtocol protocol);

BootProtocol kernel_boot_protocol(const Spec *spec, const Facts *facts, VmmKind vmm);

/*
 * True, with fault, where vmm cannot boot the kernel: it is none, one for another architecture, compressed,
 * or an ELF without a PVH note. What is not known is no problem.
 */
bool kernel_problem(const Spec *spec, const Facts *facts, VmmKind vmm, Fault *fault);

/* "Linux 6.12.0-1-cloud-amd64 (bzImage)", "version unknown (ELF)"; a new string, NULL: out of memory. */
char *kernel_to_words(const ImageFact *image);
