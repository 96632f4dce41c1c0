/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "model/byte-reader.h"

/* What decides whether an ELF file is a kernel, and how it is entered. */
typedef struct ElfFact {
	uint16_t type, machine; /* ET_…, EM_… of elf.h; 0 where the file is big-endian */
	bool has_interpreter; /* a program of user space */
	bool has_pvh_note; /* XEN_ELFNOTE_PHYS32_ENTRY: where a VMM enters it by PVH */
	uint64_t rodata_offset; /* of .rodata in the file; 0: there is none */
} ElfFact;

bool elf_is(Bytes head);

/*
 * Reads headers, notes and the names of sections; head is how the file begins. What is cut off or lies
 * is as if it were not there. Returns 0 or the reader's error.
 */
int elf_read(const ByteReader *reader, Bytes head, ElfFact *ret);
