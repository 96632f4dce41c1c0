/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/facts.h"

/* What /proc/meminfo tells; where it cannot be read all stays 0. */
void memory_probe(MemoryFact *ret);

/*
 * The pool of huge pages of that size: directory is /sys/kernel/mm/hugepages, opened. False where the kernel has
 * none of that size; *ret then says so, with 0 pages.
 */
bool huge_pool_probe(int directory, uint64_t page_bytes, HugePool *ret);
#define HUGE_POOLS_DIRECTORY "/sys/kernel/mm/hugepages"

/* A number that is alone in its file; otherwise where there is none, as in "max". */
uint64_t read_number(int directory, const char *path, uint64_t otherwise);
