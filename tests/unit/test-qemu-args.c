/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's command line, read as QEMU reads it: options, and keys within their values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/qemu-args.h"

static char name[] = "web1", program_path[] = "/usr/bin/qemu-system-x86_64";
static char kernel[] = "/srv/vm,linuz", initramfs[] = "/srv/initrd", cmdline[] = "a=b,c quiet";
static char firmware[] = "/srv/bios.bin";
static char disk_id[] = "root", disk_path[] = "/srv/a,b.qcow2", disk_serial[] = "S,1";
static char data_id[] = "data", data_socket[] = "/run/mvmd/w,1/data.sock";
static char share_id[] = "home", share_tag[] = "homes", share_socket[] = "/run/mvmd/v/home.sock";
static char second_id[] = "etc", second_tag[] = "e,tc", second_socket[] = "/run/mvmd/v/etc.sock";
static char nic_id[] = "net0", other_nic_id[] = "net1";

typedef struct Case {
	Program program;
	Spec spec;
	Plan plan;
	uint32_t mtus[4];
	StrList args;
} Case;

static void case_init(Case *c)
{
	*c = (Case){
		.program = { .path = program_path, .major = 7, .minor = 2 },
		.spec = { .name = name,
			  .boot = { .kernel = kernel },
			  .cpus = 3,
			  .memory = { .size_bytes = 512 * MIB } },
	};
	c->plan = (Plan){ .spec = &c->spec, .accel = ACCEL_TCG, .vmm_program = &c->program };
}

static void build(Case *c)
{
	str_list_done(&c->args);
	assert_int_equal(qemu_args(&c->plan, c->mtus, &c->args), 0);
	assert_null(c->args.items[c->args.n]);
}

static bool has(const Case *c, const char *option)
{
	return str_list_contains(&c->args, option);
}

/* The value of the n-th "-option" whose value begins with prefix; NULL: there is none. */
static const char *find(const Case *c, const char *option, const char *prefix, size_t n)
{
	for (size_t i = 0; i + 1 < c->args.n; i++)
		if (streq(c->args.items[i], option) &&
		    strncmp(c->args.items[i + 1], prefix, strlen(prefix)) == 0 && n-- == 0)
			return c->args.items[i + 1];
	return NULL;
}

static void is_value(const Case *c, const char *option, const char *expected)
{
	const char *value = find(c, option, "", 0);

	if (!streq_null(value, expected))
		fail_msg("%s is %s, not %s", option, value ?: "absent", expected);
}

/*
 * The value of key in QEMU's "a,key=value,b": parts end at single commas, a double one is a comma (util/
 * qemu-option.c:get_opt_value). "" for a part without '=', NULL where there is none.
 */
static const char *key_of(const char *options, const char *key)
{
	static char part[512];
	size_t length = 0;

	for (const char *p = options;; p++) {
		if (*p == ',' && p[1] == ',') {
			part[length++] = *p++;
		} else if (*p == ',' || *p == '\0') {
			part[length] = '\0';
			if (strncmp(part, key, strlen(key)) == 0 && part[strlen(key)] == '=')
				return part + strlen(key) + 1;
			if (streq(part, key))
				return "";
			length = 0;
			if (*p == '\0')
				return NULL;
		} else {
			part[length++] = *p;
		}
	}
}

static void is_key(const char *options, const char *key, const char *expected)
{
	const char *value = options ? key_of(options, key) : NULL;

	if (!streq_null(value, expected))
		fail_msg("%s of %s is %s, not %s", key, options ?: "(none)", value ?: "(none)",
			 expected ?: "(none)");
}

