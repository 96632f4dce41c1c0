/* SPDX-License-Identifier: Apache-2.0 */
/* Every step of a VM with disks, shares and two bridges fails in turn. */
#include "net/fault-sweep.h"

static void test_qemu(void **state)
{
	skip_without("qemu-system-x86_64");
	skip_without("qemu-storage-daemon");
	skip_without("virtiofsd");
	sweep_spec("qemu");
}

static void test_cloud_hypervisor(void **state)
{
	skip_without_kvm();
	skip_without("qemu-storage-daemon");
	skip_without("virtiofsd");
	sweep_spec("ch");
}

static void write_spec(const char *name, const char *vmm, const char *accel, const char *ready)
{
	char path[64];
	FILE *file;

	(void) snprintf(path, sizeof(path), "%s/%s.json", folder, name);
	file = fopen(path, "we");
	assert_non_null(file);
	(void) fprintf(file,
		       "{ \"vmm\": \"%s\", \"accel\": \"%s\", \"memory\": \"64MiB\",\n"
		       "  \"boot\": { \"kernel\": \"%s/kernel\","
		       " \"cmdline\": \"poweroff\" },\n"
		       "  \"disks\": [ { \"id\": \"own\", \"path\": \"%s/own.raw\" },\n"
		       "    { \"id\": \"far\", \"path\": \"%s/far.raw\","
		       " \"backend\": \"storage-daemon\" } ],\n"
		       "  \"interfaces\": [ { \"id\": \"net0\", \"bridge\": \"br0\" },\n"
		       "    { \"id\": \"net1\", \"bridge\": \"br1\" } ],\n"
		       "  \"shares\": [ { \"tag\": \"data\", \"source\": \"%s\" } ],\n"
		       "  \"ready\": \"%s\",\n"
		       "  \"credentials\": { \"a\": { \"file\": \"%s/secret\" } } }\n",
		       vmm, accel, folder, folder, folder, folder, ready, folder);
	assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
	make_folder();
	make_file("own.raw", (off_t) MIB, 0666);
	make_file("far.raw", (off_t) MIB, 0666);
	make_file("secret", 16, 0600);
	write_spec("qemu", "qemu", "tcg", "vmm"); /* else it takes the host's vsock */
	write_spec("ch", "cloud-hypervisor", "kvm", "guest");
	make_bridge("br0", 1);
	make_bridge("br1", 2);
	return 0;
}

static int sweep_all(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_qemu),
		cmocka_unit_test(test_cloud_hypervisor),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

int main(void)
{
	return sweep_main();
}
