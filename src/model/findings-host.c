/* SPDX-License-Identifier: Apache-2.0 */
#include "model/findings.h"

static const Finding findings[] = {
	{ .id = "program-missing",
	  .severity = FINDING_ERROR,
	  .title = "a program is not installed",
	  .what = "A VMM or backend that the spec needs was not found.",
	  .why = "It is not installed, or lies where neither PATH nor the standard folders "
		 "lead.",
	  .remedy = "Install it: cloud-hypervisor, qemu-system-x86, virtiofsd, qemu-storage-daemon "
		    "(qemu-utils).",
	  .evidence = "program" },
	{ .id = "program-denied",
	  .severity = FINDING_ERROR,
	  .title = "the VM's user may not start a program",
	  .what = "The program is there, and the VM's user may not execute it.",
	  .why = "It was installed for one user, below a home folder for instance.",
	  .remedy = "Install it where every user finds it: /usr/local/bin.",
	  .evidence = "path, uid" },
	{ .id = "spawn-failed",
	  .severity = FINDING_ERROR,
	  .title = "a program could not be started",
	  .what = "fork(2), execve(2) or what comes between them failed.",
	  .why = "The message names the step and the kernel's reason: a missing right, a "
		 "missing interpreter or a limit on processes.",
	  .remedy = "Start it by hand as that user; look at the limits: ulimit -a.",
	  .evidence = "path, stage" },
	{ .id = "vmm-too-old",
	  .severity = FINDING_ERROR,
	  .title = "the VMM is too old",
	  .what = "The cloud-hypervisor that was found is older than mvmd needs.",
	  .why = "Versions before v52 cannot tell a guest's power-off from a crash, and end "
		 "when a backend is lost.",
	  .remedy = "Install cloud-hypervisor v52 or later, or set \"vmm\": \"qemu\".",
	  .evidence = "path, version" },
	{ .id = "vmm-version-unknown",
	  .severity = FINDING_ERROR,
	  .title = "the VMM does not tell its version",
	  .what = "A program called cloud-hypervisor does not answer --version as "
		  "cloud-hypervisor does.",
	  .why = "It is a wrapper, is broken, or is something else.",
	  .remedy = "Look: cloud-hypervisor --version.",
	  .evidence = "path" },
	{ .id = "kvm-missing",
	  .severity = FINDING_ERROR,
	  .title = "there is no /dev/kvm",
	  .what = "The VMM needs KVM, and the host does not offer it.",
	  .why = "The module is not loaded, virtualisation is off in the firmware, or this host "
		 "is itself a VM without it.",
	  .remedy = "modprobe kvm_intel or kvm_amd; switch virtualisation on in the firmware; "
		    "without KVM: \"vmm\": \"qemu\" with \"accel\": \"tcg\"." },
	{ .id = "kvm-denied",
	  .severity = FINDING_ERROR,
	  .title = "the VM's user may not open /dev/kvm",
	  .what = "KVM is there, and not for the group that mvmd gives its VMs.",
	  .why = "mvmd gives a VM the group that owns /dev/kvm; here that group has no right to "
		 "it.",
	  .remedy = "chgrp kvm /dev/kvm && chmod 0660 /dev/kvm; a udev rule makes it last.",
	  .evidence = "uid" },
	{ .id = "kvm-unfit",
	  .severity = FINDING_ERROR,
	  .title = "stock guests do not run on this KVM",
	  .what = "There is a /dev/kvm on a CPU that shows neither VMX nor SVM.",
	  .why = "It is a paravirtual KVM inside another VM, which runs special kernels only.",
	  .remedy = "Use a host with nested virtualisation, or \"vmm\": \"qemu\" with \"accel\": "
		    "\"tcg\"." },
	{ .id = "vsock-missing",
	  .severity = FINDING_ERROR,
	  .title = "QEMU's vsock needs a module",
	  .what = "/dev/vhost-vsock cannot be opened.",
	  .why = "QEMU serves vsock by the host's vhost-vsock module; cloud-hypervisor needs "
		 "none.",
	  .remedy = "modprobe vhost_vsock; or leave \"vsock\" out, or use cloud-hypervisor." },
	{ .id = "unix-diag-missing",
	  .severity = FINDING_ERROR,
	  .title = "the kernel cannot tell who listens",
	  .what = "Whether anybody listens on a socket cannot be seen.",
	  .why = "The kernel has no unix_diag, by which ss(8) lists UNIX sockets.",
	  .remedy = "modprobe unix_diag." },
	{ .id = "virtiofsd-c-needs-root",
	  .severity = FINDING_ERROR,
	  .title = "the old virtiofsd serves only as root",
	  .what = "The only virtiofsd here is QEMU's old one, written in C, and the share's user "
		  "is not root.",
	  .why = "That program makes its sandbox as root only.",
	  .remedy = "Install the Rust virtiofsd (package virtiofsd), or set \"user\": \"root\" for "
		    "the share.",
	  .evidence = "path, share" },
	{ .id = "virtiofsd-c-writes",
	  .severity = FINDING_ERROR,
	  .title = "the old virtiofsd cannot serve read-only",
	  .what = "The only virtiofsd here is QEMU's old one, written in C, and the share is "
		  "read-only.",
	  .why = "That program has no option for it.",
	  .remedy = "Install the Rust virtiofsd (package virtiofsd), or take \"readonly\" off and "
		    "mount the share read-only in the guest.",
	  .evidence = "path, share" },
	{ .id = "user-namespaces-off",
	  .severity = FINDING_ERROR,
	  .title = "user namespaces are off",
	  .what = "virtiofsd cannot make its sandbox as an ordinary user.",
	  .why = "User namespaces are switched off for ordinary users on this host.",
	  .remedy = "sysctl user.max_user_namespaces=10000 (and "
		    "kernel.unprivileged_userns_clone=1, "
		    "kernel.apparmor_restrict_unprivileged_userns=0 where they exist), or set "
		    "\"user\": \"root\" on the share.",
	  .evidence = "share, uid" },
	{ .id = "unit-lacks",
	  .severity = FINDING_ERROR,
	  .title = "the unit allows less than the VM needs",
	  .what = "What the spec asks for is forbidden where mvmd runs: the namespaces of virtiofsd, the "
		  "capabilities of a share that root serves, a block device, a file in /tmp or in a home, or "
		  "QEMU without KVM.",
	  .why = "mvmd@.service allows what each VM needs, and a drop-in of the VM's own the rest. It is "
		 "written from the spec at boot and at a daemon-reload: the spec was changed since, or "
		 "another drop-in takes it back. A container may forbid the same things. The host's /tmp is for no "
		 "VM; a VM that has a share served by root sees homes only where its spec names something in "
		 "one, without links.",
	  .remedy =
		  "Start it with mvmd start NAME, which sees to that; or systemctl daemon-reload. "
		  "systemctl cat mvmd@NAME shows all that applies.",
	  .evidence = "lacks, share, path" },
	{ .id = "not-a-kernel",
	  .severity = FINDING_ERROR,
	  .title = "the kernel is no kernel",
	  .what = "The file that boot.kernel names is something else: a script, an archive, a "
		  "disk.",
	  .why = "The path is that of another file. QEMU starts with any file, and then nothing "
		 "happens; cloud-hypervisor refuses it.",
	  .remedy = "Correct boot.kernel; for a disk with a boot loader take boot.firmware.",
	  .evidence = "path, looks_like" },
	{ .id = "kernel-wrong-arch",
	  .severity = FINDING_ERROR,
	  .title = "the kernel is for another architecture",
	  .what = "The file is a kernel for another CPU than the host's.",
	  .why = "A VM with KVM has the host's architecture.",
	  .remedy = "Put a kernel for this architecture there, or correct boot.kernel.",
	  .evidence = "path, arch" },
	{ .id = "kernel-compressed",
	  .severity = FINDING_ERROR,
	  .title = "the kernel is compressed as a whole",
	  .what = "The file begins as gzip, xz, zstd or the like.",
	  .why = "No VMM unpacks it on x86. A bzImage (vmlinuz) unpacks itself and does not "
		 "begin so; an initramfs does.",
	  .remedy = "Unpack it; or boot.kernel and boot.initramfs are mixed up.",
	  .evidence = "path, looks_like" },
	{ .id = "kernel-without-pvh",
	  .severity = FINDING_ERROR,
	  .title = "the vmlinux has no PVH note",
	  .what = "The kernel is an ELF file without the note that names its entry.",
	  .why = "That entry is the only one by which cloud-hypervisor and QEMU start an ELF "
		 "file.",
	  .remedy = "Take the bzImage (vmlinuz) of the same kernel, or build it with CONFIG_PVH=y.",
	  .evidence = "path, arch" },
	{ .id = "kernel-multiboot",
	  .severity = FINDING_ERROR,
	  .title = "only QEMU boots this kernel",
	  .what = "The kernel is a multiboot one.",
	  .why = "cloud-hypervisor does not know multiboot.",
	  .remedy = "Set \"vmm\": \"qemu\".",
	  .evidence = "path, arch" },
	{ .id = "initramfs-too-large",
	  .severity = FINDING_ERROR,
	  .title = "the initramfs does not fit into the VM's memory",
	  .what = "Kernel, initramfs and what is unpacked from it need more memory than the VM has.",
	  .why = "The guest has all three in memory at once before anything of it runs. It would "
		 "panic, or unpack half of it and find no init.",
	  .remedy = "Make \"memory\" larger, or the initramfs smaller.",
	  .evidence = "path, size_bytes, memory_bytes" },
	{ .id = "hugepages-missing",
	  .severity = FINDING_ERROR,
	  .title = "too few huge pages",
	  .what = "The spec asks for memory in huge pages, and fewer are there, or are free.",
	  .why = "The kernel has huge pages only where they were reserved, and gives them to one "
		 "VM at a time.",
	  .remedy = "echo N > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages; or reserve "
		    "them at boot, when memory is not in pieces: hugepagesz= and hugepages= on "
		    "the kernel's command line.",
	  .evidence = "pages, pages_wanted" },
	{ .id = "memory-short",
	  .severity = FINDING_WARNING,
	  .title = "not enough memory for the VM",
	  .what = "The VM may use more memory than the host, or the control group that mvmd runs "
		  "in, has left.",
	  .why = "A guest's memory is taken as the guest uses it: the VM starts, and later the "
		 "host swaps or the OOM killer ends the VM. QEMU is refused at the start where "
		 "it is more than memory and swap together.",
	  .remedy = "Make \"memory\" smaller, or end something else: ps aux --sort=-rss | head.",
	  .evidence = "wanted_bytes, available_bytes" },
	{ .id = "probe",
	  .severity = FINDING_ERROR,
	  .title = "the host could not be looked at",
	  .what = "A look at what the host has failed half way.",
	  .why = "The message names what was looked at and the kernel's reason: too many open files, "
		 "or no memory.",
	  .remedy = "ulimit -n; free -m; where neither is short it is a bug of mvmd.",
	  .evidence = "looked_at" },
	{ .id = "out-of-memory",
	  .severity = FINDING_ERROR,
	  .title = "no memory for mvmd itself",
	  .what = "An allocation of a few bytes failed.",
	  .why = "The host, or the control group that mvmd runs in, has no memory left.",
	  .remedy = "Look: free -m; systemctl show -p MemoryMax of the unit." },
};

const FindingTable findings_of_host = { "PROGRAMS, KERNELS AND THE HOST", findings,
					ELEMENTSOF(findings) };
