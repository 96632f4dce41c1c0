/* SPDX-License-Identifier: Apache-2.0 */
/* What a kernel's file is: made-up files, each also cut off at every length. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/image.h"

#define FILE_BYTES (MIB + 4096)
#define BANNER	   "6.12.0-1-cloud-amd64 (builder@example) #1 SMP Debian 6.12.6-1"
#define VERSION	   "6.12.0-1-cloud-amd64"

/* A file in memory that counts what is read of it. */
typedef struct File {
	uint8_t bytes[FILE_BYTES];
	size_t size;
	uint64_t bytes_read;
	int error;
} File;

static File file;

static ssize_t read_file(void *userdata, uint64_t offset, void *buffer, size_t n)
{
	File *from = userdata;

	if (from->error < 0)
		return from->error;
	assert_true(offset <= from->size && n <= from->size - offset);
	memcpy(buffer, from->bytes + offset, n);
	from->bytes_read += n;
	return (ssize_t) n;
}

static int read_image(ImageFact *ret)
{
	const ByteReader reader = { read_file, &file, file.size };

	return image_read(&reader, ret);
}

static int setup(void **state)
{
	file = (File){ .size = FILE_BYTES };
	return 0;
}

static void put(size_t at, const void *bytes, size_t n)
{
	memcpy(file.bytes + at, bytes, n);
}

static void put_text(size_t at, const char *text)
{
	put(at, text, strlen(text) + 1);
}

static void put_number(size_t at, uint64_t number, size_t width)
{
	for (size_t i = 0; i < width; i++)
		file.bytes[at + i] = (uint8_t) (number >> 8 * i);
}

/* version: NULL where it must be unknown. */
static void expect(ImageKind kind, Arch arch, const char *version)
{
	ImageFact image = { 0 };

	assert_int_equal(read_image(&image), 0);
	assert_int_equal(image.kind, kind);
	assert_int_equal(image.arch, arch);
	if (version)
		assert_string_equal(image.version, version);
	else
		assert_null(image.version);
	assert_int_equal(image.version != NULL, image.banner != NULL);
	image_done(&image);
}

static bool has_pvh_note(void)
{
	ImageFact image = { 0 };
	bool has;

	assert_int_equal(read_image(&image), 0);
	has = image.has_pvh_note;
	image_done(&image);
	return has;
}

/* A shorter file is never more than the whole, and never another version. */
static void expect_no_more_when_cut(const char *version, size_t up_to)
{
	for (size_t size = 0; size <= up_to; size++) {
		ImageFact image = { 0 };

		file.size = size;
		assert_int_equal(read_image(&image), 0);
		assert_true(image.kind > IMAGE_UNKNOWN && image.kind < _IMAGE_KIND_MAX);
		if (image.version)
			assert_string_equal(image.version, version);
		image_done(&image);
	}
}

/* Linux, Documentation/arch/x86/boot.rst. */
static void make_bzimage(void)
{
	put(0, "MZ", 2);
	file.bytes[0x1f1] = 39; /* setup_sects */
	put(0x1fe, "\x55\xaa", 2);
	put(0x202, "HdrS", 4);
	put_number(0x206, 0x20f, 2); /* protocol 2.15 */
	put_number(0x20e, 0x3000, 2); /* kernel_version */
	put_text(0x3200, BANNER);
}

static void test_bzimage(void **state)
{
	ImageFact image = { 0 };

	make_bzimage();
	expect(IMAGE_BZIMAGE, ARCH_X86, VERSION);
	assert_true(file.bytes_read < 10000);
	assert_int_equal(read_image(&image), 0);
	assert_string_equal(image.banner, BANNER);
	image_done(&image);
	expect_no_more_when_cut(VERSION, 0x3200 + sizeof(BANNER));
}

