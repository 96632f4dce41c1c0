/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>

#include "model/attach-problems.h"
#include "model/credentials.h"
#include "model/helper-faults.h"
#include "model/netns-fault.h"
#include "model/plan-limits.h"
#include "model/plan-ports.h"
#include "model/plan-sandbox.h"
#include "mvmd/exit-codes.h"

static bool cloud_hypervisor_is_new_enough(const Facts *facts)
{
	return facts->cloud_hypervisor.major >= CLOUD_HYPERVISOR_MAJOR_MIN;
}

static const char *kvm_state_to_words(KvmState state)
{
	static const char *const words[_KVM_STATE_MAX] = {
		[KVM_USABLE] = "KVM is usable",
		[KVM_ABSENT] = "there is no /dev/kvm",
		[KVM_DENIED] = "the VM's user may not open /dev/kvm",
		[KVM_UNFIT] = "/dev/kvm is paravirtual, on a CPU without VMX or SVM",
	};

	return words[state];
}

static VmmChoice choose_automatically(const Facts *facts, Accel accel, bool kvm)
{
	if (accel == ACCEL_TCG)
		return (VmmChoice){ VMM_QEMU, ACCEL_TCG, "accel is tcg, which only QEMU has" };
	if (!kvm)
		return (VmmChoice){ VMM_QEMU, ACCEL_TCG, kvm_state_to_words(facts->kvm) };
	if (!facts->cloud_hypervisor.path)
		return (VmmChoice){ VMM_QEMU, ACCEL_KVM, "cloud-hypervisor is not installed" };
	if (!facts->cloud_hypervisor.version)
		return (VmmChoice){ VMM_QEMU, ACCEL_KVM,
				    "cloud-hypervisor does not tell its version" };
	if (!cloud_hypervisor_is_new_enough(facts))
		return (VmmChoice){ VMM_QEMU, ACCEL_KVM, "cloud-hypervisor is older than v52" };
	return (VmmChoice){ VMM_CLOUD_HYPERVISOR, ACCEL_KVM, "it is installed and KVM is usable" };
}

VmmChoice vmm_choose(const Spec *spec, const Facts *facts)
{
	bool kvm =
		spec->accel == ACCEL_KVM || (spec->accel == ACCEL_AUTO && facts->kvm == KVM_USABLE);

	switch (spec->vmm) {
	case VMM_CLOUD_HYPERVISOR:
		return (VmmChoice){ VMM_CLOUD_HYPERVISOR, ACCEL_KVM, "the spec says so" };
	case VMM_QEMU:
		if (kvm || spec->accel == ACCEL_TCG)
			return (VmmChoice){ VMM_QEMU, kvm ? ACCEL_KVM : ACCEL_TCG,
					    "the spec says so" };
		return (VmmChoice){ VMM_QEMU, ACCEL_TCG, kvm_state_to_words(facts->kvm) };
	case VMM_AUTO:
	case _VMM_KIND_MAX:
	default:
		return choose_automatically(facts, spec->accel, kvm);
	}
}

/* Collects faults; a failed allocation is kept in r. */
typedef struct Check {
	const Spec *spec;
	const Facts *facts;
	FaultList *faults;
	int r;
} Check;

static void check_add(Check *check, Fault *fault)
{
	int r = fault_list_take(check->faults, fault);

	if (r < 0)
		check->r = r;
}

static void check_program(Check *check, const Program *program, const char *name,
			  const char *what_for, const char *remedy)
{
	Fault fault = { 0 };

	if (program->path && program->error == 0)
		return;
	if (program->path) {
		(void) fault_set(&fault, program->error, MVMD_EXIT_PERMISSION, "program-denied",
				 "uid %u may not execute %s: %m", program->uid, program->path);
		(void) fault_evidence(&fault, "path", "%s", program->path);
		(void) fault_evidence(&fault, "uid", "%u", program->uid);
		(void) fault_remedy(&fault, "install %s where every user finds it: /usr/local/bin",
				    name);
	} else {
		(void) fault_set(&fault, -ENOENT, MVMD_EXIT_UNAVAILABLE, "program-missing",
				 "%s is not installed, and %s needs it", name, what_for);
		(void) fault_evidence(&fault, "program", "%s", name);
		(void) fault_remedy(&fault, "%s", remedy);
	}
	check_add(check, &fault);
}

