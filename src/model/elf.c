/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>

#include "base/util.h"
#include "model/elf.h"

/*
 * A vmlinux has five segments, 500 bytes of notes, and .rodata among its first sections. What lies beyond
 * these limits is not looked at.
 */
#define SEGMENTS_MAX	    32
#define NOTES_MAX_BYTES	    4096
#define SECTIONS_MAX	    64
#define SECTION_NAMES_BYTES 4096

/* Linux, include/xen/interface/elfnote.h. */
#define XEN_ELFNOTE_PHYS32_ENTRY 18

/* Where a field lies in files of 32 and of 64 bits. */
typedef struct Field {
	size_t at, width;
} Field;

#define FIELD(type, member)                                                                        \
	{                                                                                          \
		offsetof(type, member), sizeof(((type *) NULL)->member)                            \
	}
#define FIELD_OF_BOTH(suffix, member)                                                              \
	{                                                                                          \
		FIELD(Elf32_##suffix, member), FIELD(Elf64_##suffix, member)                       \
	}

static const Field header_type[] = FIELD_OF_BOTH(Ehdr, e_type);
static const Field header_machine[] = FIELD_OF_BOTH(Ehdr, e_machine);
static const Field header_segments[] = FIELD_OF_BOTH(Ehdr, e_phoff);
static const Field header_n_segments[] = FIELD_OF_BOTH(Ehdr, e_phnum);
static const Field header_sections[] = FIELD_OF_BOTH(Ehdr, e_shoff);
static const Field header_n_sections[] = FIELD_OF_BOTH(Ehdr, e_shnum);
static const Field header_names_index[] = FIELD_OF_BOTH(Ehdr, e_shstrndx);
static const Field segment_type[] = FIELD_OF_BOTH(Phdr, p_type);
static const Field segment_offset[] = FIELD_OF_BOTH(Phdr, p_offset);
static const Field segment_size[] = FIELD_OF_BOTH(Phdr, p_filesz);
static const Field segment_align[] = FIELD_OF_BOTH(Phdr, p_align);
static const Field section_name[] = FIELD_OF_BOTH(Shdr, sh_name);
static const Field section_offset[] = FIELD_OF_BOTH(Shdr, sh_offset);
static const size_t segment_header_bytes[] = { sizeof(Elf32_Phdr), sizeof(Elf64_Phdr) };
static const size_t section_header_bytes[] = { sizeof(Elf32_Shdr), sizeof(Elf64_Shdr) };

/* The file under the reader, and whether its fields are those of 64 bits. */
typedef struct Elf {
	const ByteReader *reader;
	Bytes head;
	size_t is_64;
} Elf;

static uint64_t field(const Elf *elf, Bytes bytes, const Field both[2])
{
	return bytes_number(bytes, both[elf->is_64].at, both[elf->is_64].width);
}

bool elf_is(Bytes head)
{
	return bytes_stand_at(head, 0, ELFMAG, SELFMAG);
}

static size_t round_up(size_t n, size_t align)
{
	return (n + align - 1) / align * align;
}

/* Whether one of these notes is named "Xen" and says the 32-bit entry. */
static bool notes_have_entry(Bytes notes, size_t align)
{
	size_t at = 0;

	while (at < notes.n) {
		uint64_t name_bytes = bytes_number(notes, at, sizeof(uint32_t));
		uint64_t value_bytes = bytes_number(notes, at + 4, sizeof(uint32_t));
		size_t name_at = at + sizeof(Elf64_Nhdr);

		if (name_bytes > notes.n || value_bytes > notes.n)
			return false;
		if (bytes_number(notes, at + 8, sizeof(uint32_t)) == XEN_ELFNOTE_PHYS32_ENTRY &&
		    name_bytes == sizeof("Xen") &&
		    bytes_stand_at(notes, name_at, "Xen", sizeof("Xen")) &&
		    value_bytes >= sizeof(uint32_t))
			return true;
		at = round_up(round_up(name_at + name_bytes, align) + value_bytes, align);
	}
	return false;
}

/* Notes are aligned to 4 bytes, but for GNU properties in files of 64 bits, which are to 8. */
static int read_notes(const Elf *elf, Bytes segment, ElfFact *fact)
{
	uint64_t size = field(elf, segment, segment_size);
	uint8_t buffer[NOTES_MAX_BYTES];
	ssize_t n;

	n = byte_reader_read(elf->reader, field(elf, segment, segment_offset), buffer,
			     size < sizeof(buffer) ? (size_t) size : sizeof(buffer));
	if (n < 0)
		return (int) n;
	fact->has_pvh_note = notes_have_entry((Bytes){ buffer, (size_t) n }, 4) ||
			     (field(elf, segment, segment_align) == 8 &&
			      notes_have_entry((Bytes){ buffer, (size_t) n }, 8));
	return 0;
}

static int read_segments(const Elf *elf, ElfFact *fact)
{
	uint64_t count = field(elf, elf->head, header_n_segments);
	size_t header_bytes = segment_header_bytes[elf->is_64];
	uint8_t buffer[SEGMENTS_MAX * sizeof(Elf64_Phdr)];
	ssize_t n;
	int r = 0;

	if (count > SEGMENTS_MAX)
		count = SEGMENTS_MAX;
	n = byte_reader_read(elf->reader, field(elf, elf->head, header_segments), buffer,
			     (size_t) count * header_bytes);
	if (n < 0)
		return (int) n;

	for (size_t i = 0; r == 0 && i < (size_t) n / header_bytes; i++) {
		Bytes segment = { buffer + i * header_bytes, header_bytes };
		uint64_t type = field(elf, segment, segment_type);

		fact->has_interpreter |= type == PT_INTERP;
		if (type == PT_NOTE && !fact->has_pvh_note)
			r = read_notes(elf, segment, fact);
	}
	return r;
}

/* The names of the sections, of which the header stands at names_index. Returns the number or -errno. */
static ssize_t read_section_names(const Elf *elf, uint64_t names_index, uint8_t *names, size_t n)
{
	uint64_t headers = field(elf, elf->head, header_sections);
	size_t header_bytes = section_header_bytes[elf->is_64];
	uint8_t header[sizeof(Elf64_Shdr)];
	ssize_t r;

	r = byte_reader_read(elf->reader, headers + names_index * header_bytes, header,
			     header_bytes);
	if (r < 0)
		return r;
	return byte_reader_read(
		elf->reader, field(elf, (Bytes){ header, (size_t) r }, section_offset), names, n);
}

static int read_sections(const Elf *elf, ElfFact *fact)
{
	static const char wanted[] = ".rodata";
	uint64_t count = field(elf, elf->head, header_n_sections);
	size_t header_bytes = section_header_bytes[elf->is_64];
	uint8_t buffer[SECTIONS_MAX * sizeof(Elf64_Shdr)], names[SECTION_NAMES_BYTES];
	ssize_t n, names_bytes;

	names_bytes = read_section_names(elf, field(elf, elf->head, header_names_index), names,
					 sizeof(names));
	if (names_bytes < 0)
		return (int) names_bytes;
	if (count > SECTIONS_MAX)
		count = SECTIONS_MAX;
	n = byte_reader_read(elf->reader, field(elf, elf->head, header_sections), buffer,
			     (size_t) count * header_bytes);
	if (n < 0)
		return (int) n;

	for (size_t i = 0; i < (size_t) n / header_bytes; i++) {
		Bytes section = { buffer + i * header_bytes, header_bytes };

		if (bytes_stand_at((Bytes){ names, (size_t) names_bytes },
				   (size_t) field(elf, section, section_name), wanted,
				   sizeof(wanted)))
			fact->rodata_offset = field(elf, section, section_offset);
	}
	return 0;
}

int elf_read(const ByteReader *reader, Bytes head, ElfFact *ret)
{
	Elf elf = { .reader = reader,
		    .head = head,
		    .is_64 = bytes_number(head, EI_CLASS, 1) == ELFCLASS64 };
	ElfFact fact = { 0 };
	int r;

	if (bytes_number(head, EI_DATA, 1) == ELFDATA2LSB) {
		fact.type = (uint16_t) field(&elf, head, header_type);
		fact.machine = (uint16_t) field(&elf, head, header_machine);
		r = read_segments(&elf, &fact);
		if (r == 0)
			r = read_sections(&elf, &fact);
		if (r < 0)
			return r;
	}
	*ret = fact;
	return 0;
}