static void test_small_vm(void **state)
{
	Case c;

	case_init(&c);
	build(&c);
	assert_string_equal(c.args.items[0], "/usr/bin/qemu-system-x86_64");
	assert_true(has(&c, "-nodefaults"));
	assert_true(has(&c, "-no-user-config"));
	assert_true(has(&c, "-S"));
	is_value(&c, "-display", "none");
	is_value(&c, "-smp", "3");
	is_value(&c, "-m", "size=536870912B");
	is_key(find(&c, "-name", "", 0), "guest", "web1");
	is_key(find(&c, "-machine", "", 0), "q35", "");
	is_key(find(&c, "-machine", "", 0), "memory-backend", NULL);
	is_key(find(&c, "-action", "", 0), "shutdown", "pause");
	is_key(find(&c, "-action", "", 0), "panic", "pause");
	is_key(find(&c, "-action", "", 0), "reboot", NULL);
	is_key(find(&c, "-sandbox", "", 0), "on", "");
	is_key(find(&c, "-sandbox", "", 0), "spawn", "deny");
	is_key(find(&c, "-sandbox", "", 0), "elevateprivileges", "deny");
	assert_non_null(find(&c, "-device", "pvpanic", 0));
	assert_null(find(&c, "-object", "", 0));
	assert_null(find(&c, "-netdev", "", 0));
	assert_null(find(&c, "-device", "vhost-", 0));
	assert_int_equal(qemu_n_fds(&c.plan), 2);
	str_list_done(&c.args);
}

/* Paths and the command line are whole arguments: no parser splits them at commas. */
static void test_boot(void **state)
{
	Case c;

	case_init(&c);
	c.spec.boot.initramfs = initramfs;
	c.spec.boot.cmdline = cmdline;
	build(&c);
	is_value(&c, "-kernel", "/srv/vm,linuz");
	is_value(&c, "-initrd", "/srv/initrd");
	is_value(&c, "-append", "a=b,c quiet");
	assert_false(has(&c, "-bios"));

	c.spec.boot = (SpecBoot){ .firmware = firmware };
	build(&c);
	is_value(&c, "-bios", "/srv/bios.bin");
	assert_false(has(&c, "-kernel"));
	str_list_done(&c.args);
}

static void test_accel(void **state)
{
	Case c;

	case_init(&c);
	build(&c);
	is_value(&c, "-accel", "tcg");
	is_value(&c, "-cpu", "max,-cx16");

	c.program.major = 10;
	c.program.minor = 0;
	build(&c);
	is_value(&c, "-cpu", "max");

	c.plan.accel = ACCEL_KVM;
	build(&c);
	is_value(&c, "-accel", "kvm");
	is_value(&c, "-cpu", "host");
	assert_null(find(&c, "-accel", "", 1));
	str_list_done(&c.args);
}

/* Shared memory is of exactly the machine's size, and the machine uses it. */
static void test_memory(void **state)
{
	const char *object;
	Case c;

	case_init(&c);
	c.plan.shared_memory = true;
	build(&c);
	object = find(&c, "-object", "memory-backend-memfd", 0);
	is_key(object, "size", "536870912");
	is_key(object, "share", "on");
	is_key(object, "hugetlb", NULL);
	is_key(object, "id", key_of(find(&c, "-machine", "", 0), "memory-backend") ? "mem" : NULL);

	c.plan.shared_memory = false;
	c.spec.memory.hugepages = HUGE_PAGES_1GIB;
	build(&c);
	object = find(&c, "-object", "memory-backend-memfd", 0);
	is_key(object, "share", "off");
	is_key(object, "hugetlb", "on");
	is_key(object, "hugetlbsize", "1073741824");
	is_key(find(&c, "-machine", "", 0), "memory-backend", "mem");
	str_list_done(&c.args);
}

static void test_sockets(void **state)
{
	const char *monitor, *console;
	Case c;

	case_init(&c);
	build(&c);
	monitor = find(&c, "-chardev", "socket,id=monitor", 0);
	is_key(monitor, "fd", "3");
	is_key(monitor, "server", "on");
	is_key(monitor, "wait", "off");
	is_key(find(&c, "-mon", "", 0), "chardev", "monitor");
	is_key(find(&c, "-mon", "", 0), "mode", "control");
	console = find(&c, "-chardev", "socket,id=console", 0);
	is_key(console, "fd", "4");
	is_key(console, "server", "on");
	is_key(console, "wait", "off");
	is_value(&c, "-serial", "chardev:console");
	str_list_done(&c.args);
}

