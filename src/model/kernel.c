/* SPDX-License-Identifier: Apache-2.0 */
#include "model/kernel.h"
#include "model/image.h"
#include "mvmd/exit-codes.h"

const char *boot_protocol_to_string(BootProtocol protocol)
{
	static const char *const table[_BOOT_PROTOCOL_MAX] = {
		[BOOT_PVH] = "pvh",
		[BOOT_LINUX] = "linux",
		[BOOT_MULTIBOOT] = "multiboot",
		[BOOT_FIRMWARE] = "firmware",
	};

	return table[protocol];
}

/* QEMU asks for a bzImage, then for multiboot, then for an ELF: hw/i386/x86.c and multiboot.c. */
static bool boots_by_multiboot(const ImageFact *image, VmmKind vmm)
{
	return vmm == VMM_QEMU && image->has_multiboot_header;
}

BootProtocol kernel_boot_protocol(const Spec *spec, const Facts *facts, VmmKind vmm)
{
	const ImageFact *image = &facts->guest_kernel;

	if (spec->boot.firmware)
		return BOOT_FIRMWARE;
	if (facts->arch == ARCH_X86 && boots_by_multiboot(image, vmm))
		return BOOT_MULTIBOOT;

	switch (image->kind) {
	case IMAGE_BZIMAGE:
	case IMAGE_FLAT:
		return BOOT_LINUX;
	case IMAGE_ELF:
		return image->has_pvh_note ? BOOT_PVH : BOOT_UNKNOWN;
	case IMAGE_UNKNOWN:
	case IMAGE_MULTIBOOT:
	case IMAGE_COMPRESSED:
	case IMAGE_NOT_A_KERNEL:
	case _IMAGE_KIND_MAX:
	default:
		return BOOT_UNKNOWN;
	}
}

static void not_a_kernel(const Spec *spec, const ImageFact *image, Fault *fault)
{
	(void) fault_set(fault, -ENOEXEC, MVMD_EXIT_UNAVAILABLE, "not-a-kernel",
			 "kernel %s is no kernel: it looks like %s", spec->boot.kernel,
			 image->looks_like);
	(void) fault_why(fault, "QEMU starts with any file, and then nothing happens; "
				"cloud-hypervisor refuses what is no kernel");
	(void) fault_remedy(fault,
			    "correct the path in %s: \"kernel\" is Linux's own image (on x86 "
			    "vmlinuz or vmlinux); what boots like a machine takes \"firmware\" and "
			    "a disk",
			    spec->file);
}

static void wrong_arch(const Spec *spec, const Facts *facts, Fault *fault)
{
	(void) fault_set(fault, -ENOEXEC, MVMD_EXIT_UNAVAILABLE, "kernel-wrong-arch",
			 "kernel %s is for %s, and this host is %s", spec->boot.kernel,
			 arch_to_words(facts->guest_kernel.arch), arch_to_words(facts->arch));
	(void) fault_why(fault, "mvmd runs guests of the host's own architecture");
	(void) fault_remedy(fault, "put a kernel for %s there, or correct the path in %s",
			    arch_to_words(facts->arch), spec->file);
}

static void compressed(const Spec *spec, const ImageFact *image, Fault *fault)
{
	(void) fault_set(fault, -ENOEXEC, MVMD_EXIT_UNAVAILABLE, "kernel-compressed",
			 "kernel %s is %s", spec->boot.kernel, image->looks_like);
	(void) fault_why(fault,
			 "no VMM unpacks it on x86; a bzImage (vmlinuz) unpacks itself, and is not "
			 "compressed as a whole");
	(void) fault_remedy(fault, "unpack it, or correct the path in %s: is it the initramfs?",
			    spec->file);
}

/* QEMU 7.2: "Error loading uncompressed kernel without PVH ELF Note"; cloud-hypervisor: arch/src/x86_64. */
static void no_pvh_note(const Spec *spec, Fault *fault)
{
	(void) fault_set(fault, -ENOEXEC, MVMD_EXIT_UNAVAILABLE, "kernel-without-pvh",
			 "kernel %s is an ELF file without a PVH note", spec->boot.kernel);
	(void) fault_why(fault, "that note names the only entry by which cloud-hypervisor and QEMU "
				"start a vmlinux");
	(void) fault_remedy(fault, "take the bzImage (vmlinuz) of the same kernel, or build it "
				   "with CONFIG_PVH=y");
}

static void only_for_qemu(const Spec *spec, Fault *fault)
{
	(void) fault_set(fault, -ENOEXEC, MVMD_EXIT_UNAVAILABLE, "kernel-multiboot",
			 "kernel %s is a multiboot kernel, which only QEMU boots",
			 spec->boot.kernel);
	(void) fault_remedy(fault, "set \"vmm\": \"qemu\"");
}

static bool is_only_multiboot(const ImageFact *image)
{
	return image->kind == IMAGE_MULTIBOOT ||
	       (image->kind == IMAGE_ELF && image->has_multiboot_header && !image->has_pvh_note);
}

/*
 * Only on architectures whose kernels we know; and on arm64 a compressed kernel is left to the VMM, for
 * QEMU unpacks some there.
 */
bool kernel_problem(const Spec *spec, const Facts *facts, VmmKind vmm, Fault *fault)
{
	const ImageFact *image = &facts->guest_kernel;
	bool x86 = facts->arch == ARCH_X86;

	if ((!x86 && facts->arch != ARCH_ARM64) || (x86 && boots_by_multiboot(image, vmm)))
		return false;
	if (x86 && is_only_multiboot(image))
		only_for_qemu(spec, fault);
	else if (image->kind == IMAGE_NOT_A_KERNEL)
		not_a_kernel(spec, image, fault);
	else if (image->arch != ARCH_UNKNOWN && image->arch != facts->arch)
		wrong_arch(spec, facts, fault);
	else if (image->kind == IMAGE_COMPRESSED && x86)
		compressed(spec, image, fault);
	else if (image->kind == IMAGE_ELF && x86 && !image->has_pvh_note)
		no_pvh_note(spec, fault);
	else
		return false;
	(void) fault_evidence(fault, "path", "%s", spec->boot.kernel);
	if (image->looks_like)
		(void) fault_evidence(fault, "looks_like", "%s", image->looks_like);
	if (image->arch != ARCH_UNKNOWN)
		(void) fault_evidence(fault, "arch", "%s", arch_to_words(image->arch));
	return true;
}

char *kernel_to_words(const ImageFact *image)
{
	const char *kind = image_kind_to_words(image->kind) ?: "unknown kind";

	if (image->version)
		return str_printf("Linux %s (%s)", image->version, kind);
	return str_printf("version unknown (%s)", kind);
}