/* A program that does not tell its version is not for that reason an old one. */
static void check_cloud_hypervisor_version(Check *check, const Program *program)
{
	Fault fault = { 0 };

	if (!program->path || cloud_hypervisor_is_new_enough(check->facts))
		return;
	if (!program->version) {
		(void) fault_set(&fault, -ENOEXEC, MVMD_EXIT_UNAVAILABLE, "vmm-version-unknown",
				 "%s does not tell its version, as cloud-hypervisor does",
				 program->path);
		(void) fault_evidence(&fault, "path", "%s", program->path);
		(void) fault_remedy(&fault,
				    "%s --version; put another one first in PATH, or set \"vmm\": "
				    "\"qemu\"",
				    program->path);
		check_add(check, &fault);
		return;
	}
	(void) fault_set(&fault, -EPROTONOSUPPORT, MVMD_EXIT_UNAVAILABLE, "vmm-too-old",
			 "cloud-hypervisor %s at %s is too old", program->version, program->path);
	(void) fault_evidence(&fault, "path", "%s", program->path);
	(void) fault_evidence(&fault, "version", "%s", program->version);
	(void) fault_why(&fault,
			 "mvmd needs v%d: older ones cannot tell a guest's power-off from a "
			 "crash and end when a backend is lost",
			 CLOUD_HYPERVISOR_MAJOR_MIN);
	(void) fault_remedy(&fault,
			    "install cloud-hypervisor v52 or newer, or set \"vmm\": \"qemu\"");
	check_add(check, &fault);
}

static void check_vmm(Check *check, const VmmChoice *choice)
{
	const Program *program = &check->facts->cloud_hypervisor;

	if (choice->vmm == VMM_QEMU) {
		check_program(
			check, &check->facts->qemu, "QEMU", "this VM",
			"apt install qemu-system-x86 (Debian), or install cloud-hypervisor v52 or "
			"newer on a host with KVM");
		return;
	}
	check_program(check, program, "cloud-hypervisor", "this VM",
		      "install cloud-hypervisor v52 or newer, or set \"vmm\": \"qemu\"");
	check_cloud_hypervisor_version(check, program);
}

static void check_kvm(Check *check, const VmmChoice *choice)
{
	const char *needs = choice->vmm == VMM_QEMU ? "\"accel\": \"kvm\"" : "cloud-hypervisor";
	Fault fault = { 0 };

	if (choice->accel != ACCEL_KVM)
		return;

	switch (check->facts->kvm) {
	case KVM_ABSENT:
		(void) fault_set(&fault, -ENOENT, MVMD_EXIT_UNAVAILABLE, "kvm-missing",
				 "there is no /dev/kvm, and %s needs it", needs);
		(void) fault_why(&fault, "the module is not loaded, virtualisation is off in the "
					 "firmware, or this host is itself a VM without it");
		(void) fault_remedy(&fault, "modprobe kvm_intel or kvm_amd; without KVM: \"vmm\": "
					    "\"qemu\" with \"accel\": \"tcg\"");
		break;
	case KVM_DENIED:
		(void) fault_set(&fault, -EACCES, MVMD_EXIT_PERMISSION, "kvm-denied",
				 "uid %u may not open /dev/kvm", check->facts->vm.uid);
		(void) fault_evidence(&fault, "uid", "%u", check->facts->vm.uid);
		(void) fault_remedy(&fault, "%s",
				    check->facts->euid == 0 ?
					    "chgrp kvm /dev/kvm && chmod 0660 /dev/kvm: mvmd gives "
					    "its VMs the group that owns /dev/kvm" :
					    "ls -l /dev/kvm; as root: usermod -aG kvm USER, and "
					    "log in again");
		break;
	case KVM_UNFIT:
		if (check->spec->accel == ACCEL_KVM)
			return; /* said on purpose: guests that need no paging do run */
		(void) fault_set(&fault, -ENODEV, MVMD_EXIT_UNAVAILABLE, "kvm-unfit",
				 "stock guests do not run on this host's /dev/kvm, and %s needs it",
				 needs);
		(void) fault_why(&fault, "the CPU shows neither VMX nor SVM: this is a paravirtual "
					 "KVM inside a VM");
		(void) fault_remedy(&fault,
				    "\"vmm\": \"qemu\" runs without KVM; \"accel\": \"kvm\" "
				    "tries it all the same");
		break;
	case KVM_USABLE:
	case _KVM_STATE_MAX:
	default:
		return;
	}
	check_add(check, &fault);
}