static void test_disks(void **state)
{
	SpecDisk disks[] = {
		{ .id = disk_id, .path = disk_path, .serial = disk_serial, .format = DISK_QCOW2 },
		{ .id = data_id, .path = disk_path, .readonly = true },
	};
	const char *file, *format, *device;
	Case c;

	case_init(&c);
	c.spec.disks = disks;
	c.spec.n_disks = 2;
	build(&c);
	file = find(&c, "-blockdev", "driver=file", 0);
	is_key(file, "filename", "/srv/a,b.qcow2");
	is_key(file, "read-only", "off");
	is_key(file, "locking", NULL);
	is_key(file, "node-name", "file0");
	format = find(&c, "-blockdev", "driver=qcow2", 0);
	is_key(format, "file", "file0");
	is_key(format, "node-name", "disk0");
	device = find(&c, "-device", "virtio-blk-pci", 0);
	is_key(device, "drive", "disk0");
	is_key(device, "id", "disk-root");
	is_key(device, "serial", "S,1");
	is_key(device, "bootindex", NULL);

	is_key(find(&c, "-blockdev", "driver=file", 1), "read-only", "on");
	is_key(find(&c, "-blockdev", "driver=raw", 0), "read-only", "on");
	is_key(find(&c, "-device", "virtio-blk-pci", 1), "drive", "disk1");
	str_list_done(&c.args);
}

/* Firmware boots from the first disk that the spec names. */
static void test_boot_order(void **state)
{
	SpecDisk disks[] = { { .id = disk_id, .path = disk_path },
			     { .id = data_id, .path = disk_path } };
	Case c;

	case_init(&c);
	c.spec.boot = (SpecBoot){ .firmware = firmware };
	c.spec.disks = disks;
	c.spec.n_disks = 2;
	build(&c);
	is_key(find(&c, "-device", "virtio-blk-pci", 0), "bootindex", "1");
	is_key(find(&c, "-device", "virtio-blk-pci", 1), "bootindex", "2");
	str_list_done(&c.args);
}

/* A block backend that comes back is found again; the option's name depends on the version. */
static void test_vhost_user_disk(void **state)
{
	SpecDisk disk = { .id = data_id, .path = disk_path, .backend = DISK_BY_STORAGE_DAEMON };
	PlanBackend backend = { .kind = BACKEND_STORAGE_DAEMON,
				.disk = &disk,
				.socket = data_socket };
	const char *chardev;
	Case c;

	case_init(&c);
	c.spec.disks = &disk;
	c.spec.n_disks = 1;
	c.plan.backends = &backend;
	c.plan.n_backends = 1;
	build(&c);
	chardev = find(&c, "-chardev", "socket,id=blk0", 0);
	is_key(chardev, "path", "/run/mvmd/w,1/data.sock");
	is_key(chardev, "reconnect", "1");
	is_key(find(&c, "-device", "vhost-user-blk-pci", 0), "num-queues", "1");
	is_key(find(&c, "-device", "vhost-user-blk-pci", 0), "chardev", "blk0");
	is_key(find(&c, "-device", "vhost-user-blk-pci", 0), "id", "disk-data");
	assert_null(find(&c, "-blockdev", "", 0));

	c.program.major = 9;
	build(&c);
	chardev = find(&c, "-chardev", "socket,id=blk0", 0);
	is_key(chardev, "reconnect-ms", "1000");
	is_key(chardev, "reconnect", NULL);
	str_list_done(&c.args);
}

/* Taps by descriptor, one a queue pair; every descriptor is used once. */
static void test_nics(void **state)
{
	SpecInterface interfaces[] = { { .id = nic_id }, { .id = other_nic_id } };
	PlanNic nics[] = {
		{ .spec = &interfaces[0], .mac = { { 2, 0, 0, 0, 0, 1 } }, .queues = 1 },
		{ .spec = &interfaces[1], .mac = { { 2, 0, 0, 0, 0, 2 } }, .queues = 2 },
	};
	const char *device;
	Case c;

	case_init(&c);
	c.plan.nics = nics;
	c.plan.n_nics = 2;
	c.mtus[1] = 1400;
	build(&c);
	assert_int_equal(qemu_n_fds(&c.plan), 5);
	is_key(find(&c, "-netdev", "tap", 0), "fd", "5");
	is_key(find(&c, "-netdev", "tap", 0), "fds", NULL);
	is_key(find(&c, "-netdev", "tap", 0), "vhost", "off");
	is_key(find(&c, "-netdev", "tap", 0), "vhostfd", NULL);
	device = find(&c, "-device", "virtio-net-pci", 0);
	is_key(device, "netdev", "net0");
	is_key(device, "id", "net-net0");
	is_key(device, "mac", "02:00:00:00:00:01");
	is_key(device, "romfile", "");
	is_key(device, "mq", NULL);
	is_key(device, "host_mtu", NULL);

	is_key(find(&c, "-netdev", "tap", 1), "fds", "6:7");
	device = find(&c, "-device", "virtio-net-pci", 1);
	is_key(device, "mq", "on");
	is_key(device, "vectors", "6");
	is_key(device, "host_mtu", "1400");
	str_list_done(&c.args);
}

