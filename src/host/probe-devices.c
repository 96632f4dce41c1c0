/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "host/access.h"
#include "host/networkd.h"
#include "host/probe-devices.h"
#include "host/probe.h"
#include "host/vhost.h"

#define KVM_DEVICE "/dev/kvm"

/*
 * Not from /proc/cpuinfo, which takes a millisecond for each dozen of CPUs. Intel SDM vol. 2 CPUID:
 * leaf 1, ECX bit 5 is VMX; AMD APM vol. 3: leaf 8000_0001h, ECX bit 2 is SVM. Every
 * CPU of 64 bits has both leaves; to ask which it has would leave the guest twice more where this host is a VM.
 */
bool cpu_runs_stock_guests(void)
{
#ifdef __x86_64__
	unsigned eax, ebx, ecx, edx;

	__cpuid(1, eax, ebx, ecx, edx);
	if (ecx & 1U << 5)
		return true;
	__cpuid(0x80000001, eax, ebx, ecx, edx);
	return ecx & 1U << 2;
#else
	return true;
#endif
}

/*
 * The VMM gets the group of /dev/kvm where that helps; never group 0, which would open far more. A user
 * that is no other than ourselves keeps the groups that it has.
 */
static void join_kvm_group(Facts *facts, const struct stat *st)
{
	const mode_t group_may = S_IRGRP | S_IWGRP;

	if (facts->euid == 0 && st->st_gid != 0 && (st->st_mode & group_may) == group_may)
		facts->vm.groups[facts->vm.n_groups++] = st->st_gid;
}

static void probe_kvm(const Spec *spec, Facts *facts)
{
	struct stat st;
	int fd;

	facts->kvm = KVM_ABSENT;
	if ((spec->accel == ACCEL_TCG && spec->vmm != VMM_CLOUD_HYPERVISOR) ||
	    stat(KVM_DEVICE, &st) < 0)
		return;
	join_kvm_group(facts, &st);
	fd = open_as(&facts->vm, KVM_DEVICE, O_RDWR);
	if (fd >= 0)
		facts->kvm = cpu_runs_stock_guests() ? KVM_USABLE : KVM_UNFIT;
	else if (fd == -EACCES || fd == -EPERM)
		facts->kvm = KVM_DENIED;
	(void) close_fd(fd);
}

long sysctl_read(const char *path, long otherwise)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[32] = "";

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return otherwise;
	return strtol(text, NULL, 10);
}

/* The second is Debian's and Arch's patch, the third Ubuntu's. */
static bool user_namespaces_usable(void)
{
	return sysctl_read("/proc/sys/user/max_user_namespaces", 0) > 0 &&
	       sysctl_read("/proc/sys/kernel/unprivileged_userns_clone", 1) != 0 &&
	       sysctl_read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 0) == 0;
}

static int try_device(const Identity *identity, const char *path)
{
	int fd = open_as(identity, path, O_RDWR);

	if (fd < 0)
		return fd;
	(void) close_fd(fd);
	return 0;
}

/* Only QEMU's taps can be vhost-net's, and only with KVM (hw/net/virtio-net.c: it wants the VMM's irqfds). */
void probe_vhost_net(const Spec *spec, Facts *facts)
{
	const bool qemu =
		spec->vmm == VMM_QEMU || (spec->vmm == VMM_AUTO && !facts->cloud_hypervisor.path);

	facts->vhost_net = qemu && spec->n_interfaces > 0 && facts->kvm == KVM_USABLE &&
			   spec->accel != ACCEL_TCG && try_device(NULL, VHOST_NET_DEVICE) == 0;
}

void probe_devices(const Spec *spec, Facts *facts)
{
	probe_kvm(spec, facts);
	if (spec_needs_tun(spec))
		facts->tun_error = try_device(NULL, "/dev/net/tun");
	if (spec_needs_vsock(spec))
		facts->vsock_error = try_device(&facts->vm, "/dev/vhost-vsock");
	if (spec_has_attach(spec, ATTACH_NETWORKD))
		facts->networkd_runs = networkd_is_running();
	if (spec->n_shares > 0 || spec_has_attach(spec, ATTACH_PASST))
		facts->user_namespaces = user_namespaces_usable();
}