static void check_identity(Check *check)
{
	const Facts *facts = check->facts;
	bool switches = facts->vm.uid != facts->euid;
	Fault fault = { 0 };

	if (facts->user_error < 0) {
		(void) fault_set(&fault, facts->user_error, MVMD_EXIT_UNAVAILABLE, "user-missing",
				 "there is no user \"%s\" on this host", facts->unknown_user);
		(void) fault_evidence(&fault, "user", "%s", facts->unknown_user);
		(void) fault_remedy(&fault,
				    "useradd --system %s, or leave \"user\" out: each VM then "
				    "gets a uid of its own",
				    facts->unknown_user);
		check_add(check, &fault);
		return;
	}

	for (size_t i = 0; i < facts->n_shares; i++)
		if (check->spec->shares[i].source && facts->share_users[i].uid != facts->euid)
			switches = true;
	if (!switches || facts->setuid)
		return;
	(void) fault_set(&fault, -EPERM, MVMD_EXIT_PERMISSION, "setuid-denied",
			 "uid %u may not start programs as another user", facts->euid);
	(void) fault_evidence(&fault, "uid", "%u", facts->euid);
	(void) fault_why(&fault,
			 "a VM that a plain user runs is his: VMM and backends run as he does");
	(void) fault_remedy(&fault, "run mvmd as root, or leave out every \"user\"");
	check_add(check, &fault);
}

static void check_tun(Check *check)
{
	int error = check->facts->tun_error;
	Fault fault = { 0 };

	if (error < 0 && spec_needs_tun(check->spec)) {
		bool denied = error == -EACCES || error == -EPERM;

		(void) fault_set(
			&fault, error, denied ? MVMD_EXIT_PERMISSION : MVMD_EXIT_UNAVAILABLE,
			denied ? "tun-denied" : "tun-missing", "cannot open /dev/net/tun: %m");
		(void) fault_remedy(
			&fault, "%s",
			denied ? "as root: chmod 0666 /dev/net/tun, as udev has it; in a "
				 "container or unit allow it the device "
				 "(DeviceAllow=/dev/net/tun)" :
				 "modprobe tun; give a container the device");
		check_add(check, &fault);
	}
	if (!check->facts->net_admin && spec_needs_links(check->spec)) {
		(void) fault_set(
			&fault, -EPERM, MVMD_EXIT_PERMISSION, "net-admin-missing",
			"cannot make taps and attach them to bridges: CAP_NET_ADMIN is missing");
		(void) fault_evidence(&fault, "uid", "%u", check->facts->euid);
		(void) fault_remedy(
			&fault, "%s",
			check->facts->euid == 0 ?
				"this container or unit took it from root: give it "
				"back (--cap-add NET_ADMIN, CapabilityBoundingSet=)" :
				"a plain user's ways: \"attach\": \"passt\", which needs no "
				"right, and \"attach\": \"helper\", where qemu-bridge-helper makes "
				"the tap; or run mvmd as root");
		check_add(check, &fault);
	}
}

static void check_bridges(Check *check)
{
	for (size_t i = 0; i < check->facts->n_interfaces; i++) {
		const SpecInterface *interface = &check->spec->interfaces[i];
		const BridgeFact *bridge = &check->facts->bridges[i];
		Fault fault = { 0 };

		if (!interface->bridge || !bridge->ifindex || bridge->is_bridge)
			continue;
		(void) fault_set(&fault, -EINVAL, MVMD_EXIT_UNAVAILABLE, "not-a-bridge",
				 "interface %s: %s is no bridge", interface->id, interface->bridge);
		(void) fault_evidence(&fault, "bridge", "%s", interface->bridge);
		(void) fault_remedy(&fault,
				    "ip -d link show %s; \"bridge\" takes the name of a bridge",
				    interface->bridge);
		check_add(check, &fault);
	}
}

