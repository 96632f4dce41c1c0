/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <stdlib.h>

#include "base/util.h"
#include "model/elf.h"
#include "model/image.h"

/* In which QEMU looks for a multiboot header: hw/i386/multiboot.c. */
#define HEAD_BYTES 8192
/* The banner that a kernel prints; Linux's own buffers for it are smaller. */
#define BANNER_MAX_BYTES 256
#define VERSION_MAX	 96
/* What is searched at a time: it stays in the CPU's cache between being read and being searched. */
#define CHUNK_BYTES                                                                                \
	(64 * KIB) /* the banner is mostly in the first: Linux has it near the start of .rodata */
/* Places that begin as a banner does: where as many are none, the file is made to be slow. */
#define CANDIDATES_MAX 64

static const char banner_start[] = "Linux version ";
#define BANNER_START_LENGTH (sizeof(banner_start) - 1)

/* Bytes that stand at a fixed place, and what they make of the file. */
typedef struct Mark {
	const char *words;
	const char *bytes;
	uint16_t at, n;
} Mark;

#define MARK(at, bytes, words)                                                                     \
	{                                                                                          \
		words, bytes, at, sizeof(bytes) - 1                                                \
	}

/* Linux, scripts/Makefile.lib and lib/decompress.c; "zimg": drivers/firmware/efi/libstub/zboot-header.S. */
static const Mark compressed_marks[] = {
	MARK(0, "\x1f\x8b", "a gzip file"),	    MARK(0, "\xfd\x37zXZ\0", "an xz file"),
	MARK(0, "\x28\xb5\x2f\xfd", "a zstd file"), MARK(0, "BZh", "a bzip2 file"),
	MARK(0, "\x5d\0\0", "an lzma file"),	    MARK(0, "\x89LZO", "an lzop file"),
	MARK(0, "\x02!L\x18", "an lz4 file"),	    MARK(0, "\x04\"M\x18", "an lz4 file"),
	MARK(4, "zimg", "a compressed EFI image"),
};

/* What people take for a kernel. */
static const Mark other_marks[] = {
	MARK(0, "#!", "a script"),
	MARK(0, "QFI\xfb", "a qcow2 disk image"),
	MARK(0, "0707", "a cpio archive, as an initramfs is one"),
	MARK(0, "!<arch>", "a package or an archive"),
	MARK(0, "\xed\xab\xee\xdb", "an RPM package"),
	MARK(0, "PK\x03\x04", "a zip file"),
	MARK(0, "hsqs", "a squashfs file system"),
	MARK(0x438, "\x53\xef", "an ext4 file system"),
	MARK(512, "EFI PART", "a disk image with a partition table"),
	MARK(0, "MZ", "an EFI program, which needs \"firmware\""),
	MARK(510, "\x55\xaa", "a disk image with a boot sector"),
};

static const char *find_mark(Bytes bytes, const Mark *marks, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes_stand_at(bytes, marks[i].at, marks[i].bytes, marks[i].n))
			return marks[i].words;
	return NULL;
}

static bool is_text(Bytes bytes)
{
	for (size_t i = 0; i < bytes.n; i++)
		if (bytes.data[i] == 0x7f || (bytes.data[i] < ' ' && bytes.data[i] != '\n' &&
					      bytes.data[i] != '\r' && bytes.data[i] != '\t'))
			return false;
	return true;
}

static bool is_zeros(Bytes bytes)
{
	for (size_t i = 0; i < bytes.n; i++)
		if (bytes.data[i])
			return false;
	return true;
}

static const char *guess_other(Bytes head)
{
	const char *words = find_mark(head, other_marks, ELEMENTSOF(other_marks));

	if (words)
		return words;
	if (head.n == 0)
		return "an empty file";
	if (is_zeros(head))
		return "zeros";
	if (is_text(head))
		return "text";
	return "data of no known kind";
}

/* How many bytes of a version stand here, "6.12.0-tiny": two numbers and more up to a space. 0: none. */
static size_t version_length(const char *text)
{
	size_t length = strcspn(text, " "), number = strspn(text, "0123456789");

	if (number == 0 || text[number] != '.' || !strchr("0123456789", text[number + 1]) ||
	    length == number + 1 || length > VERSION_MAX)
		return 0;
	return length;
}

/*
 * Takes the banner that begins here, if one does: "6.12.0-tiny (…) #1 …". It ends at the first byte that is
 * not printable ASCII, so that it can go into logs and JSON as it is.
 */
