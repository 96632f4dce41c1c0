/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "model/plan.h"
#include "mvmd/exit-codes.h"

/* A string that may be written to, as the structs have them. */
#define TEXT(text) ((char[]){ text })

/* A host that lacks nothing, and a VM with one of each. */
static SpecDisk disks[] = {
	{ .id = TEXT("root"), .path = TEXT("/srv/vm/web1.raw") },
	{ .id = TEXT("logs"), .path = TEXT("/srv/vm/logs.raw"), .backend = DISK_BY_STORAGE_DAEMON },
};
static SpecInterface interfaces[] = {
	{ .id = TEXT("net0"), .bridge = TEXT("br0"), .queues = 1 },
};
static SpecShare shares[] = {
	{ .id = TEXT("data"), .tag = TEXT("data"), .source = TEXT("/srv/data") },
	{ .id = TEXT("far"), .tag = TEXT("far"), .socket = TEXT("/run/far.sock") },
};
static SpecShare readonly_share = { .id = TEXT("data"),
				    .tag = TEXT("data"),
				    .source = TEXT("/srv") };
static Spec spec;
static BridgeFact bridges[1];
static Identity share_users[2];
static Facts facts;
static PathFact paths[1];

static const Spec sound_spec = { .name = TEXT("web1"),
				 .file = TEXT("/etc/mvmd/web1.json"),
				 .boot = { .kernel = TEXT("/srv/vm/vmlinuz") },
				 .cpus = 2,
				 .memory = { .size_bytes = GIB },
				 .disks = disks,
				 .n_disks = ELEMENTSOF(disks),
				 .interfaces = interfaces,
				 .n_interfaces = ELEMENTSOF(interfaces),
				 .shares = shares,
				 .n_shares = ELEMENTSOF(shares),
				 .timeouts = { .bridge_usec = 30 * USEC_PER_SEC,
					       .backend_usec = 20 * USEC_PER_SEC,
					       .boot_usec = 90 * USEC_PER_SEC } };

static const Facts sound_facts = { .net_admin = true,
				   .setuid = true,
				   .kvm = KVM_USABLE,
				   .user_namespaces = true,
				   .cloud_hypervisor = { .path = TEXT("/usr/bin/cloud-hypervisor"),
							 .version = TEXT("53.0.0"),
							 .major = 53,
							 .minor = 0 },
				   .qemu = { .path = TEXT("/usr/bin/qemu-system-x86_64"),
					     .version = TEXT("7.2.22"),
					     .major = 7,
					     .minor = 2 },
				   .storage_daemon = { .path = TEXT("/usr/bin/qemu-storage-daemon"),
						       .version = TEXT("7.2.22"),
						       .major = 7,
						       .minor = 2 },
				   .virtiofsd = { .path = TEXT("/usr/libexec/virtiofsd"),
						  .version = TEXT("1.14.0"),
						  .major = 1,
						  .minor = 14 },
				   .vm = { .uid = 400000, .gid = 400000 },
				   .share_users = share_users,
				   .bridges = bridges,
				   .paths = paths,
				   .n_shares = ELEMENTSOF(shares),
				   .n_interfaces = ELEMENTSOF(interfaces) };

static int setup(void **context)
{
	spec = sound_spec;
	bridges[0] = (BridgeFact){ .ifindex = 7, .is_bridge = true, .mtu = 9000 };
	share_users[0] = share_users[1] = (Identity){ .uid = 400000, .gid = 400000 };
	facts = sound_facts;
	paths[0] = (PathFact){ 0 };
	return 0;
}

static Plan *build(void)
{
	Plan *plan = NULL;

	assert_int_equal(plan_build(&spec, &facts, "/run/mvmd", &plan, NULL), 0);
	return plan;
}

static const PlanStep *find(const Plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->n_steps; i++)
		if (streq(plan->steps[i].id, id))
			return &plan->steps[i];
	fail_msg("no step %s", id);
	return NULL;
}