static void test_bzimage_that_lies(void **state)
{
	make_bzimage();
	put_number(0x20e, 0, 2); /* none */
	expect(IMAGE_BZIMAGE, ARCH_X86, NULL);
	put_number(0x20e, 0xffff, 2); /* beyond the setup sectors */
	expect(IMAGE_BZIMAGE, ARCH_X86, NULL);
	put_number(0x20e, 0x3000, 2);
	put_text(0x3200, "no version at all");
	expect(IMAGE_BZIMAGE, ARCH_X86, NULL);
	put_text(0x3200, "6.12");
	expect(IMAGE_BZIMAGE, ARCH_X86, "6.12");
	put_text(0x3200, "6.12\x1b[31m\xff");
	expect(IMAGE_BZIMAGE, ARCH_X86, "6.12");
	put_text(0x3200, "6.x12");
	expect(IMAGE_BZIMAGE, ARCH_X86, NULL);
	memset(file.bytes + 0x3200, '6', 4096); /* without an end */
	expect(IMAGE_BZIMAGE, ARCH_X86, NULL);
	file.bytes[0x3201] = '.';
	expect(IMAGE_BZIMAGE, ARCH_X86, NULL);
}

#define SECTIONS_AT 0x800
#define NOTES_AT    0x600
#define NAMES_AT    0xa00
#define RODATA_AT   0xc0000

/* A vmlinux of 64 bits: one load segment, notes, .rodata. */
static void make_vmlinux(uint16_t machine)
{
	Elf64_Ehdr header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
			      .e_type = ET_EXEC,
			      .e_machine = machine,
			      .e_phoff = sizeof(header),
			      .e_phentsize = sizeof(Elf64_Phdr),
			      .e_phnum = 2,
			      .e_shoff = SECTIONS_AT,
			      .e_shentsize = sizeof(Elf64_Shdr),
			      .e_shnum = 3,
			      .e_shstrndx = 2 };
	Elf64_Phdr segments[] = {
		{ .p_type = PT_LOAD, .p_offset = 0x1000, .p_filesz = 0x100000 },
		{ .p_type = PT_NOTE, .p_offset = NOTES_AT, .p_filesz = 0x200, .p_align = 4 },
	};
	Elf64_Shdr sections[] = { { 0 },
				  { .sh_name = 1, .sh_offset = RODATA_AT, .sh_size = 0x1000 },
				  { .sh_name = 9, .sh_offset = NAMES_AT, .sh_size = 19 } };
	/* Another note of the name first, of an odd length; then the entry. */
	static const uint8_t notes[] = { 4,   0,   0,	0, 6,	 0,   0,   0,	6,    0, 0, 0,
					 'X', 'e', 'n', 0, 'l',	 'i', 'n', 'u', 'x',  0, 0, 0,
					 4,   0,   0,	0, 8,	 0,   0,   0,	0x12, 0, 0, 0,
					 'X', 'e', 'n', 0, 0x50, 8,   0,   1,	0,    0, 0, 0 };

	put(0, &header, sizeof(header));
	put(header.e_phoff, segments, sizeof(segments));
	put(SECTIONS_AT, sections, sizeof(sections));
	put(NAMES_AT, "\0.rodata\0.shstrtab", 19);
	put(NOTES_AT, notes, sizeof(notes));
	put_text(0x90000, "Linux version %s (%s)"); /* as others in the file begin */
	put_text(RODATA_AT + 0x100, "Linux version " BANNER "\n");
}

static void test_vmlinux(void **state)
{
	make_vmlinux(EM_X86_64);
	expect(IMAGE_ELF, ARCH_X86, VERSION);
	assert_true(has_pvh_note());
	expect_no_more_when_cut(VERSION, 0x1000);
	file.size = RODATA_AT + 0x100 + sizeof("Linux version 6.1") - 1;
	expect(IMAGE_ELF, ARCH_X86, NULL); /* not "6.1" */
}