static int take_banner(Bytes bytes, ImageFact *image)
{
	char text[BANNER_MAX_BYTES + 1];
	size_t length = 0;

	while (length < bytes.n && length < BANNER_MAX_BYTES && bytes.data[length] >= ' ' &&
	       bytes.data[length] < 0x7f) {
		text[length] = (char) bytes.data[length];
		length++;
	}
	text[length] = '\0';
	length = version_length(text);
	if (length == 0 || length == bytes.n) /* none, or cut off with the file */
		return 0;
	image->banner = strdup(text);
	image->version = strndup(text, length);
	return image->banner && image->version ? 0 : -ENOMEM;
}

static int read_banner(const ByteReader *reader, uint64_t offset, ImageFact *image)
{
	uint8_t buffer[BANNER_MAX_BYTES];
	ssize_t n = byte_reader_read(reader, offset, buffer, sizeof(buffer));

	return n < 0 ? (int) n : take_banner((Bytes){ buffer, (size_t) n }, image);
}

/* A search for the banner in all of a file. */
typedef struct Search {
	const ByteReader *reader;
	ImageFact *image;
	uint8_t *chunk;
	uint64_t left_bytes;
	unsigned candidates;
} Search;

/* Looks at each place of a chunk that begins as the banner does. */
static int search_chunk(Search *search, uint64_t offset, size_t n)
{
	const uint8_t *at = search->chunk, *end = search->chunk + n;
	int r = 0;

	while (r == 0 && !search->image->version && search->candidates < CANDIDATES_MAX &&
	       (at = memmem(at, (size_t) (end - at), banner_start, BANNER_START_LENGTH))) {
		at += BANNER_START_LENGTH;
		search->candidates++;
		r = read_banner(search->reader, offset + (uint64_t) (at - search->chunk),
				search->image);
	}
	return r;
}

/* From offset up to end, in chunks that overlap by what may have been cut. */
static int search_range(Search *search, uint64_t offset, uint64_t end)
{
	while (offset < end && !search->image->version && search->left_bytes > 0 &&
	       search->candidates < CANDIDATES_MAX) {
		uint64_t wanted = end - offset < CHUNK_BYTES ? end - offset : CHUNK_BYTES;
		ssize_t n;
		int r;

		n = byte_reader_read(search->reader, offset, search->chunk, (size_t) wanted);
		if (n < 0)
			return (int) n;
		r = search_chunk(search, offset, (size_t) n);
		if (r < 0 || (size_t) n < BANNER_START_LENGTH || (uint64_t) n == end - offset)
			return r;
		offset += (uint64_t) n - (BANNER_START_LENGTH - 1);
		search->left_bytes -=
			(uint64_t) n < search->left_bytes ? (uint64_t) n : search->left_bytes;
	}
	return 0;
}

/* From where the banner is likely, to the end, and then from the beginning up to there. */
static int search_banner(const ByteReader *reader, uint64_t likely, ImageFact *image)
{
	Search search = { .reader = reader, .image = image, .left_bytes = IMAGE_SEARCH_MAX_BYTES };
	int r;

	if (likely >= reader->size_bytes)
		likely = 0;
	search.chunk = malloc(CHUNK_BYTES);
	if (!search.chunk)
		return -ENOMEM;
	r = search_range(&search, likely, reader->size_bytes);
	if (r == 0)
		r = search_range(&search, 0, likely);
	free(search.chunk);
	return r;
}

/*
 * Linux, Documentation/arch/x86/boot.rst: kernel_version at 0x20e points to the string, less 0x200; it must
 * lie in the setup sectors. "HdrS" alone decides, in QEMU (hw/i386/x86.c) as in cloud-hypervisor.
 */
static bool is_bzimage(Bytes head)
{
	return bytes_stand_at(head, 0x202, "HdrS", 4);
}

static int read_bzimage(const ByteReader *reader, Bytes head, ImageFact *image)
{
	uint64_t pointer = bytes_number(head, 0x20e, 2);
	uint64_t setup_sectors = bytes_number(head, 0x1f1, 1) ?: 4;

	image->kind = IMAGE_BZIMAGE;
	image->arch = ARCH_X86;
	if (pointer == 0 || pointer >= setup_sectors * 0x200)
		return 0;
	return read_banner(reader, pointer + 0x200, image);
}

/* Multiboot specification 0.6.96, section 3.1: magic, flags and checksum add up to 0. */
static bool has_multiboot_header(Bytes head)
{
	static const uint8_t magic[] = { 0x02, 0xb0, 0xad, 0x1b };

	for (size_t at = 0; at + 12 <= head.n; at += 4)
		if (bytes_stand_at(head, at, magic, sizeof(magic)) &&
		    (uint32_t) (bytes_number(head, at, 4) + bytes_number(head, at + 4, 4) +
				bytes_number(head, at + 8, 4)) == 0)
			return true;
	return false;
}

