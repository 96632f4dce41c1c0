/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a kernel under a VMM, and what the plan says of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "model/kernel.h"
#include "model/plan.h"
#include "mvmd/exit-codes.h"

/* A string that may be written to, as the structs have them. */
#define TEXT(text) ((char[]){ text })

static const Spec sound_spec = { .name = TEXT("web1"),
				 .file = TEXT("/etc/mvmd/web1.json"),
				 .boot = { .kernel = TEXT("/srv/vmlinuz") },
				 .cpus = 1,
				 .memory = { .size_bytes = GIB } };
static const PathFact sound_path = { .role = PATH_KERNEL,
				     .path = "/srv/vmlinuz",
				     .mode = S_IFREG | 0644 };
static PathFact paths[1];
static const Facts sound_facts = { .arch = ARCH_X86,
				   .setuid = true,
				   .kvm = KVM_USABLE,
				   .cloud_hypervisor = { .path = TEXT("/ch"), .major = 53 },
				   .qemu = { .path = TEXT("/qemu"), .major = 7 },
				   .paths = paths,
				   .n_paths = ELEMENTSOF(paths) };
static Spec spec;
static Facts facts;

static int setup(void **state)
{
	spec = sound_spec;
	facts = sound_facts;
	paths[0] = sound_path;
	return 0;
}

static void set_kernel(ImageFact image)
{
	facts.guest_kernel = image;
}

/* What plan_problems() says under each VMM; NULL: nothing. */
static void expect_problem(VmmKind vmm, const char *id, const char *what)
{
	FaultList faults = { 0 };

	spec.vmm = vmm;
	assert_int_equal(plan_problems(&spec, &facts, &faults), 0);
	assert_int_equal(faults.n, id ? 1 : 0);
	if (id) {
		assert_string_equal(faults.items[0].id, id);
		assert_int_equal(faults.items[0].exit_code, MVMD_EXIT_UNAVAILABLE);
		assert_non_null(strstr(faults.items[0].what, what));
		assert_non_null(faults.items[0].remedy);
	}
	fault_list_done(&faults);
}

static void expect_for_both(const char *id, const char *what)
{
	expect_problem(VMM_CLOUD_HYPERVISOR, id, what);
	expect_problem(VMM_QEMU, id, what);
}

static void expect_protocol(VmmKind vmm, BootProtocol protocol)
{
	assert_int_equal(kernel_boot_protocol(&spec, &facts, vmm), protocol);
}

static void test_kernels_that_boot(void **state)
{
	set_kernel((ImageFact){ .kind = IMAGE_BZIMAGE, .arch = ARCH_X86 });
	expect_for_both(NULL, NULL);
	expect_protocol(VMM_CLOUD_HYPERVISOR, BOOT_LINUX);
	expect_protocol(VMM_QEMU, BOOT_LINUX);

	set_kernel((ImageFact){ .kind = IMAGE_ELF, .arch = ARCH_X86, .has_pvh_note = true });
	expect_for_both(NULL, NULL);
	expect_protocol(VMM_CLOUD_HYPERVISOR, BOOT_PVH);
	expect_protocol(VMM_QEMU, BOOT_PVH);

	facts.arch = ARCH_ARM64;
	set_kernel((ImageFact){ .kind = IMAGE_FLAT, .arch = ARCH_ARM64 });
	expect_for_both(NULL, NULL);
	expect_protocol(VMM_QEMU, BOOT_LINUX);
}

static void test_not_a_kernel(void **state)
{
	set_kernel((ImageFact){ .kind = IMAGE_NOT_A_KERNEL, .looks_like = "text" });
	expect_for_both("not-a-kernel", "/srv/vmlinuz is no kernel: it looks like text");
	expect_protocol(VMM_QEMU, BOOT_UNKNOWN);
	facts.arch = ARCH_OTHER; /* whose kernels we do not know */
	expect_for_both(NULL, NULL);
}

static void test_wrong_architecture(void **state)
{
	set_kernel((ImageFact){ .kind = IMAGE_FLAT, .arch = ARCH_ARM64 });
	expect_for_both("kernel-wrong-arch", "is for arm64, and this host is x86");
	set_kernel((ImageFact){ .kind = IMAGE_ELF, .arch = ARCH_OTHER });
	expect_for_both("kernel-wrong-arch", "is for another architecture");
	facts.arch = ARCH_ARM64;
	set_kernel((ImageFact){ .kind = IMAGE_BZIMAGE, .arch = ARCH_X86 });
	expect_for_both("kernel-wrong-arch", "is for x86, and this host is arm64");
}

