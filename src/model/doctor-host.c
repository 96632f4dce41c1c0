/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "model/doctor.h"
#include "model/link-faults.h"
#include "mvmd/exit-codes.h"

static bool is_root(const Survey *host)
{
	return host->facts.euid == 0;
}

/* What a user lacks, root may have; then it is no fault of the host. */
static DoctorLevel level_of_right(const Survey *host, const char *vm)
{
	return is_root(host) ? doctor_level_by_need(vm) : DOCTOR_NOTE;
}

/* Without specs it is the next VM that wants it. */
static DoctorLevel level_of_kvm(const HostNeeds *needs)
{
	return needs->kvm || needs->n_specs == 0 ? DOCTOR_WARNING : DOCTOR_NOTE;
}

static void kvm_missing(Doctor *doctor, const Survey *host, const HostNeeds *needs)
{
	Fault fault = { 0 };

	(void) fault_set(&fault, -ENOENT, MVMD_EXIT_UNAVAILABLE, "kvm-missing",
			 "there is no /dev/kvm: VMs run under emulation, many times slower");
	if (host->cpu_has_virtualization) {
		(void) fault_why(&fault, "the CPU can, so the module is not loaded, or what mvmd "
					 "runs in (a container) lacks the device");
		(void) fault_remedy(&fault, "modprobe kvm_intel, or kvm_amd; dmesg | grep -i kvm "
					    "tells why it fails");
	} else {
		(void) fault_why(&fault, "the CPU shows neither VMX nor SVM: virtualisation is off "
					 "in the firmware, or this host is itself a VM without it");
		(void) fault_remedy(&fault, "switch virtualisation on in the firmware; of a VM: "
					    "nested virtualisation in its host");
	}
	doctor_take(doctor, "kvm", level_of_kvm(needs), &fault);
}

static void kvm_denied(Doctor *doctor, const Survey *host, const HostNeeds *needs)
{
	Fault fault = { 0 };

	(void) fault_set(&fault, -EACCES, MVMD_EXIT_PERMISSION, "kvm-denied",
			 "%s may not open /dev/kvm", is_root(host) ? "a VM's user" : "this user");
	if (is_root(host))
		(void) fault_remedy(&fault, "chgrp kvm /dev/kvm && chmod 0660 /dev/kvm: mvmd gives "
					    "its VMs the group that owns /dev/kvm");
	else
		(void) fault_remedy(&fault, "where VMs are to run as this user, put it into the "
					    "group that owns /dev/kvm: usermod -aG kvm USER");
	doctor_take(doctor, "kvm", is_root(host) ? level_of_kvm(needs) : DOCTOR_NOTE, &fault);
}

static void judge_kvm(Doctor *doctor, const Survey *host, const HostNeeds *needs)
{
	Fault fault = { 0 };

	switch (host->facts.kvm) {
	case KVM_ABSENT:
		kvm_missing(doctor, host, needs);
		break;
	case KVM_DENIED:
		kvm_denied(doctor, host, needs);
		break;
	case KVM_UNFIT:
		(void) fault_set(&fault, -ENODEV, MVMD_EXIT_UNAVAILABLE, "kvm-unfit",
				 "/dev/kvm is there, and stock guests do not run on it: VMs run "
				 "under emulation, many times slower");
		(void) fault_why(&fault, "the CPU shows neither VMX nor SVM: this is a paravirtual "
					 "KVM inside a VM");
		(void) fault_remedy(&fault, "use a host with nested virtualisation");
		doctor_take(doctor, "kvm", level_of_kvm(needs), &fault);
		break;
	case KVM_USABLE:
	case _KVM_STATE_MAX:
	default:
		doctor_ok(doctor, "kvm", "/dev/kvm is usable by %s",
			  is_root(host) ? "the VMs' users" : "this user");
	}
}

