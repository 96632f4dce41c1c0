/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON that cloud-hypervisor gets, read back as it reads it: value by value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "model/ch-config.h"

static char kernel[] = "/srv/vmlinuz", initramfs[] = "/srv/initrd", cmdline[] = "console=ttyS0";
static char firmware[] = "/srv/CLOUDHV.fd", vsock_socket[] = "/run/mvmd/v/vmm/vsock.sock";
static char disk_id[] = "root", disk_path[] = "/srv/a \"quoted\".raw", disk_serial[] = "S1";
static char data_id[] = "data", data_socket[] = "/run/mvmd/v/data.sock";
static char share_id[] = "home", share_tag[] = "homes", share_socket[] = "/run/mvmd/v/home.sock";
static char nic_id[] = "net0";

static Spec small_spec(void)
{
	return (Spec){ .boot = { .kernel = kernel, .initramfs = initramfs, .cmdline = cmdline },
		       .cpus = 2,
		       .memory = { .size_bytes = 512 * MIB } };
}

static json_t *config_of(const Plan *plan, const StrList *readable)
{
	_cleanup_free_ char *text = NULL;
	json_t *config;

	assert_int_equal(ch_config_vm(plan, readable, NULL, &text), 0);
	config = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(config);
	return config;
}

/* The value at a path of keys and indices, "disks/0/path". */
static const json_t *at(const json_t *config, const char *path)
{
	char *copy = strdup(path), *rest = copy, *part;

	while (config && (part = strsep(&rest, "/")))
		config = json_is_array(config) ? json_array_get(config, strtoul(part, NULL, 10)) :
						 json_object_get(config, part);
	free(copy);
	return config;
}

static void is_text(const json_t *config, const char *path, const char *expected)
{
	const char *text = json_string_value(at(config, path));

	if (!streq_null(text, expected))
		fail_msg("%s is \"%s\", not \"%s\"", path, text ?: "(none)", expected);
}

static void is_number(const json_t *config, const char *path, json_int_t expected)
{
	assert_true(json_is_integer(at(config, path)));
	assert_int_equal(json_integer_value(at(config, path)), expected);
}

static void test_small_vm(void **state)
{
	Spec spec = small_spec();
	Plan plan = { .spec = &spec };
	json_t *config = config_of(&plan, NULL);

	is_text(config, "payload/kernel", "/srv/vmlinuz");
	is_text(config, "payload/initramfs", "/srv/initrd");
	is_text(config, "payload/cmdline", "console=ttyS0");
	assert_null(at(config, "payload/firmware"));
	is_number(config, "cpus/boot_vcpus", 2);
	is_number(config, "cpus/max_vcpus", 2);
	is_number(config, "memory/size", 536870912);
	assert_true(json_is_false(at(config, "memory/shared")));
	assert_null(at(config, "memory/hugepages"));
	is_text(config, "serial/mode", "Tty");
	is_text(config, "console/mode", "Off");
	assert_true(json_is_true(at(config, "pvpanic")));
	for (size_t i = 0; i < 6; i++) {
		static const char *const absent[] = {
			"disks", "net", "fs", "vsock", "landlock_enable", "landlock_rules"
		};

		assert_null(at(config, absent[i]));
	}
	json_decref(config);
}

static void test_firmware(void **state)
{
	Spec spec = { .boot = { .firmware = firmware }, .cpus = 1 };
	Plan plan = { .spec = &spec };
	json_t *config = config_of(&plan, NULL);

	is_text(config, "payload/firmware", "/srv/CLOUDHV.fd");
	assert_null(at(config, "payload/kernel"));
	json_decref(config);
}

static void test_kernel_alone(void **state)
{
	Spec spec = { .boot = { .kernel = kernel }, .cpus = 1 };
	Plan plan = { .spec = &spec };
	json_t *config = config_of(&plan, NULL);

	assert_int_equal(json_object_size(at(config, "payload")), 1);
	json_decref(config);
}

static void test_huge_pages(void **state)
{
	Spec spec = small_spec();
	Plan plan = { .spec = &spec };
	json_t *config;

	spec.memory.hugepages = HUGE_PAGES_2MIB;
	config = config_of(&plan, NULL);
	assert_true(json_is_true(at(config, "memory/hugepages")));
	is_number(config, "memory/hugepage_size", 2097152);
	json_decref(config);

	spec.memory.hugepages = HUGE_PAGES_1GIB;
	config = config_of(&plan, NULL);
	is_number(config, "memory/hugepage_size", 1073741824);
	json_decref(config);
}

static void test_disks(void **state)
{
	SpecDisk disks[] = {
		{ .id = disk_id, .path = disk_path, .serial = disk_serial, .readonly = true },
		{ .id = data_id, .path = disk_path, .format = DISK_QCOW2 },
	};
	Spec spec = small_spec();
	Plan plan = { .spec = &spec };
	json_t *config;

	spec.disks = disks;
	spec.n_disks = 2;
	config = config_of(&plan, NULL);
	is_text(config, "disks/0/id", "disk-root");
	is_text(config, "disks/0/path", "/srv/a \"quoted\".raw");
	is_text(config, "disks/0/image_type", "Raw");
	is_text(config, "disks/0/serial", "S1");
	is_number(config, "disks/0/num_queues", 2);
	assert_true(json_is_true(at(config, "disks/0/readonly")));
	is_text(config, "disks/1/image_type", "Qcow2");
	assert_true(json_is_false(at(config, "disks/1/readonly")));
	assert_null(at(config, "disks/1/serial"));
	json_decref(config);
}

