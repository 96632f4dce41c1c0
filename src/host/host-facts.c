/* SPDX-License-Identifier: Apache-2.0 */
#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "host/host-facts.h"

/* The first character of a parameter or sysctl, which is all there is to a switch; NUL: there is none. */
static char read_switch(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char c = '\0';

	if (fd < 0 || read(fd, &c, 1) != 1)
		return '\0';
	return c;
}

/* kvm_intel writes "Y", kvm_amd "1". */
static bool is_on(char c)
{
	return c == 'Y' || c == '1';
}

#ifdef __x86_64__
/*
 * AMD APM vol. 3, CPUID leaf 1, EAX: family and model, each with an extension. The models are those that Linux takes
 * virtual VMLOAD and VMSAVE from (a5ca1dc46a6b, arch/x86/kernel/cpu/amd.c).
 */
static bool is_zen4_client(unsigned eax)
{
	unsigned family = (eax >> 8 & 0xf) + (eax >> 20 & 0xff);
	unsigned model = (eax >> 4 & 0xf) | (eax >> 12 & 0xf0);

	return family == 0x19 &&
	       ((model >= 0x18 && model <= 0x1f) || (model >= 0x60 && model <= 0x7f));
}

/* Each CPUID leaves the guest where this host is itself a VM, so as few as can be. */
static void probe_cpu(HostFacts *host)
{
	unsigned eax, ebx, ecx, edx;

	__cpuid(0, eax, ebx, ecx, edx);
	host->holds[HOST_AMD_CPU] =
		ebx == signature_AMD_ebx && ecx == signature_AMD_ecx && edx == signature_AMD_edx;
	if (!host->holds[HOST_AMD_CPU])
		return;
	__cpuid(1, eax, ebx, ecx, edx);
	host->holds[HOST_ZEN4_CLIENT_CPU] = is_zen4_client(eax);
}
#else
static void probe_cpu(HostFacts *host)
{
}
#endif

int host_facts_probe(HostFacts *ret)
{
	HostFacts host = { 0 };
	struct utsname names;

	if (uname(&names) == 0 && (str_set(&host.release, names.release) < 0 ||
				   str_set(&host.build, names.version) < 0)) {
		host_facts_done(&host);
		return -ENOMEM;
	}
	*ret = host;
	return 0;
}

void host_switches_probe(HostFacts *host)
{
	probe_cpu(host);
	host->holds[HOST_NESTED_KVM] =
		is_on(read_switch("/sys/module/kvm_intel/parameters/nested")) ||
		is_on(read_switch("/sys/module/kvm_amd/parameters/nested"));
	host->holds[HOST_IO_URING_DISABLED] =
		read_switch("/proc/sys/kernel/io_uring_disabled") == '2';
}