/* True where step waits for the step 'other', at once or by way of others. */
static bool comes_after(const Plan *plan, const PlanStep *step, const char *other)
{
	for (size_t i = 0; i < step->n_needs; i++) {
		const PlanStep *needed = &plan->steps[step->needs[i]];

		if (streq(needed->id, other) || comes_after(plan, needed, other))
			return true;
	}
	return false;
}

static void test_steps_need_only_earlier_ones(void **context)
{
	_cleanup_(plan_free_p) Plan *plan = build();

	for (size_t i = 0; i < plan->n_steps; i++)
		for (size_t j = 0; j < plan->steps[i].n_needs; j++)
			assert_true(plan->steps[i].needs[j] < i);
	assert_string_equal(plan->steps[0].id, "lock");
	assert_int_equal(plan->steps[0].n_needs, 0);
}

static void test_disks_are_locked_before_anything_else(void **context)
{
	_cleanup_(plan_free_p) Plan *plan = build();

	for (size_t i = 0; i < plan->n_steps; i++) {
		const PlanStep *step = &plan->steps[i];

		if (step->kind == STEP_LOCK || step->kind == STEP_DISK_LOCK)
			continue;
		assert_true(comes_after(plan, step, "disk:root"));
		assert_true(comes_after(plan, step, "disk:logs"));
	}
}

static void test_a_tap_follows_its_bridge(void **context)
{
	_cleanup_(plan_free_p) Plan *plan = build();
	const PlanStep *bridge = find(plan, "bridge:net0"), *tap = find(plan, "tap:net0");

	assert_true(comes_after(plan, tap, "bridge:net0"));
	assert_string_equal(bridge->awaits, "bridge br0");
	assert_int_equal(bridge->deadline_usec, 30 * USEC_PER_SEC);
	assert_non_null(
		strstr(tap->what, "tap vm-web1-net0 on bridge br0, MTU 9000, queue pairs 1"));
}

static void test_cloud_hypervisor_starts_beside_taps_and_backends(void **context)
{
	_cleanup_(plan_free_p) Plan *plan = build();
	const PlanStep *vmm = find(plan, "vmm");

	assert_int_equal(plan->vmm, VMM_CLOUD_HYPERVISOR);
	assert_true(comes_after(plan, vmm, "external:share-far"));
	assert_true(comes_after(plan, vmm, "bridge:net0"));
	assert_true(comes_after(plan, vmm, "console"));
	assert_false(comes_after(plan, vmm, "tap:net0"));
	assert_false(comes_after(plan, vmm, "backend:share-data"));
	assert_string_equal(plan->backends[0].socket, "/run/mvmd/web1/disk-logs.sock");
	assert_string_equal(plan->backends[1].socket, "/run/mvmd/web1/share-data.sock");
	assert_string_equal(plan->backends[2].socket, "/run/far.sock");
	assert_int_equal(plan->backends[2].kind, BACKEND_EXTERNAL);
}

static void test_qemu_needs_what_its_command_line_names(void **context)
{
	spec.vmm = VMM_QEMU;
	_cleanup_(plan_free_p) Plan *plan = build();
	const PlanStep *vmm = find(plan, "vmm");

	assert_true(comes_after(plan, vmm, "tap:net0"));
	assert_true(comes_after(plan, vmm, "listener:share-data"));
	assert_true(comes_after(plan, vmm, "listener:disk-logs"));
	assert_false(comes_after(plan, vmm, "backend:share-data"));
}

static const PlanBackend *backend_of(const Plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->n_backends; i++)
		if (streq(plan->backends[i].id, id))
			return &plan->backends[i];
	fail_msg("no backend %s", id);
	return NULL;
}

