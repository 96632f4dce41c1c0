/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "host/image.h"
#include "model/disk-magic.h"
#include "model/image.h"

#define STAT_BLOCK_BYTES 512 /* of st_blocks: inode(7) */

static ssize_t read_at(void *userdata, uint64_t offset, void *buffer, size_t n)
{
	const int *fd = userdata;
	size_t done = 0;

	while (done < n) {
		ssize_t r = pread(*fd, (char *) buffer + done, n - done, (off_t) (offset + done));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		done += (size_t) r;
	}
	return (ssize_t) done;
}

int image_probe(int fd, ImageFact *ret)
{
	ByteReader reader = { .read = read_at, .userdata = &fd };
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode)) {
		*ret = (ImageFact){ .kind = IMAGE_NOT_A_KERNEL,
				    .looks_like = S_ISDIR(st.st_mode) ? "a directory" :
									"no regular file" };
		return 0;
	}
	reader.size_bytes = (uint64_t) st.st_size;
	return image_read(&reader, ret);
}

const char *disk_probe(int fd)
{
	uint8_t bytes[DISK_MAGIC_BYTES];
	ssize_t n = pread(fd, bytes, sizeof(bytes), 0);

	return n > 0 ? disk_magic(bytes, (size_t) n) : NULL;
}

void disk_probe_space(int fd, DiskSpace *ret)
{
	struct statvfs file_system;
	struct stat st;

	*ret = (DiskSpace){ .free_bytes = UINT64_MAX };
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || fstatvfs(fd, &file_system) < 0)
		return;
	ret->size_bytes = (uint64_t) st.st_size;
	ret->allocated_bytes = (uint64_t) st.st_blocks * STAT_BLOCK_BYTES;
	ret->free_bytes = (uint64_t) file_system.f_bavail * file_system.f_frsize;
}