/* The search begins at .rodata, and reads no byte twice but for the overlaps. */
static void test_vmlinux_is_read_once(void **state)
{
	make_vmlinux(EM_X86_64);
	expect(IMAGE_ELF, ARCH_X86, VERSION);
	assert_true(file.bytes_read < 300 * KIB);

	memset(file.bytes + RODATA_AT + 0x100, 0, 64);
	file.bytes_read = 0;
	expect(IMAGE_ELF, ARCH_X86, NULL);
	assert_true(file.bytes_read < FILE_BYTES + 32 * KIB);
}

/* Wherever the banner lies, across two chunks, too. */
static void test_vmlinux_without_sections(void **state)
{
	static const size_t places[] = { 0x2000,	 64 * KIB - 7,	  64 * KIB - 14,
					 128 * KIB - 30, 256 * KIB - 7,	  256 * KIB - 14,
					 512 * KIB - 30, FILE_BYTES - 200 };

	for (size_t i = 0; i < ELEMENTSOF(places); i++) {
		(void) setup(NULL);
		make_vmlinux(EM_X86_64);
		put_number(offsetof(Elf64_Ehdr, e_shnum), 0, 2);
		memset(file.bytes + RODATA_AT + 0x100, 0, 64);
		put_text(places[i], "Linux version 5.4.1 (x)");
		expect(IMAGE_ELF, ARCH_X86, "5.4.1");
	}
}

static void test_pvh_note(void **state)
{
	make_vmlinux(EM_X86_64);
	file.bytes[NOTES_AT + 32] = 0x13; /* another type */
	assert_false(has_pvh_note());
	file.bytes[NOTES_AT + 32] = 0x12;
	file.bytes[NOTES_AT + 36] = 'Y'; /* another name */
	assert_false(has_pvh_note());
	file.bytes[NOTES_AT + 36] = 'X';
	assert_true(has_pvh_note());
	put_number(NOTES_AT, UINT32_MAX, 4); /* a name without an end */
	assert_false(has_pvh_note());
	put_number(NOTES_AT, 4, 4);
	put_number(sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + 8, UINT64_MAX - 8, 8); /* p_offset */
	assert_false(has_pvh_note());
}

static void test_elf_of_32_bits(void **state)
{
	const Elf32_Ehdr header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB },
				    .e_type = ET_EXEC,
				    .e_machine = EM_386,
				    .e_phoff = 64,
				    .e_phnum = 1 };
	const Elf32_Phdr segment = { .p_type = PT_NOTE, .p_offset = NOTES_AT, .p_filesz = 20 };
	static const uint8_t note[] = { 4, 0, 0, 0, 4, 0, 0, 0, 18, 0, 0, 0, 'X', 'e', 'n', 0, 1 };

	put(0, &header, sizeof(header));
	put(64, &segment, sizeof(segment));
	put(NOTES_AT, note, sizeof(note));
	expect(IMAGE_ELF, ARCH_X86, NULL);
	assert_true(has_pvh_note());
}

static void test_elf_that_is_no_kernel(void **state)
{
	make_vmlinux(EM_X86_64);
	put_number(sizeof(Elf64_Ehdr), PT_INTERP, 4);
	expect(IMAGE_NOT_A_KERNEL, ARCH_X86, NULL);
	make_vmlinux(EM_X86_64);
	put_number(offsetof(Elf64_Ehdr, e_type), ET_REL, 2);
	expect(IMAGE_NOT_A_KERNEL, ARCH_X86, NULL);
}

static void test_architectures(void **state)
{
	make_vmlinux(EM_AARCH64);
	expect(IMAGE_ELF, ARCH_ARM64, VERSION);
	make_vmlinux(EM_RISCV);
	expect(IMAGE_ELF, ARCH_RISCV64, VERSION);
	make_vmlinux(EM_PPC64);
	expect(IMAGE_ELF, ARCH_OTHER, VERSION);
	file.bytes[EI_DATA] = ELFDATA2MSB;
	expect(IMAGE_ELF, ARCH_OTHER, VERSION);
}