/* A share, asked for in the spec's word, and what it gets. */
static void gets(VmmKind vmm, BackendOnExit asked, BackendOnExit expected, bool forced)
{
	SpecShare share = {
		.id = TEXT("s"), .tag = TEXT("s"), .source = TEXT("/srv"), .on_exit = asked
	};
	Plan *plan;

	(void) setup(NULL);
	spec.vmm = vmm;
	spec.shares = &share;
	spec.n_shares = 1;
	plan = build();
	assert_int_equal(backend_of(plan, "s")->on_exit, expected);
	assert_int_equal(on_exit_is_forced(backend_of(plan, "s")), forced);
	(void) plan_free(plan);
}

static void test_what_the_end_of_a_share_leads_to(void **context)
{
	gets(VMM_CLOUD_HYPERVISOR, BACKEND_ON_EXIT_UNSET, BACKEND_RESPAWN, false);
	gets(VMM_CLOUD_HYPERVISOR, BACKEND_RESTART_VM, BACKEND_RESTART_VM, false);
	gets(VMM_QEMU, BACKEND_ON_EXIT_UNSET, BACKEND_RESTART_VM, true);
	gets(VMM_QEMU, BACKEND_RESPAWN, BACKEND_RESTART_VM, true);
	gets(VMM_QEMU, BACKEND_RESTART_VM, BACKEND_RESTART_VM, false);
	gets(VMM_QEMU, BACKEND_STOP_VM, BACKEND_STOP_VM, false);
}

static void test_what_the_end_of_a_disk_leads_to(void **context)
{
	SpecDisk disk = { .id = TEXT("d"),
			  .path = TEXT("/srv/d.raw"),
			  .backend = DISK_BY_STORAGE_DAEMON };
	static const VmmKind vmms[] = { VMM_CLOUD_HYPERVISOR, VMM_QEMU };

	spec.disks = &disk;
	spec.n_disks = 1;
	for (size_t i = 0; i < ELEMENTSOF(vmms); i++) {
		Plan *plan;

		spec.vmm = vmms[i];
		disk.on_exit = BACKEND_ON_EXIT_UNSET;
		plan = build();
		assert_int_equal(backend_of(plan, "d")->on_exit, BACKEND_STOP_VM);
		(void) plan_free(plan);
		disk.on_exit = BACKEND_RESPAWN;
		plan = build();
		assert_int_equal(backend_of(plan, "d")->on_exit, BACKEND_RESPAWN);
		(void) plan_free(plan);
	}
}

static void test_a_name_that_is_too_long_gets_an_altname(void **context)
{
	spec.name = TEXT("a-rather-long-name");
	_cleanup_(plan_free_p) Plan *plan = build();

	assert_string_equal(plan->nics[0].altname, "vm-a-rather-long-name-net0");
	assert_int_equal(strlen(plan->nics[0].tap), TAP_NAME_MAX);
	assert_string_equal(plan->nics[0].alias, "mvmd:a-rather-long-name/net0");
}

static void test_a_socket_path_that_is_too_long_is_refused(void **context)
{
	char directory[SOCKET_PATH_MAX + 1];
	Fault fault = { 0 };
	Plan *plan = NULL;

	memset(directory, 'x', sizeof(directory) - 1);
	directory[0] = '/';
	directory[sizeof(directory) - 1] = '\0';
	assert_int_equal(plan_build(&spec, &facts, directory, &plan, &fault), -ENAMETOOLONG);
	assert_null(plan);
	assert_non_null(strstr(fault.remedy, "--runtime-dir"));
	fault_done(&fault);
}

