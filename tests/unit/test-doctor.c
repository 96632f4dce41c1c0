/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/doctor.h"
#include "model/findings.h"
#include "mvmd/exit-codes.h"

#define COLUMNS 80

static char ch_path[] = "/usr/bin/cloud-hypervisor", ch_version[] = "53.0.0";
static char old_version[] = "51.1.0", qemu_path[] = "/usr/bin/qemu-system-x86_64";
static char qemu_version[] = "10.0.2", virtiofsd_path[] = "/usr/libexec/virtiofsd";
static char virtiofsd_version[] = "1.13.0", daemon_path[] = "/usr/bin/qemu-storage-daemon";
static char release[] = "6.12.48-amd64", cgroup[] = "/system.slice/ssh.service";
static char bridge_name[] = "br0", *bridge_names[] = { bridge_name, NULL };
static char alice[] = "alice", spec_file[] = "/etc/mvmd/web1.json";

/* A host on which all is as it should be. Its strings are not to be freed. */
static Survey fit_host(void)
{
	return (Survey){
		.facts = {
			.host = { .release = release },
			.net_admin = true,
			.setuid = true,
			.user_namespaces = true,
			.kvm = KVM_USABLE,
			.cloud_hypervisor = { .path = ch_path, .version = ch_version, .major = 53 },
			.qemu = { .path = qemu_path, .version = qemu_version, .major = 10 },
			.virtiofsd = { .path = virtiofsd_path, .version = virtiofsd_version },
			.storage_daemon = { .path = daemon_path, .version = qemu_version },
		},
		.cpu_has_virtualization = true,
		.max_user_namespaces = 10000,
		.userns_clone = SYSCTL_ABSENT,
		.apparmor_userns = SYSCTL_ABSENT,
		.bridge_iptables = SYSCTL_ABSENT,
		.bridge_ip6tables = SYSCTL_ABSENT,
		.bridge_module = MODULE_LOADED,
		.bridges = { .items = bridge_names, .n = 1 },
		.vhost_net = true,
		.memlock_bytes = 8 * MIB,
		.nofile = 524288,
		.pools = { { .page_bytes = 2 * MIB }, { .page_bytes = GIB } },
		.n_pools = 2,
		.facts.memory = { .total_bytes = 8 * GIB, .available_bytes = 4 * GIB },
		.cgroup_left_bytes = MEMORY_UNLIMITED,
		.cgroup_v2 = true,
		.cgroup = cgroup,
		.systemd = true,
		.runtime = { .path = "/run/mvmd", .available_bytes = GIB },
		.state = { .path = "/var/lib/mvmd", .available_bytes = GIB },
		.uid_range = { .first = 400000, .count = 65536 },
	};
}

/* A VM that uses all that a host can give. */
static HostNeeds all_needs(void)
{
	return (HostNeeds){ .n_specs = 1,
			    .kvm = "web1",
			    .cloud_hypervisor = "web1",
			    .qemu = "web1",
			    .interfaces = "web1",
			    .shares = "web1",
			    .storage_daemon = "web1",
			    .vsock_of_qemu = "web1" };
}

static const HostNeeds no_needs = { .n_specs = 1 };

/* The one line that is not ok; NULL: there is none. More than one is a failure. */
static const DoctorLine *only_finding(const Doctor *doctor)
{
	const DoctorLine *found = NULL;

	for (size_t i = 0; i < doctor->n; i++) {
		const DoctorLine *line = &doctor->lines[i];

		if (line->level == DOCTOR_OK) {
			assert_null(line->fault.id);
			continue;
		}
		if (found)
			fail_msg("both %s and %s", found->fault.id, line->fault.id);
		assert_non_null(finding_find(line->fault.id));
		assert_non_null(line->fault.remedy);
		found = line;
	}
	return found;
}

static void assert_finds(const Survey *host, const HostNeeds *needs, const char *id,
			 DoctorLevel level)
{
	const DoctorLine *line;
	Doctor doctor = { 0 };

	doctor_judge_host(&doctor, host, needs);
	assert_false(doctor.failed);
	line = only_finding(&doctor);
	if (!line)
		fail_msg("%s was not found", id);
	assert_string_equal(line->fault.id, id);
	assert_string_equal(doctor_level_to_string(line->level), doctor_level_to_string(level));
	doctor_done(&doctor);
}