static void check_virtiofsd(Check *check, const SpecShare *share, const Identity *user)
{
	const Facts *facts = check->facts;
	Fault fault = { 0 };

	if (!share->source || !facts->virtiofsd.path)
		return;

	if (facts->virtiofsd_is_c && user->uid != 0) {
		(void) fault_set(&fault, -EPERM, MVMD_EXIT_UNAVAILABLE, "virtiofsd-c-needs-root",
				 "share %s: the only virtiofsd here, %s, serves only as root",
				 share->id, facts->virtiofsd.path);
		(void) fault_why(&fault, "it is QEMU's old one, written in C");
		(void) fault_evidence(&fault, "path", "%s", facts->virtiofsd.path);
		(void) fault_evidence(&fault, "share", "%s", share->id);
		(void) fault_remedy(&fault,
				    "install the Rust virtiofsd (package virtiofsd), or set "
				    "\"user\": \"root\" on the share");
		check_add(check, &fault);
	} else if (facts->virtiofsd_is_c && share->readonly) {
		(void) fault_set(&fault, -ENOTSUP, MVMD_EXIT_UNAVAILABLE, "virtiofsd-c-writes",
				 "share %s: the only virtiofsd here, %s, cannot serve read-only",
				 share->id, facts->virtiofsd.path);
		(void) fault_why(&fault, "it is QEMU's old one, written in C");
		(void) fault_evidence(&fault, "path", "%s", facts->virtiofsd.path);
		(void) fault_evidence(&fault, "share", "%s", share->id);
		(void) fault_remedy(&fault,
				    "install the Rust virtiofsd (package virtiofsd), or take "
				    "\"readonly\" off and mount it read-only in the guest");
		check_add(check, &fault);
	} else if (!facts->virtiofsd_is_c && user->uid != 0 && !facts->user_namespaces) {
		(void) fault_set(&fault, -EPERM, MVMD_EXIT_UNAVAILABLE, "user-namespaces-off",
				 "share %s: virtiofsd cannot make its sandbox as uid %u", share->id,
				 user->uid);
		(void) fault_why(&fault, "user namespaces are switched off for ordinary users");
		(void) fault_evidence(&fault, "share", "%s", share->id);
		(void) fault_evidence(&fault, "uid", "%u", user->uid);
		(void) fault_remedy(
			&fault,
			"sysctl user.max_user_namespaces=10000 (and "
			"kernel.unprivileged_userns_clone=1, "
			"kernel.apparmor_restrict_unprivileged_userns=0 where they exist)%s",
			facts->euid == 0 ? ", or set \"user\": \"root\" on the share" : "");
		check_add(check, &fault);
	}
}

static void check_backends(Check *check)
{
	const Spec *spec = check->spec;
	bool share = false, storage = false;

	for (size_t i = 0; i < spec->n_shares; i++) {
		share |= spec->shares[i].source != NULL;
		check_virtiofsd(check, &spec->shares[i], &check->facts->share_users[i]);
	}
	for (size_t i = 0; i < spec->n_disks; i++)
		storage |= spec->disks[i].backend == DISK_BY_STORAGE_DAEMON;

	if (share)
		check_program(check, &check->facts->virtiofsd, "virtiofsd", "a share",
			      "apt install virtiofsd (Debian 13, Ubuntu 24.04, Fedora, Arch), or "
			      "cargo install virtiofsd");
	if (storage)
		check_program(check, &check->facts->storage_daemon, "qemu-storage-daemon",
			      "\"backend\": \"storage-daemon\"",
			      "apt install qemu-system-common (Debian 12), qemu-utils, or set "
			      "\"backend\": \"vmm\"");
}

static void check_vsock(Check *check, const VmmChoice *choice)
{
	Fault fault = { 0 };

	if (!spec_needs_vsock(check->spec) || choice->vmm != VMM_QEMU ||
	    check->facts->vsock_error == 0)
		return;
	if (device_is_refused(check->spec, "/dev/vhost-vsock", 0, check->facts->vsock_error,
			      &fault)) {
		check_add(check, &fault);
		return;
	}
	(void) fault_set(&fault, check->facts->vsock_error, MVMD_EXIT_UNAVAILABLE, "vsock-missing",
			 "cannot open /dev/vhost-vsock: %m");
	(void) fault_why(&fault, "QEMU's vsock needs the host's vhost-vsock module");
	if (check->spec->ready == READY_GUEST)
		(void) fault_why(&fault, "over QEMU's vsock the guest says that it is ready; it "
					 "needs the host's vhost-vsock module");
	(void) fault_remedy(&fault,
			    "modprobe vhost_vsock, %s, or use cloud-hypervisor, which needs no "
			    "module for it",
			    check->spec->ready == READY_GUEST ? "set \"ready\": \"vmm\"" :
								"leave \"vsock\" out");
	check_add(check, &fault);
}

