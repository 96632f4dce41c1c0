/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel-version make-bzimage|make-vmlinux|make-stripped FILE
 *
 * Makes a file of the size of a distribution's kernel; but for what tells its version it is noise. A stripped
 * vmlinux has no sections that would name the place, and its version stands at the very end.
 *
 * kernel-version version|read FILE
 *
 * Prints how many nanoseconds it takes to read the kernel's version, as a start does, or to read(2) all of the
 * file in one go, into memory that is already there.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "host/image.h"
#include "model/image.h"
#include "stamp.h"

#define BZIMAGE_BYTES (12 * MIB)
#define VMLINUX_BYTES (60 * MIB)
#define VERSION	      "6.12.48-bench"
#define VERSION_LINE  VERSION " (somebody@somewhere) #1 SMP"
#define BANNER	      "Linux version " VERSION_LINE "\n"

/* Linux, Documentation/arch/x86/boot.rst; the pointer counts from 0x200. */
#define SETUP_SECTORS_AT   0x1f1
#define SETUP_SECTORS	   39
#define BOOT_FLAG_AT	   0x1fe
#define HEADER_AT	   0x202
#define PROTOCOL_AT	   0x206
#define PROTOCOL	   0x020f
#define VERSION_POINTER_AT 0x20e
#define VERSION_AT	   0x3000
#define LOAD_FLAGS_AT	   0x211
#define LOADED_HIGH	   1

/* Where an x86-64 kernel has its .rodata, behind the code, and in there the banner of its first object file. */
#define RODATA_AT	 (20 * MIB)
#define BANNER_IN_RODATA 4096
#define SECTIONS	 3
#define SECTIONS_BYTES	 512

/* Any noise will do that looks the same in each run. */
static char *make_noise(size_t n)
{
	uint64_t *words = malloc(n), state = 1;

	if (!words)
		exit(EXIT_FAILURE);
	for (size_t i = 0; i < n / sizeof(*words); i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		words[i] = state;
	}
	return (char *) words;
}

static void put_16(char *image, size_t at, uint16_t value)
{
	memcpy(image + at, &value, sizeof(value));
}

static char *make_bzimage(void)
{
	char *image = make_noise(BZIMAGE_BYTES);

	image[SETUP_SECTORS_AT] = SETUP_SECTORS;
	image[LOAD_FLAGS_AT] = LOADED_HIGH;
	put_16(image, BOOT_FLAG_AT, 0xaa55);
	memcpy(image + HEADER_AT, "HdrS", 4);
	put_16(image, PROTOCOL_AT, PROTOCOL);
	put_16(image, VERSION_POINTER_AT, VERSION_AT - 0x200);
	memcpy(image + VERSION_AT, VERSION_LINE, sizeof(VERSION_LINE));
	return image;
}

/* The names of two sections, one of which is these names; the first section is none (elf(5)). */
static void put_sections(char *image, size_t at)
{
	static const char names[] = "\0.rodata\0.shstrtab";
	const Elf64_Shdr sections[SECTIONS] = {
		{ .sh_type = SHT_NULL },
		{ .sh_name = 1, .sh_type = SHT_PROGBITS, .sh_offset = RODATA_AT },
		{ .sh_name = 9,
		  .sh_type = SHT_STRTAB,
		  .sh_offset = at + sizeof(sections),
		  .sh_size = sizeof(names) },
	};

	memcpy(image + at, sections, sizeof(sections));
	memcpy(image + at + sizeof(sections), names, sizeof(names));
}

static char *make_vmlinux(bool stripped)
{
	char *image = make_noise(VMLINUX_BYTES);
	const Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shoff = stripped ? 0 : VMLINUX_BYTES - SECTIONS_BYTES,
		.e_shnum = stripped ? 0 : SECTIONS,
		.e_shstrndx = stripped ? 0 : 2,
	};
	size_t banner_at = stripped ? VMLINUX_BYTES - sizeof(BANNER) : RODATA_AT + BANNER_IN_RODATA;

	memcpy(image, &header, sizeof(header));
	memcpy(image + banner_at, BANNER, sizeof(BANNER));
	if (!stripped)
		put_sections(image, VMLINUX_BYTES - SECTIONS_BYTES);
	return image;
}

static int write_image(char *image, size_t n, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	size_t done = 0;
	ssize_t r = 0;

	while (fd >= 0 && done < n && (r = write(fd, image + done, n - done)) > 0)
		done += (size_t) r;
	free(image);
	return done == n && close(fd) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int time_version(const char *path)
{
	ImageFact image = { 0 };
	unsigned long long began = monotonic_nsec(), ended;
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = fd < 0 ? -1 : image_probe(fd, &image);

	ended = monotonic_nsec();
	if (r < 0 || !image.version || strcmp(image.version, VERSION) != 0) {
		(void) fprintf(stderr, "%s: the version is not found\n", path);
		return EXIT_FAILURE;
	}
	image_done(&image);
	(void) close(fd);
	(void) printf("%llu\n", ended - began);
	return EXIT_SUCCESS;
}

static int time_read(const char *path)
{
	unsigned long long began, ended;
	struct stat st;
	ssize_t n = -1;
	char *buffer;
	int fd;

	if (stat(path, &st) < 0 || !(buffer = malloc((size_t) st.st_size)))
		return EXIT_FAILURE;
	memset(buffer, 1, (size_t) st.st_size);
	began = monotonic_nsec();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, buffer, (size_t) st.st_size);
	ended = monotonic_nsec();
	(void) close(fd);
	free(buffer);
	(void) printf("%llu\n", ended - began);
	return n == st.st_size ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const char *what = argc == 3 ? argv[1] : "";

	if (strcmp(what, "make-bzimage") == 0)
		return write_image(make_bzimage(), BZIMAGE_BYTES, argv[2]);
	if (strcmp(what, "make-vmlinux") == 0)
		return write_image(make_vmlinux(false), VMLINUX_BYTES, argv[2]);
	if (strcmp(what, "make-stripped") == 0)
		return write_image(make_vmlinux(true), VMLINUX_BYTES, argv[2]);
	if (strcmp(what, "version") == 0)
		return time_version(argv[2]);
	if (strcmp(what, "read") == 0)
		return time_read(argv[2]);
	(void) fprintf(stderr,
		       "usage: kernel-version make-bzimage|make-vmlinux|make-stripped|version|read "
		       "FILE\n");
	return EXIT_FAILURE;
}