/* A warning where a VM needs it, a note where none does. */
static void assert_finds_by_need(const Survey *host, const char *id)
{
	const HostNeeds all = all_needs();

	assert_finds(host, &all, id, DOCTOR_WARNING);
	assert_finds(host, &no_needs, id, DOCTOR_NOTE);
}

static void assert_finds_nothing(const Survey *host, const HostNeeds *needs)
{
	const DoctorLine *line;
	Doctor doctor = { 0 };

	doctor_judge_host(&doctor, host, needs);
	line = only_finding(&doctor);
	if (line)
		fail_msg("%s: %s", line->fault.id, line->fault.what);
	assert_int_equal(doctor_exit_code(&doctor), MVMD_EXIT_OK);
	assert_true(doctor.n > 10);
	doctor_done(&doctor);
}

static void fit_host_has_no_finding(_unused_ void **state)
{
	const HostNeeds nobody = { 0 }, all = all_needs();
	const Survey host = fit_host();

	assert_finds_nothing(&host, &nobody);
	assert_finds_nothing(&host, &no_needs);
	assert_finds_nothing(&host, &all);
}

/* A host without what nobody asks for is as good. */
static void no_alarm_for_what_no_vm_needs(_unused_ void **state)
{
	Survey host = fit_host();
	const HostNeeds all = all_needs();

	host.vhost_net = false;
	assert_finds_nothing(&host, &all);
	host.facts.vsock_error = -ENOENT;
	assert_finds_nothing(&host, &no_needs);
	host = fit_host();
	host.n_pools = 0;
	assert_finds_nothing(&host, &all);
	host = fit_host();
	host.bridges.n = 0;
	assert_finds_nothing(&host, &all);
	host.bridge_module = MODULE_UNKNOWN;
	assert_finds_nothing(&host, &all);
	host.bridge_iptables = 1;
	assert_finds_nothing(&host, &no_needs);
	host = fit_host();
	host.nofile = 4096;
	assert_finds_nothing(&host, &no_needs);
	host = fit_host();
	host.memlock_bytes = MEMORY_UNLIMITED;
	assert_finds_nothing(&host, &all);
}

static void kvm_is_judged(_unused_ void **state)
{
	HostNeeds only_tcg = { .n_specs = 1, .qemu = "web1" };
	const HostNeeds nobody = { 0 };
	Survey host = fit_host();

	host.facts.kvm = KVM_ABSENT;
	assert_finds(&host, &nobody, "kvm-missing", DOCTOR_WARNING);
	assert_finds(&host, &only_tcg, "kvm-missing", DOCTOR_NOTE);
	host.facts.kvm = KVM_UNFIT;
	assert_finds(&host, &nobody, "kvm-unfit", DOCTOR_WARNING);
	host.facts.kvm = KVM_DENIED;
	assert_finds(&host, &nobody, "kvm-denied", DOCTOR_WARNING);
}

/* Why there is none differs: where the CPU could, it is the module. */
static void kvm_missing_is_explained(_unused_ void **state)
{
	Survey host = fit_host();
	Doctor doctor = { 0 };

	host.facts.kvm = KVM_ABSENT;
	doctor_judge_host(&doctor, &host, &no_needs);
	assert_non_null(strstr(only_finding(&doctor)->fault.remedy, "modprobe"));
	doctor_done(&doctor);
	host.cpu_has_virtualization = false;
	doctor_judge_host(&doctor, &host, &no_needs);
	assert_non_null(strstr(only_finding(&doctor)->fault.remedy, "firmware"));
	doctor_done(&doctor);
}