static const char *path_role_to_words(PathRole role)
{
	static const char *const words[_PATH_ROLE_MAX] = {
		[PATH_KERNEL] = "kernel",	[PATH_INITRAMFS] = "initramfs",
		[PATH_FIRMWARE] = "firmware",	[PATH_DISK] = "disk",
		[PATH_DISK_SOCKET] = "socket",	[PATH_SHARE] = "shared folder",
		[PATH_SHARE_SOCKET] = "socket", [PATH_INTERFACE_SOCKET] = "socket",
	};

	return role < _PATH_ROLE_MAX ? words[role] : "path";
}

static bool path_has_right_type(const PathFact *path)
{
	switch (path->role) {
	case PATH_DISK:
		return S_ISREG(path->mode) || S_ISBLK(path->mode);
	case PATH_SHARE:
		return S_ISDIR(path->mode);
	case PATH_DISK_SOCKET:
	case PATH_SHARE_SOCKET:
	case PATH_INTERFACE_SOCKET:
		return S_ISSOCK(path->mode);
	case PATH_KERNEL:
	case PATH_INITRAMFS:
	case PATH_FIRMWARE:
	case _PATH_ROLE_MAX:
	default:
		return S_ISREG(path->mode);
	}
}

static const char *file_type_to_words(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a directory";
	if (S_ISREG(mode))
		return "a regular file";
	if (S_ISBLK(mode))
		return "a block device";
	if (S_ISCHR(mode))
		return "a character device";
	if (S_ISSOCK(mode))
		return "a socket";
	return "a pipe";
}

static bool path_is_socket(const PathFact *path)
{
	return path->role == PATH_DISK_SOCKET || path->role == PATH_SHARE_SOCKET ||
	       path->role == PATH_INTERFACE_SOCKET;
}

/* Who opens it: the share's user for a share, else the VM's. */
static uid_t path_uid(const Check *check, const PathFact *path)
{
	if (path->role == PATH_SHARE)
		return check->facts->share_users[path->index].uid;
	return check->facts->vm.uid;
}

static void check_path_error(Check *check, const PathFact *path)
{
	const char *role = path_role_to_words(path->role);
	bool denied = path->error == -EACCES || path->error == -EPERM;
	Fault fault = { 0 };

	if (device_is_refused(check->spec, path->path, path->mode, path->error, &fault) ||
	    path_is_out_of_view(check->spec, check->facts, path, &fault)) {
		check_add(check, &fault);
		return;
	}
	(void) fault_set(&fault, path->error, denied ? MVMD_EXIT_PERMISSION : MVMD_EXIT_UNAVAILABLE,
			 denied ? "path-denied" : "path-unusable", "uid %u cannot open %s %s: %m",
			 path_uid(check, path), role, path->path);
	(void) fault_evidence(&fault, "path", "%s", path->path);
	(void) fault_evidence(&fault, "uid", "%u", path_uid(check, path));
	if (path->blocked_at)
		(void) fault_evidence(&fault, "blocked_at", "%s", path->blocked_at);
	if (path->blocked_at && !streq(path->blocked_at, path->path))
		(void) fault_why(&fault, denied ? "it may not pass %s" : "%s: %m",
				 path->blocked_at);
	if (denied)
		(void) fault_remedy(&fault, "mvmd grant %s", check->spec->name);
	else if (path->error == -ENOENT)
		(void) fault_remedy(&fault, "correct the path in %s, or put the %s there",
				    check->spec->file, role);
	else if (path->error == -EROFS)
		(void) fault_remedy(&fault, "set \"readonly\": true on the disk, or mount its file "
					    "system writable");
	check_add(check, &fault);
}

static void check_path_type(Check *check, const PathFact *path)
{
	Fault fault = { 0 };

	(void) fault_set(&fault, -EINVAL, MVMD_EXIT_UNAVAILABLE, "path-wrong-type", "%s %s is %s",
			 path_role_to_words(path->role), path->path,
			 file_type_to_words(path->mode));
	(void) fault_evidence(&fault, "path", "%s", path->path);
	(void) fault_evidence(&fault, "kind", "%s", file_type_to_words(path->mode));
	(void) fault_remedy(&fault, "correct the path in %s", check->spec->file);
	check_add(check, &fault);
}

