/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/facts.h"

/*
 * What the kernel in an open file is: model/image.h over pread(2), so that a file that somebody shortens
 * meanwhile is no SIGBUS. What is no regular file is no kernel. *ret is untouched on failure;
 * image_done() frees it. Returns 0 or -errno.
 */
int image_probe(int fd, ImageFact *ret);

/* What the disk in an open file begins as: model/disk-magic.h. Static; NULL: nothing known, or it cannot be read. */
const char *disk_probe(int fd);

/* Of the disk in an open file; what is no regular file has all the space that it needs. */
void disk_probe_space(int fd, DiskSpace *ret);
