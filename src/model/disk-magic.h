/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define DISK_MAGIC_BYTES 16

/*
 * What the first bytes of a disk's file are those of: "qcow2", "gzip", …; NULL: nothing that we know, as those of a
 * raw disk are. Static. A guest writes what it likes to a raw disk, so nothing may be decided by this.
 */
const char *disk_magic(const uint8_t *bytes, size_t n);