static void test_flat_image(void **state)
{
	put(0, "MZ", 2);
	put(56, "ARM\x64", 4);
	put_text(0x80123, "Linux version " BANNER "\n");
	expect(IMAGE_FLAT, ARCH_ARM64, VERSION);
	put(56, "RSC\x05", 4);
	expect(IMAGE_FLAT, ARCH_RISCV64, VERSION);
	expect_no_more_when_cut(VERSION, 100);
}

static void test_multiboot(void **state)
{
	put_number(4096, 0x1badb002, 4);
	put_number(4100, 3, 4);
	put_number(4104, (uint32_t) - (0x1badb002 + 3), 4);
	expect(IMAGE_MULTIBOOT, ARCH_X86, NULL);
	put_number(4100, 4, 4); /* the sum is wrong */
	expect(IMAGE_NOT_A_KERNEL, ARCH_UNKNOWN, NULL);
}

static void expect_looks(const char *bytes, size_t n, ImageKind kind, const char *looks_like)
{
	ImageFact image = { 0 };

	file = (File){ .size = n };
	put(0, bytes, n);
	assert_int_equal(read_image(&image), 0);
	assert_int_equal(image.kind, kind);
	assert_string_equal(image.looks_like, looks_like);
	image_done(&image);
}

#define EXPECT_LOOKS(bytes, kind, words) expect_looks(bytes, sizeof(bytes) - 1, kind, words)

static void test_what_is_no_kernel(void **state)
{
	EXPECT_LOOKS("", IMAGE_NOT_A_KERNEL, "an empty file");
	EXPECT_LOOKS("\0\0\0", IMAGE_NOT_A_KERNEL, "zeros");
	EXPECT_LOOKS("root=/dev/vda\n", IMAGE_NOT_A_KERNEL, "text");
	EXPECT_LOOKS("#!/bin/sh\n", IMAGE_NOT_A_KERNEL, "a script");
	EXPECT_LOOKS("\x01\x02zz\xff", IMAGE_NOT_A_KERNEL, "data of no known kind");
	EXPECT_LOOKS("QFI\xfb\0\0\0\3", IMAGE_NOT_A_KERNEL, "a qcow2 disk image");
	EXPECT_LOOKS("\x1f\x8b\x08", IMAGE_COMPRESSED, "a gzip file");
	EXPECT_LOOKS("\xfd\x37zXZ\0\0", IMAGE_COMPRESSED, "an xz file");
	EXPECT_LOOKS("\x28\xb5\x2f\xfd\4", IMAGE_COMPRESSED, "a zstd file");
	EXPECT_LOOKS("MZ\0\0zimg", IMAGE_COMPRESSED, "a compressed EFI image");
}

/* What only looks like a banner costs a bounded number of looks. */
static void test_many_false_banners(void **state)
{
	make_vmlinux(EM_X86_64);
	for (size_t at = 0x2000; at + 15 <= FILE_BYTES; at += 15)
		put(at, "Linux version 1", 15);
	expect(IMAGE_ELF, ARCH_X86, NULL);
	assert_true(file.bytes_read < 300 * KIB);
}

static void test_a_reader_that_fails(void **state)
{
	ImageFact image = { .looks_like = "untouched" };

	make_vmlinux(EM_X86_64);
	file.error = -EIO;
	assert_int_equal(read_image(&image), -EIO);
	assert_string_equal(image.looks_like, "untouched");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_bzimage),
		TEST(test_bzimage_that_lies),
		TEST(test_vmlinux),
		TEST(test_vmlinux_is_read_once),
		TEST(test_vmlinux_without_sections),
		TEST(test_pvh_note),
		TEST(test_elf_of_32_bits),
		TEST(test_elf_that_is_no_kernel),
		TEST(test_architectures),
		TEST(test_flat_image),
		TEST(test_multiboot),
		TEST(test_what_is_no_kernel),
		TEST(test_many_false_banners),
		TEST(test_a_reader_that_fails),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
