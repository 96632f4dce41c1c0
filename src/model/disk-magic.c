/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/util.h"
#include "model/disk-magic.h"

/* docs/interop/qcow2.txt and block/{vmdk,vhdx,vpc,vdi,qed}.c of QEMU; RFC 1952, 8878; the xz file format. */
static const struct {
	const char *bytes;
	size_t n;
	const char *kind;
} magics[] = {
	{ "QFI\xfb", 4, "qcow2" },
	{ "KDMV", 4, "VMDK" },
	{ "# Disk Descripto", 16, "VMDK" },
	{ "vhdxfile", 8, "VHDX" },
	{ "conectix", 8, "VHD" },
	{ "<<< Oracle VM Vi", 16, "VDI" },
	{ "QED", 4, "QED" },
	{ "\x1f\x8b", 2, "gzip" },
	{ "\xfd"
	  "7zXZ",
	  6, "xz" },
	{ "\x28\xb5\x2f\xfd", 4, "zstd" },
};

const char *disk_magic(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < ELEMENTSOF(magics); i++)
		if (n >= magics[i].n && memcmp(bytes, magics[i].bytes, magics[i].n) == 0)
			return magics[i].kind;
	return NULL;
}