static void programs_are_judged(_unused_ void **state)
{
	Survey host = fit_host();

	host.facts.cloud_hypervisor = (Program){ 0 };
	assert_finds_by_need(&host, "program-missing");
	host.facts.cloud_hypervisor =
		(Program){ .path = ch_path, .version = old_version, .major = 51 };
	assert_finds_by_need(&host, "vmm-too-old");
	host.facts.cloud_hypervisor = (Program){ .path = ch_path };
	assert_finds_by_need(&host, "vmm-version-unknown");
	host = fit_host();
	host.facts.qemu = (Program){ 0 };
	assert_finds_by_need(&host, "program-missing");
	host = fit_host();
	host.facts.virtiofsd = (Program){ 0 };
	assert_finds_by_need(&host, "program-missing");
	host.facts.virtiofsd = (Program){ .path = virtiofsd_path, .error = -EACCES };
	assert_finds_by_need(&host, "program-denied");
	host = fit_host();
	host.facts.virtiofsd_is_c = true;
	assert_finds_by_need(&host, "virtiofsd-deprecated");
	host = fit_host();
	host.facts.storage_daemon = (Program){ 0 };
	assert_finds_by_need(&host, "program-missing");
}

/* Neither of the two VMMs is an error by itself; that nothing is left is one. */
static void no_vmm_is_an_error(_unused_ void **state)
{
	static const char *const wanted[] = { "no-vmm", "program-missing", "program-missing" };
	Survey host = fit_host();
	Doctor doctor = { 0 };
	size_t n = 0;

	host.facts.qemu = host.facts.cloud_hypervisor = (Program){ 0 };
	doctor_judge_host(&doctor, &host, &no_needs);
	assert_int_equal(doctor_exit_code(&doctor), MVMD_EXIT_UNAVAILABLE);
	for (size_t i = 0; i < doctor.n; i++)
		if (doctor.lines[i].level != DOCTOR_OK) {
			assert_true(n < ELEMENTSOF(wanted));
			assert_string_equal(doctor.lines[i].fault.id, wanted[n]);
			assert_int_equal(doctor.lines[i].level,
					 n == 0 ? DOCTOR_ERROR : DOCTOR_NOTE);
			n++;
		}
	assert_int_equal(n, ELEMENTSOF(wanted));
	doctor_done(&doctor);
}

/* cloud-hypervisor alone, where stock guests cannot run on KVM, is nothing. */
static void no_vmm_without_kvm(_unused_ void **state)
{
	Survey host = fit_host();
	Doctor doctor = { 0 };

	host.facts.qemu = (Program){ 0 };
	doctor_judge_host(&doctor, &host, &no_needs);
	assert_int_equal(doctor_exit_code(&doctor), MVMD_EXIT_OK);
	doctor_done(&doctor);
	host.facts.kvm = KVM_UNFIT;
	doctor_judge_host(&doctor, &host, &no_needs);
	assert_int_equal(doctor_exit_code(&doctor), MVMD_EXIT_UNAVAILABLE);
	doctor_done(&doctor);
}

static void network_is_judged(_unused_ void **state)
{
	HostNeeds automatic = { .n_specs = 1, .vsock_of_auto = "web1" };
	const HostNeeds all = all_needs();
	Survey host = fit_host();

	host.facts.tun_error = -ENOENT;
	assert_finds_by_need(&host, "tun-missing");
	host = fit_host();
	host.facts.net_admin = false;
	assert_finds_by_need(&host, "net-admin-missing");
	host = fit_host();
	host.bridges.n = 0;
	host.bridge_module = MODULE_ABSENT;
	assert_finds_by_need(&host, "bridge-unsupported");
	host = fit_host();
	host.bridge_iptables = 1;
	assert_finds_by_need(&host, "bridge-netfilter");
	host.bridge_iptables = 0;
	host.bridge_ip6tables = 1;
	assert_finds_by_need(&host, "bridge-netfilter");
	host.bridge_ip6tables = 0;
	host.facts.vsock_error = -ENOENT;
	assert_finds(&host, &all, "vsock-missing", DOCTOR_WARNING);
	assert_finds_nothing(&host, &automatic); /* cloud-hypervisor is taken */
	host.facts.cloud_hypervisor.major = 51;
	host.facts.vsock_error = 0;
	assert_finds(&host, &automatic, "vmm-too-old", DOCTOR_NOTE);
}