static void check_paths(Check *check)
{
	for (size_t i = 0; i < check->facts->n_paths; i++) {
		const PathFact *path = &check->facts->paths[i];

		if (path->mode && !path_has_right_type(path))
			check_path_type(check, path);
		else if (path->error == -ENOENT && path_is_socket(path))
			continue; /* awaited: plan_awaited() */
		else if (path->error < 0)
			check_path_error(check, path);
	}
}

/* What the path itself is wrong with is said by check_paths(). */
static void check_kernel(Check *check, const VmmChoice *choice)
{
	const PathFact *path = facts_path(check->facts, PATH_KERNEL, 0);
	Fault fault = { 0 };

	if (path && path->error == 0 && S_ISREG(path->mode) &&
	    kernel_problem(check->spec, check->facts, choice->vmm, &fault))
		check_add(check, &fault);
}

int plan_problems(const Spec *spec, const Facts *facts, FaultList *faults)
{
	VmmChoice choice = vmm_choose(spec, facts);
	Check check = { .spec = spec, .facts = facts, .faults = faults };

	check_identity(&check);
	check_vmm(&check, &choice);
	check_kvm(&check, &choice);
	check_tun(&check);
	check_bridges(&check);
	check_backends(&check);
	if (check.r == 0)
		check.r = netns_problems(spec, facts, faults);
	if (check.r == 0)
		check.r = attach_problems(spec, facts, faults);
	check_vsock(&check, &choice);
	check_paths(&check);
	check_kernel(&check, &choice);
	if (check.r == 0)
		check.r = helper_problems(spec, facts, faults);
	if (check.r == 0)
		check.r = ports_problems(spec, facts, faults);
	if (check.r == 0)
		check.r = plan_sandbox(spec, facts, &choice, faults);
	if (check.r == 0)
		check.r = credentials_problems(spec, facts, faults);
	faults_in_netns(spec->netns, faults);
	return check.r < 0 ? check.r : plan_limits(spec, facts, faults);
}

/* Which bridge was perhaps meant; else how to make it. */
static void bridge_evidence(const Facts *facts, const char *bridge, Fault *fault)
{
	const char *nearest = nearest_name(bridge, (const char *const *) facts->bridge_names.items,
					   facts->bridge_names.n);

	(void) fault_evidence(fault, "bridge", "%s", bridge);
	if (!nearest) {
		(void) fault_remedy(fault, "ip link add %s type bridge && ip link set %s up",
				    bridge, bridge);
		return;
	}
	(void) fault_evidence(fault, "nearest", "%s", nearest);
	(void) fault_why(fault, "is it misspelt? there is a bridge %s", nearest);
	(void) fault_remedy(fault,
			    "set interfaces[].bridge to \"%s\", or make it: ip link add %s type "
			    "bridge && ip link set %s up",
			    nearest, bridge, bridge);
}

int plan_awaited(const Spec *spec, const Facts *facts, FaultList *faults)
{
	Check check = { .spec = spec, .facts = facts, .faults = faults };
	char text[FORMAT_MAX];
	Fault fault = { 0 };

	for (size_t i = 0; i < facts->n_interfaces; i++) {
		const char *bridge = spec->interfaces[i].bridge;

		if (!bridge || facts->bridges[i].ifindex || spec_makes_bridge(spec, bridge))
			continue;
		(void) fault_set(&fault, -ENODEV, MVMD_EXIT_UNAVAILABLE, "bridge-missing",
				 "interface %s: there is no bridge %s yet; a start waits %s for it",
				 spec->interfaces[i].id, bridge,
				 format_duration(text, spec->timeouts.bridge_usec));
		bridge_evidence(facts, bridge, &fault);
		check_add(&check, &fault);
	}
	if (check.r == 0)
		check.r = attach_awaited(spec, facts, faults);
	for (size_t i = 0; i < facts->n_paths; i++) {
		const PathFact *path = &facts->paths[i];

		if (!path_is_socket(path) || path->error != -ENOENT)
			continue;
		(void) fault_set(&fault, -ENOENT, MVMD_EXIT_UNAVAILABLE, "socket-not-listening",
				 "nobody listens on %s yet; a start waits %s for it", path->path,
				 format_duration(text, spec->timeouts.backend_usec));
		(void) fault_evidence(&fault, "path", "%s", path->path);
		(void) fault_remedy(&fault, "start the backend that serves it");
		check_add(&check, &fault);
	}
	faults_in_netns(spec->netns, faults);
	return check.r;
}
