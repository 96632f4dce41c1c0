/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/memory.h"

#define NUMBER_TEXT_MAX	  32
#define MEMINFO_BYTES_MAX 4096 /* all that is wanted stands in the first lines */

uint64_t read_number(int directory, const char *path, uint64_t otherwise)
{
	_cleanup_close_ int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;
	char text[NUMBER_TEXT_MAX];
	uint64_t number;

	if (fd >= 0)
		n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return otherwise;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return parse_u64(text, UINT64_MAX, &number) == 0 ? number : otherwise;
}

/* proc_meminfo(5): "MemTotal:       24684084 kB". */
static uint64_t read_line(const char *text, const char *label)
{
	const char *line = strstr(text, label);

	return line ? strtoull(line + strlen(label), NULL, 10) * KIB : 0;
}

void memory_probe(MemoryFact *ret)
{
	_cleanup_close_ int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	char text[MEMINFO_BYTES_MAX];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return;
	text[n] = '\0';
	ret->total_bytes = read_line(text, "MemTotal:");
	ret->available_bytes = read_line(text, "MemAvailable:");
	ret->swap_bytes = read_line(text, "SwapTotal:");
}

/*
 * Those reserved are promised to somebody who has not touched them yet; those that may be had beyond the pool
 * are made when they are asked for (Linux, Documentation/admin-guide/mm/hugetlbpage.rst).
 */
bool huge_pool_probe(int directory, uint64_t page_bytes, HugePool *ret)
{
	_cleanup_free_ char *name = str_printf("hugepages-%" PRIu64 "kB", page_bytes / KIB);
	_cleanup_close_ int fd = -EBADF;
	uint64_t reserved, overcommit, surplus;

	*ret = (HugePool){ .page_bytes = page_bytes };
	if (name)
		fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ret->total = read_number(fd, "nr_hugepages", 0);
	ret->free = read_number(fd, "free_hugepages", 0);
	reserved = read_number(fd, "resv_hugepages", 0);
	overcommit = read_number(fd, "nr_overcommit_hugepages", 0);
	surplus = read_number(fd, "surplus_hugepages", 0);
	ret->free -= reserved < ret->free ? reserved : ret->free;
	ret->free += surplus < overcommit ? overcommit - surplus : 0;
	return true;
}