/* Its queues are at most its vCPUs, else vm.boot fails; and there are not dozens. */
static void test_disk_queues(void **state)
{
	static const uint64_t cpus[] = { 1, 4, 64 };
	static const json_int_t queues[] = { 1, 4, 4 };
	SpecDisk disk = { .id = disk_id, .path = disk_path };

	for (size_t i = 0; i < ELEMENTSOF(cpus); i++) {
		Spec spec = small_spec();
		Plan plan = { .spec = &spec };
		json_t *config;

		spec.cpus = cpus[i];
		spec.disks = &disk;
		spec.n_disks = 1;
		config = config_of(&plan, NULL);
		is_number(config, "disks/0/num_queues", queues[i]);
		json_decref(config);
	}
}

/* Served by others: a socket, no path; and what such a device may not have is not there. */
static void test_vhost_user(void **state)
{
	SpecDisk disk = { .id = data_id, .path = disk_path, .backend = DISK_BY_STORAGE_DAEMON };
	SpecShare share = { .id = share_id, .tag = share_tag };
	PlanBackend backends[] = {
		{ .kind = BACKEND_VIRTIOFSD, .share = &share, .socket = share_socket },
		{ .kind = BACKEND_STORAGE_DAEMON, .disk = &disk, .socket = data_socket },
	};
	Spec spec = small_spec();
	Plan plan = { .spec = &spec, .shared_memory = true, .backends = backends, .n_backends = 2 };
	json_t *config;

	spec.disks = &disk;
	spec.n_disks = 1;
	spec.shares = &share;
	spec.n_shares = 1;
	config = config_of(&plan, NULL);
	assert_true(json_is_true(at(config, "memory/shared")));
	is_text(config, "disks/0/id", "disk-data");
	is_text(config, "disks/0/vhost_socket", "/run/mvmd/v/data.sock");
	assert_true(json_is_true(at(config, "disks/0/vhost_user")));
	is_number(config, "disks/0/num_queues", 1);
	assert_null(at(config, "disks/0/path"));
	assert_null(at(config, "disks/0/serial"));
	is_text(config, "fs/0/id", "share-home");
	is_text(config, "fs/0/tag", "homes");
	is_text(config, "fs/0/socket", "/run/mvmd/v/home.sock");
	is_number(config, "fs/0/num_queues", 1);
	is_number(config, "fs/0/queue_size", 1024);
	json_decref(config);
}

static void test_vsock(void **state)
{
	Spec spec = small_spec();
	Plan plan = { .spec = &spec, .cid = 4294967294, .vsock_socket = vsock_socket };
	json_t *config = config_of(&plan, NULL);

	is_number(config, "vsock/cid", 4294967294);
	is_text(config, "vsock/socket", "/run/mvmd/v/vmm/vsock.sock");
	json_decref(config);
}

static void test_landlock(void **state)
{
	Spec spec = small_spec();
	Plan plan = { .spec = &spec };
	StrList readable = { 0 };
	json_t *config;

	config = config_of(&plan, &readable);
	assert_true(json_is_true(at(config, "landlock_enable")));
	assert_null(at(config, "landlock_rules"));
	json_decref(config);

	str_list_add(&readable, "/srv");
	config = config_of(&plan, &readable);
	is_text(config, "landlock_rules/0/path", "/srv");
	is_text(config, "landlock_rules/0/access", "r");
	json_decref(config);
	str_list_done(&readable);
}

/* Its server takes 51200 bytes: more is said here, before it is sent. */
static void test_too_long(void **state)
{
	char untouched[] = "untouched", *text = untouched, *line = malloc(60000);
	Spec spec = small_spec();
	Plan plan = { .spec = &spec };

	assert_non_null(line);
	memset(line, 'x', 59999);
	line[59999] = '\0';
	spec.boot.cmdline = line;
	assert_int_equal(ch_config_vm(&plan, NULL, NULL, &text), -E2BIG);
	assert_string_equal(text, "untouched");
	free(line);
}

/* As the guest is to get them, whatever JSON makes of quotes on the way; and the length is known before. */
static void test_strings(void **state)
{
	static const char *const values[] = { "io.systemd.credential:a=b",
					      "io.systemd.credential:quotes=\"\\\"" };
	Spec spec = small_spec();
	Plan plan = { .spec = &spec };
	SmbiosStrings strings = { 0 };
	size_t json_bytes = 0, length;
	char *text = NULL;
	json_t *config;

	for (size_t i = 0; i < ELEMENTSOF(values); i++) {
		assert_int_equal(smbios_strings_take(&strings, strdup(values[i])), 0);
		json_bytes += smbios_string_json_bytes(values[i]);
	}
	assert_int_equal(ch_config_vm(&plan, NULL, &strings, &text), 0);
	assert_int_equal(ch_config_length(&plan, NULL, json_bytes, &length), 0);
	/* The comma of the last one is not there. */
	assert_int_equal(strlen(text) + 1, length);
	config = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(config);
	is_text(config, "platform/oem_strings/0", values[0]);
	is_text(config, "platform/oem_strings/1", values[1]);
	assert_null(at(config, "platform/oem_strings/2"));
	json_decref(config);
	secret_free(text);
	smbios_strings_done(&strings);
}