/* The sysctl that is named is the one that is set, and not another. */
static void user_namespaces_are_judged(_unused_ void **state)
{
	Survey host = fit_host();
	Doctor doctor = { 0 };
	const char *remedy;

	host.facts.user_namespaces = false;
	host.apparmor_userns = 1;
	assert_finds_by_need(&host, "user-namespaces-off");
	doctor_judge_host(&doctor, &host, &no_needs);
	remedy = only_finding(&doctor)->fault.remedy;
	assert_non_null(strstr(remedy, "kernel.apparmor_restrict_unprivileged_userns=0"));
	assert_null(strstr(remedy, "max_user_namespaces"));
	assert_null(strstr(remedy, "unprivileged_userns_clone"));
	doctor_done(&doctor);
}

static void limits_are_judged(_unused_ void **state)
{
	const HostNeeds all = all_needs();
	Survey host = fit_host();

	host.memlock_bytes = 64 * KIB;
	assert_finds(&host, &all, "memlock-low", DOCTOR_NOTE);
	host = fit_host();
	host.nofile = 4096;
	assert_finds(&host, &all, "nofile-low", DOCTOR_WARNING);
	host.nofile = 512;
	assert_finds(&host, &no_needs, "nofile-low", DOCTOR_WARNING);
	host = fit_host();
	host.cgroup_v2 = false;
	assert_finds(&host, &all, "cgroup-v1", DOCTOR_NOTE);
	host = fit_host();
	host.systemd = false;
	assert_finds(&host, &all, "systemd-absent", DOCTOR_NOTE);
}

static void directories_are_judged(_unused_ void **state)
{
	Survey host = fit_host();

	host.runtime.error = -EROFS;
	assert_finds(&host, &no_needs, "runtime-directory", DOCTOR_ERROR);
	host = fit_host();
	host.state.error = -EROFS;
	assert_finds(&host, &no_needs, "state-directory", DOCTOR_ERROR);
	host = fit_host();
	host.state.available_bytes = 4096;
	assert_finds(&host, &no_needs, "directory-full", DOCTOR_WARNING);
	host.state.available_bytes = UINT64_MAX; /* unknown */
	assert_finds_nothing(&host, &no_needs);
	host.subuid_user = alice;
	host.subuid_first = 427680;
	host.subuid_count = 65536;
	assert_finds(&host, &no_needs, "uid-range-shared", DOCTOR_WARNING);
}

static void hugepages_are_judged(_unused_ void **state)
{
	HostNeeds needs = { .n_specs = 1 };
	Survey host = fit_host();
	Spec spec = { .name = alice,
		      .memory = { .size_bytes = 64 * MIB, .hugepages = HUGE_PAGES_2MIB } };

	host_needs_add(&needs, &spec);
	assert_finds(&host, &needs, "hugepages-missing", DOCTOR_WARNING);
	host.pools[0].total = 31;
	assert_finds(&host, &needs, "hugepages-missing", DOCTOR_WARNING);
	host.pools[0].total = 32; /* a VM that runs may have them all */
	assert_finds_nothing(&host, &needs);
	spec.memory = (SpecMemory){ .size_bytes = GIB, .hugepages = HUGE_PAGES_1GIB };
	host_needs_add(&needs, &spec);
	host.n_pools = 1; /* a CPU without pages of 1 GiB */
	assert_finds(&host, &needs, "hugepages-missing", DOCTOR_WARNING);
}

/* What a user lacks says nothing about VMs that root starts. */
static void user_gets_notes(_unused_ void **state)
{
	const HostNeeds all = all_needs();
	Survey host = fit_host();
	Doctor doctor = { 0 };
	size_t notes = 0;

	host.facts.euid = 1000;
	assert_finds(&host, &all, "doctor-unprivileged", DOCTOR_NOTE);
	host.facts.kvm = KVM_DENIED;
	host.facts.net_admin = false;
	host.facts.tun_error = -EACCES;
	host.runtime.error = host.state.error = -EACCES;
	doctor_judge_host(&doctor, &host, &all);
	assert_int_equal(doctor_exit_code(&doctor), MVMD_EXIT_OK);
	for (size_t i = 0; i < doctor.n; i++)
		notes += doctor.lines[i].level == DOCTOR_NOTE;
	assert_int_equal(notes, 6);
	doctor_done(&doctor);
}