static void test_elf_without_note(void **state)
{
	set_kernel((ImageFact){ .kind = IMAGE_ELF, .arch = ARCH_X86 });
	expect_for_both("kernel-without-pvh", "without a PVH note");
	expect_protocol(VMM_QEMU, BOOT_UNKNOWN);
}

static void test_compressed(void **state)
{
	set_kernel((ImageFact){ .kind = IMAGE_COMPRESSED, .looks_like = "a gzip file" });
	expect_for_both("kernel-compressed", "is a gzip file");
	facts.arch = ARCH_ARM64;
	expect_for_both(NULL, NULL);
}

/* QEMU boots it, with or without an ELF around it. */
static void test_multiboot(void **state)
{
	set_kernel((ImageFact){
		.kind = IMAGE_MULTIBOOT, .arch = ARCH_X86, .has_multiboot_header = true });
	expect_problem(VMM_QEMU, NULL, NULL);
	expect_problem(VMM_CLOUD_HYPERVISOR, "kernel-multiboot", "only QEMU");
	expect_protocol(VMM_QEMU, BOOT_MULTIBOOT);
	facts.guest_kernel.kind = IMAGE_ELF;
	expect_problem(VMM_QEMU, NULL, NULL);
	expect_problem(VMM_CLOUD_HYPERVISOR, "kernel-multiboot", "only QEMU");
}

/* What is wrong with the path is said once. */
static void test_no_word_where_nobody_could_look(void **state)
{
	expect_for_both(NULL, NULL);
	expect_protocol(VMM_QEMU, BOOT_UNKNOWN);
	set_kernel((ImageFact){ .kind = IMAGE_NOT_A_KERNEL, .looks_like = "a directory" });
	paths[0].mode = S_IFDIR | 0755;
	expect_for_both("path-wrong-type", "is a directory");
	paths[0].error = -ENOENT;
	paths[0].mode = 0;
	expect_for_both("path-unusable", "cannot open kernel");
}

/* The plan in words, and its "kernel" as JSON; both are the caller's. */
static void build(char **ret_text, json_t **ret_kernel)
{
	_cleanup_free_ char *json_text = NULL;
	Fault fault = { 0 };
	Plan *plan = NULL;
	json_t *json;

	assert_int_equal(plan_build(&spec, &facts, "/run/mvmd", &plan, &fault), 0);
	assert_int_equal(plan_to_text(plan, ret_text), 0);
	assert_int_equal(plan_to_json(plan, &json_text), 0);
	json = json_loads(json_text, 0, NULL);
	*ret_kernel = json_incref(json_object_get(json, "kernel"));
	assert_non_null(*ret_kernel);
	json_decref(json);
	(void) plan_free(plan);
}

static void expect_plan(const char *words, const char *kind, const char *version,
			const char *protocol)
{
	_cleanup_free_ char *text = NULL;
	json_t *kernel, *wanted;

	build(&text, &kernel);
	assert_non_null(strstr(text, words));
	wanted = json_pack("{s:s?, s:s?, s:s?}", "kind", kind, "version", version, "boot_protocol",
			   protocol);
	assert_true(json_equal(kernel, wanted));
	json_decref(wanted);
	json_decref(kernel);
}

static void test_the_plan_says_it(void **state)
{
	set_kernel((ImageFact){
		.kind = IMAGE_BZIMAGE, .arch = ARCH_X86, .version = TEXT("6.12.0-1-cloud-amd64") });
	expect_plan("kernel /srv/vmlinuz: Linux 6.12.0-1-cloud-amd64 (bzImage), uid 0", "bzimage",
		    "6.12.0-1-cloud-amd64", "linux");
	set_kernel((ImageFact){ .kind = IMAGE_ELF, .arch = ARCH_X86, .has_pvh_note = true });
	expect_plan("kernel /srv/vmlinuz: version unknown (ELF), uid 0", "elf", NULL, "pvh");
	set_kernel((ImageFact){ 0 });
	expect_plan("kernel /srv/vmlinuz, uid 0", NULL, NULL, NULL);
	spec.boot = (SpecBoot){ .firmware = TEXT("/srv/fw.fd") };
	expect_plan("firmware /srv/fw.fd, uid 0", NULL, NULL, "firmware");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_kernels_that_boot),  TEST(test_not_a_kernel),
		TEST(test_wrong_architecture), TEST(test_elf_without_note),
		TEST(test_compressed),	       TEST(test_multiboot),
		TEST(test_the_plan_says_it),   TEST(test_no_word_where_nobody_could_look),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