static void test_offloads(void **state)
{
	SpecInterface interface = { .id = nic_id };
	PlanNic nic = { .spec = &interface, .queues = 1, .offloads = { .no_tso = true } };
	Case c;

	case_init(&c);
	c.plan.nics = &nic;
	c.plan.n_nics = 1;
	build(&c);
	is_key(find(&c, "-device", "virtio-net-pci", 0), "csum", NULL);
	is_key(find(&c, "-device", "virtio-net-pci", 0), "host_tso4", "off");
	is_key(find(&c, "-device", "virtio-net-pci", 0), "guest_tso6", "off");
	is_key(find(&c, "-device", "virtio-net-pci", 0), "host_ufo", NULL);
	str_list_done(&c.args);

	nic.offloads = (PlanOffloads){ .no_csum = true, .no_tso = true, .no_ufo = true };
	c.args = (StrList){ 0 };
	build(&c);
	is_key(find(&c, "-device", "virtio-net-pci", 0), "csum", "off");
	is_key(find(&c, "-device", "virtio-net-pci", 0), "guest_csum", "off");
	is_key(find(&c, "-device", "virtio-net-pci", 0), "guest_ufo", "off");
	is_key(find(&c, "-device", "virtio-net-pci", 0), "host_uso", NULL);
	str_list_done(&c.args);
}

/* Of what is served at a socket there are no descriptors; a macvtap is as good as a tap. */
static void test_served_nics(void **state)
{
	SpecInterface interfaces[] = { { .id = nic_id },
				       { .id = other_nic_id, .vhost_user.mode = VHOST_USER_SERVER },
				       { .id = other_nic_id } };
	PlanNic nics[] = {
		{ .spec = &interfaces[0], .attach = ATTACH_PASST, .queues = 1 },
		{ .spec = &interfaces[1], .attach = ATTACH_VHOST_USER, .queues = 2 },
		{ .spec = &interfaces[2], .attach = ATTACH_MACVTAP, .queues = 1 },
	};
	char ours[] = "/run/mvmd/web1/interface-net0.sock", theirs[] = "/run/ovs,1";
	PlanBackend backends[] = {
		{ .kind = BACKEND_PASST, .interface = &interfaces[0], .socket = ours },
		{ .kind = BACKEND_EXTERNAL, .interface = &interfaces[1], .socket = theirs },
	};
	const char *chardev;
	Case c;

	case_init(&c);
	c.plan.nics = nics;
	c.plan.n_nics = 3;
	c.plan.backends = backends;
	c.plan.n_backends = 2;
	build(&c);
	assert_int_equal(qemu_n_fds(&c.plan), 3);
	is_key(find(&c, "-netdev", "tap", 0), "fd", "5");
	is_key(find(&c, "-netdev", "tap", 0), "id", "net2");

	is_key(find(&c, "-netdev", "vhost-user", 0), "chardev", "nic0");
	is_key(find(&c, "-netdev", "vhost-user", 0), "queues", "1");
	is_key(find(&c, "-netdev", "vhost-user", 1), "id", "net1");
	is_key(find(&c, "-netdev", "vhost-user", 1), "queues", "2");
	is_key(find(&c, "-device", "virtio-net-pci", 1), "netdev", "net1");
	is_key(find(&c, "-device", "virtio-net-pci", 1), "vectors",
	       c.plan.accel == ACCEL_KVM ? "6" : "0");
	chardev = find(&c, "-chardev", "socket", 2);
	is_key(chardev, "id", "nic0");
	is_key(chardev, "path", ours);
	is_key(chardev, "reconnect", "1");
	is_key(chardev, "server", NULL);
	chardev = find(&c, "-chardev", "socket", 3);
	is_key(chardev, "server", "on");
	is_key(chardev, "wait", "off");
	is_key(chardev, "reconnect", NULL);
	assert_non_null(strstr(chardev, "path=/run/ovs,,1"));
	str_list_done(&c.args);
}