static void judge_tun(Doctor *doctor, const Survey *host, const HostNeeds *needs)
{
	int error = host->facts.tun_error;
	bool denied = error == -EACCES || error == -EPERM;
	Fault fault = { 0 };

	if (error < 0) {
		(void) fault_set(&fault, error,
				 denied ? MVMD_EXIT_PERMISSION : MVMD_EXIT_UNAVAILABLE,
				 denied ? "tun-denied" : "tun-missing",
				 "no VM with an interface can start here: cannot open "
				 "/dev/net/tun: %m");
		(void) fault_remedy(&fault, "%s",
				    denied ? "as root: chmod 0666 /dev/net/tun, as udev has it" :
					     "modprobe tun; for a container: let it have "
					     "/dev/net/tun");
		doctor_take(doctor, "tun",
			    denied ? level_of_right(host, needs->interfaces) :
				     doctor_level_by_need(needs->interfaces),
			    &fault);
	} else if (host->facts.net_admin) {
		doctor_ok(doctor, "tun", "taps can be made");
	}
	if (host->facts.net_admin)
		return;
	(void) fault_set(&fault, -EPERM, MVMD_EXIT_PERMISSION, "net-admin-missing",
			 "taps cannot be made and put on bridges: CAP_NET_ADMIN is missing");
	(void) fault_remedy(
		&fault, is_root(host) ? "let the container that mvmd runs in have it" :
					"a plain user has \"attach\": \"passt\" and \"helper\", "
					"mvmd-network(7); or run mvmd as root");
	doctor_take(doctor, "tun", level_of_right(host, needs->interfaces), &fault);
}

static char *join(const StrList *names)
{
	StrBuf buf = { 0 };
	char *text = NULL;

	for (size_t i = 0; i < names->n; i++)
		str_buf_add(&buf, "%s%s", i > 0 ? ", " : "", names->items[i]);
	return str_buf_take(&buf, &text) < 0 ? NULL : text;
}

static void judge_bridge(Doctor *doctor, const Survey *host, const HostNeeds *needs)
{
	_cleanup_free_ char *names = join(&host->bridges);
	Fault fault = { 0 };

	if (host->bridges.n > 0) {
		doctor_ok(doctor, "bridge", "there is %s", names ?: "one");
	} else if (host->bridge_module == MODULE_ABSENT) {
		(void) fault_set(&fault, -EOPNOTSUPP, MVMD_EXIT_UNAVAILABLE, "bridge-unsupported",
				 "this kernel, %s, has no bridges, which VMs with interfaces need",
				 host->facts.host.release ?: "?");
		(void) fault_why(&fault, "it has neither a bridge driver nor a module of it");
		(void) fault_remedy(&fault,
				    "install the kernel's modules, or boot a kernel that has "
				    "them; after an upgrade of the kernel: reboot");
		(void) fault_evidence(&fault, "kernel", "%s", host->facts.host.release ?: "");
		doctor_take(doctor, "bridge", doctor_level_by_need(needs->interfaces), &fault);
	} else {
		doctor_ok(doctor, "bridge",
			  "there is none yet; one is made by: ip link add br0 type bridge");
	}
}

/* Only where a bridge is there, or a VM will want one. */
static void judge_bridge_netfilter(Doctor *doctor, const Survey *host, const HostNeeds *needs)
{
	bool ipv4 = host->bridge_iptables > 0, ipv6 = host->bridge_ip6tables > 0;
	Fault fault = { 0 };

	if ((!ipv4 && !ipv6) || (host->bridges.n == 0 && !needs->interfaces))
		return;
	(void) fault_bridge_netfilter(ipv4, ipv6, &fault);
	(void) fault_evidence(&fault, "iptables", "%ld", host->bridge_iptables);
	(void) fault_evidence(&fault, "ip6tables", "%ld", host->bridge_ip6tables);
	doctor_take(doctor, "bridge", doctor_level_by_need(needs->interfaces), &fault);
}

/* "auto" takes QEMU where cloud-hypervisor, which needs no module for it, does not do. */
static const char *who_needs_vsock(const Survey *host, const HostNeeds *needs)
{
	const Spec automatic = { .vmm = VMM_AUTO, .accel = ACCEL_AUTO };

	if (!needs->vsock_of_qemu && vmm_choose(&automatic, &host->facts).vmm == VMM_QEMU)
		return needs->vsock_of_auto;
	return needs->vsock_of_qemu;
}