static void needs_name_the_first_vm(_unused_ void **state)
{
	SpecDisk disk = { .path = spec_file, .backend = DISK_BY_STORAGE_DAEMON };
	SpecShare served = { .source = spec_file }, external = { .socket = spec_file };
	HostNeeds needs = { 0 };
	Spec first = { .name = alice, .accel = ACCEL_TCG, .shares = &external, .n_shares = 1 };
	Spec second = { .name = bridge_name,
			.has_vsock = true,
			.disks = &disk,
			.n_disks = 1,
			.shares = &served,
			.n_shares = 1 };

	host_needs_add(&needs, &first);
	assert_null(needs.kvm);
	assert_null(needs.shares);
	assert_string_equal(needs.qemu, "alice");
	host_needs_add(&needs, &second);
	assert_int_equal(needs.n_specs, 2);
	assert_string_equal(needs.kvm, "br0");
	assert_string_equal(needs.shares, "br0");
	assert_string_equal(needs.storage_daemon, "br0");
	assert_string_equal(needs.vsock_of_auto, "br0");
	assert_null(needs.vsock_of_qemu);
	assert_null(needs.interfaces);
	assert_string_equal(needs.qemu, "alice");
}

/* A VM of so much memory, as it would start. */
static void judge_memory(VmmKind vmm, bool shared, uint64_t size_bytes, const Survey *host,
			 Doctor *doctor)
{
	Spec spec = { .name = alice,
		      .file = spec_file,
		      .vmm = vmm,
		      .memory = { .size_bytes = size_bytes,
				  .shared = shared ? TRISTATE_TRUE : TRISTATE_UNSET } };
	Facts facts = { .memory = host->facts.memory };
	Plan plan = { .spec = &spec, .facts = &facts };

	doctor_judge_vm(doctor, &plan, host);
}

static void assert_memory(VmmKind vmm, bool shared, uint64_t size_bytes, const Survey *host,
			  DoctorLevel level)
{
	Doctor doctor = { 0 };

	judge_memory(vmm, shared, size_bytes, host, &doctor);
	assert_int_equal(doctor.n, level == DOCTOR_OK ? 0 : 1);
	if (level != DOCTOR_OK) {
		assert_string_equal(doctor.lines[0].fault.id, "memory-short");
		assert_int_equal(doctor.lines[0].level, level);
	}
	doctor_done(&doctor);
}

static void memory_is_judged(_unused_ void **state)
{
	Survey host = fit_host(); /* 8 GiB, of which 4 are available */

	assert_memory(VMM_QEMU, false, 4 * GIB, &host, DOCTOR_OK);
	assert_memory(VMM_QEMU, false, 5 * GIB, &host, DOCTOR_WARNING);
	assert_memory(VMM_QEMU, false, 9 * GIB, &host, DOCTOR_ERROR);
	assert_memory(VMM_QEMU, true, 9 * GIB, &host, DOCTOR_WARNING);
	assert_memory(VMM_CLOUD_HYPERVISOR, false, 9 * GIB, &host, DOCTOR_WARNING);
	host.facts.memory.swap_bytes = 2 * GIB;
	assert_memory(VMM_QEMU, false, 9 * GIB, &host, DOCTOR_WARNING);
	host.facts.memory.overcommits_always = true;
	assert_memory(VMM_QEMU, false, 64 * GIB, &host, DOCTOR_WARNING);
	host = fit_host();
	host.cgroup_left_bytes = GIB;
	assert_memory(VMM_CLOUD_HYPERVISOR, false, 2 * GIB, &host, DOCTOR_WARNING);
	host.facts.memory.total_bytes = 0; /* nobody could look */
	assert_memory(VMM_CLOUD_HYPERVISOR, false, 2 * GIB, &host, DOCTOR_OK);
}

static void take(Doctor *doctor, DoctorLevel level, const char *id)
{
	Fault fault = { 0 };

	(void) fault_set(&fault, 0, 0, id, "%s", "something");
	doctor_take(doctor, "vm", level, &fault);
}