/* Nothing that cloud-hypervisor would have to set on the tap: it has no right to. */
static void test_nic(void **state)
{
	SpecInterface interface = { .id = nic_id };
	PlanNic nic = {
		.spec = &interface, .mac = { { 2, 0, 0, 0xab, 0, 1 } }, .mtu = 1400, .queues = 3
	};
	const Plan plan = { .nics = &nic, .n_nics = 1 };
	_cleanup_free_ char *text = NULL;
	json_t *config;

	assert_int_equal(ch_config_nic(&plan, &nic, &text), 0);
	config = json_loads(text, 0, NULL);
	is_text(config, "id", "net-net0");
	is_text(config, "mac", "02:00:00:ab:00:01");
	is_number(config, "num_queues", 6);
	assert_int_equal(json_object_size(config), 3);
	json_decref(config);
}

/* 100 Mbit are 12500000 bytes a second; a bucket of 1 MiB of them is full after 84 ms, and then holds a little more. */
static void test_limited_nic(void **state)
{
	SpecInterface interface = { .id = nic_id };
	PlanNic nic = { .spec = &interface,
			.queues = 1,
			.offloads = { .no_csum = true, .no_tso = true, .no_ufo = true },
			.rate = { .rx_bits = 100000000,
				  .tx_bits = 100000000,
				  .burst_bytes = MIB,
				  .by_vmm = true } };
	_cleanup_free_ char *text = NULL;
	json_t *config;

	assert_int_equal(ch_config_nic(&(const Plan){ .nics = &nic, .n_nics = 1 }, &nic, &text), 0);
	config = json_loads(text, 0, NULL);
	assert_true(json_is_false(at(config, "offload_csum")));
	assert_true(json_is_false(at(config, "offload_tso")));
	assert_true(json_is_false(at(config, "offload_ufo")));
	is_number(config, "rate_limiter_config/bandwidth/size", 1050000);
	is_number(config, "rate_limiter_config/bandwidth/refill_time", 84);
	json_decref(config);

	/* By tc is none of its business. */
	nic.rate.by_vmm = false;
	free(TAKE_PTR(text));
	assert_int_equal(ch_config_nic(&(const Plan){ .nics = &nic, .n_nics = 1 }, &nic, &text), 0);
	assert_null(strstr(text, "rate_limiter_config"));
}

/* A switch that listens, one that comes, and a passt, which tells the guest its MTU by itself. */
static void test_served_nics(void **state)
{
	static const struct {
		NetAttach attach;
		VhostUserMode mode;
		BackendKind kind;
		const char *word;
		bool tells_mtu;
	} cases[] = {
		{ ATTACH_VHOST_USER, VHOST_USER_CLIENT, BACKEND_EXTERNAL, "Client", true },
		{ ATTACH_VHOST_USER, VHOST_USER_SERVER, BACKEND_EXTERNAL, "Server", true },
		{ ATTACH_PASST, VHOST_USER_CLIENT, BACKEND_PASST, "Client", false },
	};
	char socket[] = "/run/vpp/web1.sock";

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		SpecInterface interface = { .id = nic_id, .vhost_user.mode = cases[i].mode };
		PlanNic nic = {
			.spec = &interface, .attach = cases[i].attach, .mtu = 1400, .queues = 1
		};
		PlanBackend backend = { .kind = cases[i].kind,
					.interface = &interface,
					.socket = socket };
		const Plan plan = {
			.nics = &nic, .n_nics = 1, .backends = &backend, .n_backends = 1
		};
		_cleanup_free_ char *text = NULL;
		json_t *config;

		assert_int_equal(ch_config_nic(&plan, &nic, &text), 0);
		config = json_loads(text, 0, NULL);
		assert_true(json_is_true(at(config, "vhost_user")));
		is_text(config, "vhost_socket", socket);
		is_text(config, "vhost_mode", cases[i].word);
		assert_int_equal(at(config, "mtu") != NULL, cases[i].tells_mtu);
		json_decref(config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_vm),     cmocka_unit_test(test_firmware),
		cmocka_unit_test(test_kernel_alone), cmocka_unit_test(test_huge_pages),
		cmocka_unit_test(test_disks),	     cmocka_unit_test(test_disk_queues),
		cmocka_unit_test(test_vhost_user),   cmocka_unit_test(test_vsock),
		cmocka_unit_test(test_landlock),     cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_strings),	     cmocka_unit_test(test_nic),
		cmocka_unit_test(test_limited_nic),  cmocka_unit_test(test_served_nics),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