static Arch arch_of_elf(const ElfFact *elf)
{
	switch (elf->machine) {
	case EM_386:
	case EM_X86_64:
		return ARCH_X86;
	case EM_AARCH64:
		return ARCH_ARM64;
	case EM_RISCV:
		return ARCH_RISCV64;
	default:
		return ARCH_OTHER;
	}
}

static int read_elf(const ByteReader *reader, Bytes head, ImageFact *image)
{
	ElfFact elf = { 0 };
	int r = elf_read(reader, head, &elf);

	if (r < 0)
		return r;
	image->kind = IMAGE_ELF;
	image->arch = arch_of_elf(&elf);
	image->has_pvh_note = elf.has_pvh_note;
	if (elf.has_interpreter)
		image->looks_like = "a program of user space";
	else if (elf.type == ET_REL)
		image->looks_like = "an object file or a kernel's module";
	else if (elf.type == ET_CORE)
		image->looks_like = "a core dump";
	if (image->looks_like) {
		image->kind = IMAGE_NOT_A_KERNEL;
		return 0;
	}
	return search_banner(reader, elf.rodata_offset, image);
}

/* Linux, Documentation/arch/arm64/booting.rst and Documentation/arch/riscv/boot-image-header.rst. */
static Arch arch_of_flat(Bytes head)
{
	if (bytes_stand_at(head, 56, "ARM\x64", 4))
		return ARCH_ARM64;
	return bytes_stand_at(head, 56, "RSC\x05", 4) ? ARCH_RISCV64 : ARCH_UNKNOWN;
}

static int read_flat(const ByteReader *reader, Arch arch, ImageFact *image)
{
	image->kind = IMAGE_FLAT;
	image->arch = arch;
	return search_banner(reader, 0, image);
}

static void read_multiboot(ImageFact *image)
{
	image->kind = IMAGE_MULTIBOOT;
	image->arch = ARCH_X86;
}

static void read_other(Bytes head, ImageFact *image)
{
	image->looks_like = find_mark(head, compressed_marks, ELEMENTSOF(compressed_marks));
	if (image->looks_like) {
		image->kind = IMAGE_COMPRESSED;
		return;
	}
	image->kind = IMAGE_NOT_A_KERNEL;
	image->looks_like = guess_other(head);
}

static int read_unlike_bzimage(const ByteReader *reader, Bytes head, ImageFact *image)
{
	Arch flat = arch_of_flat(head);

	image->has_multiboot_header = has_multiboot_header(head);
	if (elf_is(head))
		return read_elf(reader, head, image);
	if (flat != ARCH_UNKNOWN)
		return read_flat(reader, flat, image);
	if (image->has_multiboot_header)
		read_multiboot(image);
	else
		read_other(head, image);
	return 0;
}

int image_read(const ByteReader *reader, ImageFact *ret)
{
	uint8_t buffer[HEAD_BYTES];
	ImageFact image = { 0 };
	Bytes head = { buffer, 0 };
	ssize_t n;
	int r = 0;

	n = byte_reader_read(reader, 0, buffer, sizeof(buffer));
	if (n < 0)
		return (int) n;
	head.n = (size_t) n;
	if (is_bzimage(head))
		r = read_bzimage(reader, head, &image);
	else
		r = read_unlike_bzimage(reader, head, &image);
	if (r < 0) {
		image_done(&image);
		return r;
	}
	*ret = image;
	return 0;
}

void image_done(ImageFact *image)
{
	free(image->version);
	free(image->banner);
	*image = (ImageFact){ 0 };
}

const char *image_kind_to_string(ImageKind kind)
{
	static const char *const table[_IMAGE_KIND_MAX] = {
		[IMAGE_BZIMAGE] = "bzimage",
		[IMAGE_ELF] = "elf",
		[IMAGE_FLAT] = "image",
		[IMAGE_MULTIBOOT] = "multiboot",
		[IMAGE_COMPRESSED] = "compressed",
		[IMAGE_NOT_A_KERNEL] = "not-a-kernel",
	};

	return table[kind];
}

const char *image_kind_to_words(ImageKind kind)
{
	static const char *const table[_IMAGE_KIND_MAX] = {
		[IMAGE_BZIMAGE] = "bzImage",
		[IMAGE_ELF] = "ELF",
		[IMAGE_FLAT] = "Image",
		[IMAGE_MULTIBOOT] = "multiboot",
		[IMAGE_COMPRESSED] = "compressed",
		[IMAGE_NOT_A_KERNEL] = "no kernel",
	};

	return table[kind];
}

const char *arch_to_words(Arch arch)
{
	static const char *const table[_ARCH_MAX] = {
		[ARCH_UNKNOWN] = "an unknown architecture",
		[ARCH_X86] = "x86",
		[ARCH_ARM64] = "arm64",
		[ARCH_RISCV64] = "riscv64",
		[ARCH_OTHER] = "another architecture",
	};

	return table[arch];
}