static void what_an_error_says_is_not_said_twice(_unused_ void **state)
{
	Doctor doctor = { 0 };

	doctor_ok(&doctor, "kvm", "fine");
	take(&doctor, DOCTOR_WARNING, "tun-missing");
	take(&doctor, DOCTOR_NOTE, "program-missing");
	take(&doctor, DOCTOR_ERROR, "no-vmm");
	take(&doctor, DOCTOR_NOTE, "memlock-low");
	take(&doctor, DOCTOR_ERROR, "tun-missing");
	take(&doctor, DOCTOR_ERROR, "no-vmm");
	take(&doctor, DOCTOR_WARNING, "memlock-low");
	doctor_drop_repeated(&doctor, 5);
	assert_int_equal(doctor.n, 7);
	assert_null(doctor.lines[0].fault.id);
	assert_string_equal(doctor.lines[1].fault.id, "program-missing");
	assert_string_equal(doctor.lines[2].fault.id, "no-vmm");
	assert_string_equal(doctor.lines[3].fault.id, "memlock-low");
	assert_string_equal(doctor.lines[4].fault.id, "tun-missing");
	assert_int_equal(doctor.lines[4].level, DOCTOR_ERROR);
	doctor_done(&doctor);
}

static void text_fits_a_terminal(_unused_ void **state)
{
	Survey host = fit_host();
	_cleanup_free_ char *text = NULL;
	Doctor doctor = { 0 };

	host.facts.kvm = KVM_ABSENT;
	host.bridge_iptables = 1;
	doctor_judge_host(&doctor, &host, &no_needs);
	assert_int_equal(doctor_to_text(&doctor, false, &text), 0);
	assert_non_null(strstr(text, "\nnote    bridge: "));
	assert_non_null(strstr(text, "[bridge-netfilter]"));
	assert_non_null(strstr(text, "\n          try: sysctl -w "
				     "net.bridge.bridge-nf-call-iptables=0"));
	assert_non_null(strstr(text, "\n0 errors, 0 warnings"));
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		assert_true(strcspn(line, "\n") <= COLUMNS);
	doctor_done(&doctor);
}

static void data_has_all_keys(_unused_ void **state)
{
	static const char *const keys[] = { "about", "id",     "level",	  "what",
					    "why",   "remedy", "evidence" };
	Survey host = fit_host();
	_cleanup_free_ char *text = NULL;
	Doctor doctor = { 0 };
	json_t *answer, *checks, *check;
	size_t i;

	host.memlock_bytes = 64 * KIB;
	doctor_judge_host(&doctor, &host, &no_needs);
	assert_int_equal(doctor_to_json(&doctor, &text), 0);
	answer = json_loads(text, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(answer, "version")), 1);
	checks = json_object_get(answer, "checks");
	assert_int_equal(json_array_size(checks), doctor.n);
	json_array_foreach(checks, i, check) {
		const char *id = json_string_value(json_object_get(check, "id"));

		for (size_t k = 0; k < ELEMENTSOF(keys); k++)
			assert_non_null(json_object_get(check, keys[k]));
		if (id) {
			assert_string_equal(id, "memlock-low");
			assert_string_equal(json_string_value(json_object_get(
						    json_object_get(check, "evidence"), "limit")),
					    "65536");
		}
	}
	json_decref(answer);
	doctor_done(&doctor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fit_host_has_no_finding),
		cmocka_unit_test(no_alarm_for_what_no_vm_needs),
		cmocka_unit_test(kvm_is_judged),
		cmocka_unit_test(kvm_missing_is_explained),
		cmocka_unit_test(programs_are_judged),
		cmocka_unit_test(no_vmm_is_an_error),
		cmocka_unit_test(no_vmm_without_kvm),
		cmocka_unit_test(network_is_judged),
		cmocka_unit_test(user_namespaces_are_judged),
		cmocka_unit_test(limits_are_judged),
		cmocka_unit_test(directories_are_judged),
		cmocka_unit_test(hugepages_are_judged),
		cmocka_unit_test(user_gets_notes),
		cmocka_unit_test(needs_name_the_first_vm),
		cmocka_unit_test(memory_is_judged),
		cmocka_unit_test(what_an_error_says_is_not_said_twice),
		cmocka_unit_test(text_fits_a_terminal),
		cmocka_unit_test(data_has_all_keys),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