static void judge_vhost(Doctor *doctor, const Survey *host, const HostNeeds *needs)
{
	const char *vm = who_needs_vsock(host, needs);
	Fault fault = { 0 };

	doctor_ok(doctor, "vhost-net",
		  host->vhost_net ?
			  "/dev/vhost-net is there, for QEMU with KVM" :
			  "there is no /dev/vhost-net: QEMU moves the frames of taps itself");
	if (host->facts.vsock_error == 0 || !vm) {
		doctor_ok(doctor, "vhost-vsock", "/dev/vhost-vsock is %s",
			  host->facts.vsock_error == 0 ? "usable" :
							 "not usable; no VM here needs it");
		return;
	}
	(void) fault_set(&fault, host->facts.vsock_error, MVMD_EXIT_UNAVAILABLE, "vsock-missing",
			 "QEMU cannot give a VM a vsock: cannot open /dev/vhost-vsock: %m");
	(void) fault_why(&fault, "the VM %s has a vsock", vm);
	(void) fault_remedy(&fault,
			    "modprobe vhost_vsock; cloud-hypervisor needs no module for it");
	doctor_take(doctor, "vhost-vsock", level_of_right(host, vm), &fault);
}

/* Each that is set so that virtiofsd cannot make its sandbox, as sysctl(8) would set it right. */
static char *userns_remedy(const Survey *host)
{
	return str_printf(
		"sysctl -w%s%s%s, and the same in a file of /etc/sysctl.d; or set "
		"\"user\": \"root\" on the share",
		host->max_user_namespaces <= 0 ? " user.max_user_namespaces=10000" : "",
		host->userns_clone == 0 ? " kernel.unprivileged_userns_clone=1" : "",
		host->apparmor_userns > 0 ? " kernel.apparmor_restrict_unprivileged_userns=0" : "");
}

static void judge_user_namespaces(Doctor *doctor, const Survey *host, const HostNeeds *needs)
{
	_cleanup_free_ char *remedy = NULL;
	Fault fault = { 0 };

	if (host->facts.user_namespaces) {
		doctor_ok(doctor, "user-namespaces", "ordinary users can make them");
		return;
	}
	remedy = userns_remedy(host);
	(void) fault_set(&fault, -EPERM, MVMD_EXIT_PERMISSION, "user-namespaces-off",
			 "virtiofsd cannot make its sandbox as an ordinary user");
	(void) fault_why(&fault, "user namespaces are switched off for ordinary users");
	(void) fault_remedy(&fault, "%s", remedy ?: "sysctl -a | grep userns");
	doctor_take(doctor, "user-namespaces", doctor_level_by_need(needs->shares), &fault);
}

static void judge_rights(Doctor *doctor, const Survey *host)
{
	Fault fault = { 0 };

	if (is_root(host))
		return;
	(void) fault_set(&fault, 0, MVMD_EXIT_OK, "doctor-unprivileged",
			 "this look was one of uid %u: rights are told as this user has them, and "
			 "who holds a tap or a lock may not show",
			 host->facts.euid);
	(void) fault_remedy(&fault, "sudo mvmd doctor tells how it is for VMs that root starts");
	doctor_take(doctor, "rights", DOCTOR_NOTE, &fault);
}

void doctor_judge_host(Doctor *doctor, const Survey *host, const HostNeeds *needs)
{
	judge_kvm(doctor, host, needs);
	doctor_judge_programs(doctor, host, needs);
	judge_tun(doctor, host, needs);
	judge_bridge(doctor, host, needs);
	judge_bridge_netfilter(doctor, host, needs);
	judge_vhost(doctor, host, needs);
	judge_user_namespaces(doctor, host, needs);
	doctor_judge_limits(doctor, host, needs);
	judge_rights(doctor, host);
}