static void test_json_has_what_the_text_has(void **context)
{
	_cleanup_(plan_free_p) Plan *plan = build();
	_cleanup_free_ char *text = NULL, *json_text = NULL;
	json_t *json, *step;
	size_t i;

	assert_int_equal(plan_to_text(plan, &text), 0);
	assert_int_equal(plan_to_json(plan, &json_text), 0);
	json = json_loads(json_text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	assert_int_equal(json_integer_value(json_object_get(json, "version")), 1);
	assert_int_equal(json_array_size(json_object_get(json, "steps")), plan->n_steps);
	json_array_foreach(json_object_get(json, "steps"), i, step) {
		assert_non_null(strstr(text, json_string_value(json_object_get(step, "id"))));
		assert_non_null(strstr(text, json_string_value(json_object_get(step, "what"))));
	}
	json_decref(json);
}

static void test_vmm_choice(void **context)
{
	static const struct {
		VmmKind wanted;
		Accel accel;
		KvmState kvm;
		bool has_ch;
		unsigned ch_major;
		VmmKind vmm;
		Accel chosen;
	} cases[] = {
		{ VMM_AUTO, ACCEL_AUTO, KVM_USABLE, true, 53, VMM_CLOUD_HYPERVISOR, ACCEL_KVM },
		{ VMM_AUTO, ACCEL_AUTO, KVM_USABLE, true, 51, VMM_QEMU, ACCEL_KVM },
		{ VMM_AUTO, ACCEL_AUTO, KVM_USABLE, false, 0, VMM_QEMU, ACCEL_KVM },
		{ VMM_AUTO, ACCEL_AUTO, KVM_UNFIT, true, 53, VMM_QEMU, ACCEL_TCG },
		{ VMM_AUTO, ACCEL_AUTO, KVM_ABSENT, true, 53, VMM_QEMU, ACCEL_TCG },
		{ VMM_AUTO, ACCEL_TCG, KVM_USABLE, true, 53, VMM_QEMU, ACCEL_TCG },
		{ VMM_AUTO, ACCEL_KVM, KVM_UNFIT, true, 53, VMM_CLOUD_HYPERVISOR, ACCEL_KVM },
		{ VMM_QEMU, ACCEL_AUTO, KVM_USABLE, true, 53, VMM_QEMU, ACCEL_KVM },
		{ VMM_QEMU, ACCEL_AUTO, KVM_DENIED, true, 53, VMM_QEMU, ACCEL_TCG },
		{ VMM_QEMU, ACCEL_KVM, KVM_ABSENT, true, 53, VMM_QEMU, ACCEL_KVM },
		{ VMM_CLOUD_HYPERVISOR, ACCEL_AUTO, KVM_UNFIT, true, 53, VMM_CLOUD_HYPERVISOR,
		  ACCEL_KVM },
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		VmmChoice choice;

		spec.vmm = cases[i].wanted;
		spec.accel = cases[i].accel;
		facts.kvm = cases[i].kvm;
		facts.cloud_hypervisor.path = cases[i].has_ch ? TEXT("/ch") : NULL;
		facts.cloud_hypervisor.major = cases[i].ch_major;
		choice = vmm_choose(&spec, &facts);
		assert_int_equal(choice.vmm, cases[i].vmm);
		assert_int_equal(choice.accel, cases[i].chosen);
		assert_true(strlen(choice.reason) > 0);
	}
}

/* Each line breaks one thing of a sound host and names what must be said of it. */
static void expect_problem(const char *id, int exit_code)
{
	FaultList faults = { 0 };

	assert_int_equal(plan_problems(&spec, &facts, &faults), 0);
	assert_int_equal(faults.n, 1);
	assert_string_equal(faults.items[0].id, id);
	assert_int_equal(faults.items[0].exit_code, exit_code);
	assert_int_equal(fault_list_exit_code(&faults), exit_code);
	assert_non_null(faults.items[0].remedy);
	fault_list_done(&faults);
	(void) setup(NULL);
}

static void test_a_sound_host_has_no_problem(void **context)
{
	FaultList faults = { 0 };

	assert_int_equal(plan_problems(&spec, &facts, &faults), 0);
	assert_int_equal(faults.n, 0);
}

static void test_programs(void **context)
{
	facts.cloud_hypervisor.path = facts.qemu.path = NULL;
	expect_problem("program-missing", MVMD_EXIT_UNAVAILABLE);
	facts.virtiofsd.path = NULL;
	expect_problem("program-missing", MVMD_EXIT_UNAVAILABLE);
	facts.storage_daemon.path = NULL;
	expect_problem("program-missing", MVMD_EXIT_UNAVAILABLE);
	spec.vmm = VMM_CLOUD_HYPERVISOR;
	facts.cloud_hypervisor.major = 51;
	expect_problem("vmm-too-old", MVMD_EXIT_UNAVAILABLE);
	spec.vmm = VMM_CLOUD_HYPERVISOR;
	facts.cloud_hypervisor.version = NULL;
	facts.cloud_hypervisor.major = 0;
	expect_problem("vmm-version-unknown", MVMD_EXIT_UNAVAILABLE);
	facts.virtiofsd.error = -EACCES;
	expect_problem("program-denied", MVMD_EXIT_PERMISSION);
	facts.virtiofsd_is_c = true;
	expect_problem("virtiofsd-c-needs-root", MVMD_EXIT_UNAVAILABLE);
	facts.virtiofsd_is_c = true;
	share_users[0].uid = 0;
	readonly_share.readonly = true;
	spec.shares = &readonly_share;
	spec.n_shares = facts.n_shares = 1;
	expect_problem("virtiofsd-c-writes", MVMD_EXIT_UNAVAILABLE);
	facts.user_namespaces = false;
	expect_problem("user-namespaces-off", MVMD_EXIT_UNAVAILABLE);
}

static void test_devices_and_rights(void **context)
{
	spec.vmm = VMM_CLOUD_HYPERVISOR;
	facts.kvm = KVM_ABSENT;
	expect_problem("kvm-missing", MVMD_EXIT_UNAVAILABLE);
	spec.vmm = VMM_CLOUD_HYPERVISOR;
	facts.kvm = KVM_DENIED;
	expect_problem("kvm-denied", MVMD_EXIT_PERMISSION);
	spec.vmm = VMM_CLOUD_HYPERVISOR;
	facts.kvm = KVM_UNFIT;
	expect_problem("kvm-unfit", MVMD_EXIT_UNAVAILABLE);
	facts.tun_error = -ENOENT;
	expect_problem("tun-missing", MVMD_EXIT_UNAVAILABLE);
	facts.tun_error = -EACCES;
	expect_problem("tun-denied", MVMD_EXIT_PERMISSION);
	facts.net_admin = false;
	expect_problem("net-admin-missing", MVMD_EXIT_PERMISSION);
	facts.setuid = false;
	expect_problem("setuid-denied", MVMD_EXIT_PERMISSION);
	facts.user_error = -ESRCH;
	facts.unknown_user = "nosuch";
	expect_problem("user-missing", MVMD_EXIT_UNAVAILABLE);
	spec.vmm = VMM_QEMU;
	spec.has_vsock = true;
	facts.vsock_error = -ENOENT;
	expect_problem("vsock-missing", MVMD_EXIT_UNAVAILABLE);
	bridges[0].is_bridge = false;
	expect_problem("not-a-bridge", MVMD_EXIT_UNAVAILABLE);
}

static void test_ports_that_cannot_be(void **state)
{
	SpecInterface limited = {
		.id = TEXT("net0"),
		.bridge = TEXT("br0"),
		.queues = 1,
		.rate = { .rx_bits = 1000000, .tx_bits = 1000000, .by = RATE_BY_VMM }
	};
	SpecInterface tagged = { .id = TEXT("net0"),
				 .bridge = TEXT("br0"),
				 .queues = 1,
				 .has_vlan = true,
				 .vlan = { .pvid = 7 } };

	spec.interfaces = &limited;
	spec.vmm = VMM_QEMU;
	expect_problem("rate-vmm", MVMD_EXIT_UNAVAILABLE);
	spec.interfaces = &tagged;
	expect_problem("vlan-unsupported", MVMD_EXIT_UNAVAILABLE);
	spec.interfaces = &tagged;
	bridges[0].vlan_filtering = TRISTATE_FALSE;
	expect_problem("vlan-filtering-off", MVMD_EXIT_UNAVAILABLE);
}

static void expect_warning(const char *id, const char *remedy)
{
	FaultList faults = { 0 };

	assert_int_equal(plan_warnings(&spec, &facts, &faults), 0);
	assert_int_equal(faults.n, 1);
	assert_string_equal(faults.items[0].id, id);
	assert_int_equal(faults.items[0].exit_code, MVMD_EXIT_OK);
	assert_non_null(strstr(faults.items[0].remedy, remedy));
	fault_list_done(&faults);
	(void) setup(NULL);
}

static void test_what_is_told_of_bridges(void **state)
{
	SpecInterface large = {
		.id = TEXT("net0"), .bridge = TEXT("br0"), .queues = 1, .mtu = 9001
	};

	spec.interfaces = &large;
	expect_warning("mtu-over-bridge", "ip link set br0 mtu 9001");
	facts.bridge_filter.ipv6 = true;
	expect_warning("bridge-netfilter", "sysctl -w net.bridge.bridge-nf-call-ip6tables=0,");
}

static void test_as_many_queues_as_cpus(void **state)
{
	const SpecInterface automatic = { .queues = 0 }, three = { .queues = 3 };

	assert_int_equal(nic_queues(&automatic, 1), 1);
	assert_int_equal(nic_queues(&automatic, 4), 4);
	assert_int_equal(nic_queues(&automatic, 64), 16);
	assert_int_equal(nic_queues(&three, 64), 3);
}

static void expect_path_problem(PathFact path, const char *id, int exit_code)
{
	paths[0] = path;
	paths[0].path = path.path ?: "/srv/x";
	facts.n_paths = 1;
	expect_problem(id, exit_code);
}

/* What the unit forbids is no problem of a VM that does not need it. */
static void test_what_the_unit_lacks(void **context)
{
	FaultList faults = { 0 };

	spec.vmm = VMM_QEMU;
	spec.accel = ACCEL_TCG;
	facts.sandbox.no_written_code = true;
	expect_problem("unit-lacks", MVMD_EXIT_PERMISSION);
	/* KVM may come, so this one is tried again. */
	facts.sandbox.no_written_code = true;
	facts.kvm = KVM_ABSENT;
	expect_problem("unit-lacks", MVMD_EXIT_UNAVAILABLE);
	facts.sandbox.no_namespaces = true;
	expect_problem("unit-lacks", MVMD_EXIT_PERMISSION);
	facts.sandbox.missing_capability = "CAP_CHOWN";
	share_users[0].uid = 0;
	expect_problem("unit-lacks", MVMD_EXIT_PERMISSION);
	expect_path_problem((PathFact){ .role = PATH_DISK, .mode = S_IFBLK, .error = -EPERM },
			    "unit-lacks", MVMD_EXIT_PERMISSION);
	spec.vmm = VMM_QEMU;
	spec.has_vsock = true;
	facts.vsock_error = -EPERM;
	expect_problem("unit-lacks", MVMD_EXIT_PERMISSION);
	expect_path_problem((PathFact){ .role = PATH_DISK, .mode = S_IFBLK, .error = -EACCES },
			    "path-denied", MVMD_EXIT_PERMISSION);

	facts.sandbox.own_tmp = true;
	expect_path_problem((PathFact){ .role = PATH_DISK, .path = "/var/tmp/a", .error = -ENOENT },
			    "unit-lacks", MVMD_EXIT_UNAVAILABLE);
	expect_path_problem((PathFact){ .role = PATH_DISK,
					.path = "/srv/link",
					.error = -EACCES,
					.in_hidden_home = true },
			    "unit-lacks", MVMD_EXIT_UNAVAILABLE);

	facts.sandbox = (SandboxFact){ true, true, true, "CAP_CHOWN" };
	spec.n_shares = facts.n_shares = 0;
	assert_int_equal(plan_problems(&spec, &facts, &faults), 0);
	assert_int_equal(faults.n, 0);
	fault_list_done(&faults);
}

static void expect_macvtap_problem(const char *id, int exit_code, MacvtapMode mode, uint64_t mtu,
				   const BridgeFact *link)
{
	SpecInterface macvtap = { .id = TEXT("net0"),
				  .attach = ATTACH_MACVTAP,
				  .queues = 1,
				  .mtu = mtu,
				  .macvtap = { .link = TEXT("eth0"), .mode = mode } };

	spec.interfaces = &macvtap;
	bridges[0] = *link;
	if (id)
		expect_problem(id, exit_code);
	else
		test_a_sound_host_has_no_problem(NULL);
	(void) setup(NULL);
}

/* A link that is not there is awaited. */
static void test_links_that_can_have_no_macvtap(void **context)
{
	const BridgeFact card = { .ifindex = 3, .mtu = 1500 }, absent = { .ifindex = 0 },
			 lo = { .ifindex = 1, .mtu = 65536, .not_ethernet = true },
			 port = { .ifindex = 3, .mtu = 1500, .is_port = true },
			 shared = { .ifindex = 3,
				    .mtu = 1500,
				    .rival = { "vm-web2-net0", "web2" } };

	expect_macvtap_problem(NULL, 0, MACVTAP_BRIDGE, 0, &card);
	expect_macvtap_problem(NULL, 0, MACVTAP_BRIDGE, 1500, &card);
	expect_macvtap_problem(NULL, 0, MACVTAP_PASSTHRU, 9000, &absent);
	expect_macvtap_problem("macvtap-mtu", MVMD_EXIT_UNAVAILABLE, MACVTAP_VEPA, 1501, &card);
	expect_macvtap_problem("macvtap-link-unfit", MVMD_EXIT_UNAVAILABLE, MACVTAP_BRIDGE, 0, &lo);
	expect_macvtap_problem("macvtap-link-taken", MVMD_EXIT_BUSY, MACVTAP_BRIDGE, 0, &port);
	expect_macvtap_problem("macvtap-link-taken", MVMD_EXIT_BUSY, MACVTAP_PASSTHRU, 0, &shared);
}

static void test_paths(void **context)
{
	expect_path_problem((PathFact){ .role = PATH_KERNEL, .error = -ENOENT }, "path-unusable",
			    MVMD_EXIT_UNAVAILABLE);
	expect_path_problem((PathFact){ .role = PATH_DISK, .error = -EACCES, .mode = S_IFREG },
			    "path-denied", MVMD_EXIT_PERMISSION);
	expect_path_problem((PathFact){ .role = PATH_DISK, .error = -EROFS, .mode = S_IFREG },
			    "path-unusable", MVMD_EXIT_UNAVAILABLE);
	expect_path_problem((PathFact){ .role = PATH_DISK, .error = -EISDIR, .mode = S_IFDIR },
			    "path-wrong-type", MVMD_EXIT_UNAVAILABLE);
	expect_path_problem((PathFact){ .role = PATH_SHARE, .mode = S_IFREG }, "path-wrong-type",
			    MVMD_EXIT_UNAVAILABLE);
	expect_path_problem((PathFact){ .role = PATH_SHARE_SOCKET, .mode = S_IFREG },
			    "path-wrong-type", MVMD_EXIT_UNAVAILABLE);
}

/* What is not there yet is awaited, and no problem of its own. */
static void test_what_is_awaited(void **context)
{
	FaultList faults = { 0 };

	bridges[0].ifindex = 0;
	bridges[0].is_bridge = false;
	paths[0] =
		(PathFact){ .role = PATH_SHARE_SOCKET, .error = -ENOENT, .path = "/run/far.sock" };
	facts.n_paths = 1;
	assert_int_equal(plan_problems(&spec, &facts, &faults), 0);
	assert_int_equal(faults.n, 0);
	assert_int_equal(plan_awaited(&spec, &facts, &faults), 0);
	assert_int_equal(faults.n, 2);
	assert_string_equal(faults.items[0].id, "bridge-missing");
	assert_non_null(strstr(faults.items[0].what, "30s"));
	assert_string_equal(faults.items[1].id, "socket-not-listening");
	fault_list_done(&faults);
}

/* Nobody waits for a bridge that another interface of the VM has made. */
static void test_a_bridge_of_ours_is_not_awaited(void **context)
{
	SpecInterface both[] = { { .id = spec.interfaces[0].id,
				   .bridge = spec.interfaces[0].bridge },
				 { .id = spec.interfaces[0].id,
				   .bridge = spec.interfaces[0].bridge,
				   .has_create_bridge = true } };
	BridgeFact none[2] = { 0 };
	Spec with_both = spec;
	Facts without_bridge = facts;
	FaultList faults = { 0 };

	with_both.interfaces = both;
	with_both.n_interfaces = without_bridge.n_interfaces = ELEMENTSOF(both);
	without_bridge.bridges = none;
	without_bridge.n_paths = 0;
	assert_int_equal(plan_awaited(&with_both, &without_bridge, &faults), 0);
	assert_int_equal(faults.n, 0);
	both[1].has_create_bridge = false;
	assert_int_equal(plan_awaited(&with_both, &without_bridge, &faults), 0);
	assert_int_equal(faults.n, 2);
	fault_list_done(&faults);
}

static void test_the_worst_exit_code_wins(void **context)
{
	static const int best_to_worst[] = { MVMD_EXIT_OK, MVMD_EXIT_BUSY, MVMD_EXIT_UNAVAILABLE,
					     MVMD_EXIT_PERMISSION, MVMD_EXIT_SPEC };

	for (size_t i = 1; i < ELEMENTSOF(best_to_worst); i++) {
		assert_int_equal(exit_code_worse(best_to_worst[i - 1], best_to_worst[i]),
				 best_to_worst[i]);
		assert_int_equal(exit_code_worse(best_to_worst[i], best_to_worst[i - 1]),
				 best_to_worst[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_steps_need_only_earlier_ones, setup),
		cmocka_unit_test_setup(test_disks_are_locked_before_anything_else, setup),
		cmocka_unit_test_setup(test_a_tap_follows_its_bridge, setup),
		cmocka_unit_test_setup(test_cloud_hypervisor_starts_beside_taps_and_backends,
				       setup),
		cmocka_unit_test_setup(test_qemu_needs_what_its_command_line_names, setup),
		cmocka_unit_test_setup(test_what_the_end_of_a_share_leads_to, setup),
		cmocka_unit_test_setup(test_what_the_end_of_a_disk_leads_to, setup),
		cmocka_unit_test_setup(test_a_name_that_is_too_long_gets_an_altname, setup),
		cmocka_unit_test_setup(test_a_socket_path_that_is_too_long_is_refused, setup),
		cmocka_unit_test_setup(test_json_has_what_the_text_has, setup),
		cmocka_unit_test_setup(test_vmm_choice, setup),
		cmocka_unit_test_setup(test_a_sound_host_has_no_problem, setup),
		cmocka_unit_test_setup(test_programs, setup),
		cmocka_unit_test_setup(test_devices_and_rights, setup),
		cmocka_unit_test_setup(test_ports_that_cannot_be, setup),
		cmocka_unit_test_setup(test_what_is_told_of_bridges, setup),
		cmocka_unit_test_setup(test_as_many_queues_as_cpus, setup),
		cmocka_unit_test_setup(test_what_the_unit_lacks, setup),
		cmocka_unit_test_setup(test_links_that_can_have_no_macvtap, setup),
		cmocka_unit_test_setup(test_paths, setup),
		cmocka_unit_test_setup(test_what_is_awaited, setup),
		cmocka_unit_test_setup(test_a_bridge_of_ours_is_not_awaited, setup),
		cmocka_unit_test_setup(test_the_worst_exit_code_wins, setup),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
