/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels' files as they lie on a disk: the tiny guest, a distribution's kernel, and what is none. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/util.h"
#include "host/image.h"
#include "model/image.h"

#define NOISE_BYTES 100000

/* Opens a file in the directory of the build, where this program lies, too. -1 where it is not there. */
static int open_built(const char *name)
{
	_cleanup_free_ char *self = realpath("/proc/self/exe", NULL), *path = NULL;
	const char *rest = self ? strstr(self, "/tests/parts/") : NULL;

	if (!rest)
		fail_msg("this program lies in no build directory");
	path = str_printf("%.*s/%s", (int) (rest - self), self, name);
	return path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
}

static ImageFact probe(int fd)
{
	ImageFact image = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(image_probe(fd, &image), 0);
	(void) close(fd);
	return image;
}

static ImageFact probe_path(const char *path)
{
	return probe(open(path, O_RDONLY | O_CLOEXEC));
}

static void test_tiny_guest(void **state)
{
	int fd = open_built("tests/guest/tiny.elf");
	ImageFact image;

	if (fd < 0) {
		print_message("# the tiny guest is made for x86-64 only\n");
		skip();
	}
	image = probe(fd);
	assert_int_equal(image.kind, IMAGE_ELF);
	assert_int_equal(image.arch, ARCH_X86);
	assert_true(image.has_pvh_note);
	assert_string_equal(image.version, "6.12.0-tiny");
	image_done(&image);
}

static void test_distribution_kernel(void **state)
{
	int fd = open_built("linux-guest/vmlinuz");
	ImageFact image;

	if (fd < 0) {
		print_message("# contrib/make-linux-guest has made none in this build\n");
		skip();
	}
	image = probe(fd);
	assert_true(image.kind == IMAGE_BZIMAGE || image.kind == IMAGE_FLAT);
	assert_non_null(strchr(image.version, '.'));
	assert_non_null(strstr(image.banner, " #"));
	image_done(&image);
}

static void test_noise(void **state)
{
	int fd = memfd_create("noise", MFD_CLOEXEC);
	uint32_t number = 1;
	ImageFact image;

	for (size_t i = 0; i < NOISE_BYTES / sizeof(number); i++) {
		number = number * 1664525 + 1013904223;
		assert_int_equal(write(fd, &number, sizeof(number)), sizeof(number));
	}
	image = probe(fd);
	assert_int_equal(image.kind, IMAGE_NOT_A_KERNEL);
	assert_string_equal(image.looks_like, "data of no known kind");
	image_done(&image);
}

static void test_a_program(void **state)
{
	ImageFact image = probe_path("/proc/self/exe");

	assert_int_equal(image.kind, IMAGE_NOT_A_KERNEL);
	assert_string_equal(image.looks_like, "a program of user space");
	image_done(&image);
}

static void test_no_file(void **state)
{
	ImageFact image = probe_path("/");

	assert_int_equal(image.kind, IMAGE_NOT_A_KERNEL);
	assert_string_equal(image.looks_like, "a directory");
	image = probe_path("/dev/null");
	assert_int_equal(image.kind, IMAGE_NOT_A_KERNEL);
	assert_string_equal(image.looks_like, "no regular file");
}

/* Terabytes of nothing are searched only as far as is worth it. */
static void test_huge_sparse_file(void **state)
{
	int fd = memfd_create("sparse", MFD_CLOEXEC);
	ImageFact image;

	assert_int_equal(pwrite(fd, "ARM\x64", 4, 56), 4);
	assert_int_equal(ftruncate(fd, (off_t) (4096 * GIB)), 0);
	image = probe(fd);
	assert_int_equal(image.kind, IMAGE_FLAT);
	assert_null(image.version);
	image_done(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tiny_guest), cmocka_unit_test(test_distribution_kernel),
		cmocka_unit_test(test_noise),	   cmocka_unit_test(test_a_program),
		cmocka_unit_test(test_no_file),	   cmocka_unit_test(test_huge_sparse_file),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