/* The device's descriptors come last, one a queue pair. */
static void test_vhost_net(void **state)
{
	SpecInterface interfaces[] = { { .id = nic_id }, { .id = other_nic_id } };
	PlanNic nics[] = {
		{ .spec = &interfaces[0], .queues = 1, .vhost = true },
		{ .spec = &interfaces[1], .queues = 2, .vhost = true },
	};
	Case c;

	case_init(&c);
	c.plan.nics = nics;
	c.plan.n_nics = 2;
	c.plan.n_smbios_strings = 1;
	build(&c);
	assert_int_equal(qemu_n_vhosts(&c.plan), 3);
	assert_int_equal(qemu_n_fds(&c.plan), 9);
	is_key(find(&c, "-netdev", "tap", 0), "vhost", "on");
	is_key(find(&c, "-netdev", "tap", 0), "fd", "5");
	is_key(find(&c, "-netdev", "tap", 0), "vhostfd", "9");
	is_key(find(&c, "-netdev", "tap", 1), "fds", "6:7");
	is_key(find(&c, "-netdev", "tap", 1), "vhostfds", "10:11");
	is_key(find(&c, "-smbios", "type=11", 0), "path", "/dev/fd/8");
	str_list_done(&c.args);
}

/* Shares are connections, behind the taps. */
static void test_shares(void **state)
{
	SpecInterface interface = { .id = nic_id };
	PlanNic nic = { .spec = &interface, .queues = 2 };
	SpecShare shares[] = { { .id = share_id, .tag = share_tag },
			       { .id = second_id, .tag = second_tag } };
	PlanBackend backends[] = { { .share = &shares[0], .socket = share_socket },
				   { .share = &shares[1], .socket = second_socket } };
	Case c;

	case_init(&c);
	c.plan.nics = &nic;
	c.plan.n_nics = 1;
	c.spec.shares = shares;
	c.spec.n_shares = 2;
	c.plan.backends = backends;
	c.plan.n_backends = 2;
	build(&c);
	assert_int_equal(qemu_n_fds(&c.plan), 6);
	is_key(find(&c, "-chardev", "socket,id=fs0", 0), "fd", "7");
	is_key(find(&c, "-chardev", "socket,id=fs1", 0), "fd", "8");
	is_key(find(&c, "-chardev", "socket,id=fs0", 0), "reconnect", NULL);
	is_key(find(&c, "-device", "vhost-user-fs-pci", 0), "chardev", "fs0");
	is_key(find(&c, "-device", "vhost-user-fs-pci", 0), "tag", "homes");
	is_key(find(&c, "-device", "vhost-user-fs-pci", 1), "tag", "e,tc");
	is_key(find(&c, "-device", "vhost-user-fs-pci", 1), "id", "share-etc");
	str_list_done(&c.args);
}

static void test_vsock(void **state)
{
	Case c;

	case_init(&c);
	c.plan.cid = 4294967294;
	build(&c);
	is_key(find(&c, "-device", "vhost-vsock-pci", 0), "guest-cid", "4294967294");
	str_list_done(&c.args);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_vm),    cmocka_unit_test(test_boot),
		cmocka_unit_test(test_accel),	    cmocka_unit_test(test_memory),
		cmocka_unit_test(test_sockets),	    cmocka_unit_test(test_disks),
		cmocka_unit_test(test_boot_order),  cmocka_unit_test(test_vhost_user_disk),
		cmocka_unit_test(test_vhost_net),   cmocka_unit_test(test_offloads),
		cmocka_unit_test(test_nics),	    cmocka_unit_test(test_shares),
		cmocka_unit_test(test_served_nics), cmocka_unit_test(test_vsock),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
