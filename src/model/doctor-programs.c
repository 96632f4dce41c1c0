/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "model/doctor.h"
#include "model/helper-faults.h"
#include "mvmd/exit-codes.h"

/* One program that mvmd starts: what it is called, who needs it, and what stands in for it. */
typedef struct Wanted {
	const char *about;
	const Program *program;
	const char *vm; /* who needs it; NULL: nobody */
	const char *without; /* what is so where it is missing */
	const char *remedy;
} Wanted;

static void say_missing(Doctor *doctor, const Wanted *wanted)
{
	Fault fault = { 0 };

	(void) fault_set(&fault, -ENOENT, MVMD_EXIT_UNAVAILABLE, "program-missing",
			 "%s is not installed", wanted->about);
	if (wanted->vm)
		(void) fault_why(&fault, "the VM %s needs it", wanted->vm);
	else
		(void) fault_why(&fault, "no VM of this host asks for it: %s", wanted->without);
	(void) fault_remedy(&fault, "%s", wanted->remedy);
	(void) fault_evidence(&fault, "program", "%s", wanted->about);
	doctor_take(doctor, wanted->about, doctor_level_by_need(wanted->vm), &fault);
}

static void say_denied(Doctor *doctor, const Wanted *wanted)
{
	const Program *program = wanted->program;
	Fault fault = { 0 };

	(void) fault_set(&fault, program->error, MVMD_EXIT_PERMISSION, "program-denied",
			 "uid %u may not execute %s: %m", program->uid, program->path);
	(void) fault_remedy(&fault, "install %s where every user finds it: /usr/local/bin",
			    wanted->about);
	(void) fault_evidence(&fault, "program", "%s", wanted->about);
	doctor_take(doctor, wanted->about, doctor_level_by_need(wanted->vm), &fault);
}

/* False where it cannot be used, which is then said. */
static bool is_usable(Doctor *doctor, const Wanted *wanted)
{
	if (!wanted->program->path)
		say_missing(doctor, wanted);
	else if (wanted->program->error < 0)
		say_denied(doctor, wanted);
	else
		return true;
	return false;
}

static void say_ok(Doctor *doctor, const Wanted *wanted)
{
	const Program *program = wanted->program;

	doctor_ok(doctor, wanted->about, "%s%s at %s", program->version ? "version " : "",
		  program->version ?: "it is there and does not tell its version,", program->path);
}

static void judge_cloud_hypervisor(Doctor *doctor, const Survey *host, const HostNeeds *needs)
{
	const Program *program = &host->facts.cloud_hypervisor;
	const Wanted wanted = {
		.about = "cloud-hypervisor",
		.program = program,
		.vm = needs->cloud_hypervisor,
		.without = "\"vmm\": \"auto\" takes QEMU",
		.remedy = "install cloud-hypervisor v52 or newer",
	};
	Fault fault = { 0 };

	if (!is_usable(doctor, &wanted))
		return;
	if (!program->version)
		(void) fault_set(&fault, -ENOEXEC, MVMD_EXIT_UNAVAILABLE, "vmm-version-unknown",
				 "%s does not tell its version, as cloud-hypervisor does",
				 program->path);
	else if (program->major < CLOUD_HYPERVISOR_MAJOR_MIN)
		(void) fault_set(&fault, -EPROTONOSUPPORT, MVMD_EXIT_UNAVAILABLE, "vmm-too-old",
				 "cloud-hypervisor %s at %s is too old: mvmd needs v%d",
				 program->version, program->path, CLOUD_HYPERVISOR_MAJOR_MIN);
	else {
		say_ok(doctor, &wanted);
		return;
	}
	if (!wanted.vm)
		(void) fault_why(&fault, "no VM of this host asks for it: %s", wanted.without);
	(void) fault_remedy(&fault, "%s", wanted.remedy);
	doctor_take(doctor, wanted.about, doctor_level_by_need(wanted.vm), &fault);
}

static void judge_virtiofsd(Doctor *doctor, const Survey *host, const HostNeeds *needs)
{
	const Program *program = &host->facts.virtiofsd;
	const Wanted wanted = {
		.about = "virtiofsd",
		.program = program,
		.vm = needs->shares,
		.without = "none has a share",
		.remedy = "apt install virtiofsd (Debian 13, Ubuntu 24.04, Fedora, Arch), or cargo "
			  "install virtiofsd",
	};
	Fault fault = { 0 };

	if (!is_usable(doctor, &wanted))
		return;
	if (!host->facts.virtiofsd_is_c) {
		say_ok(doctor, &wanted);
		return;
	}
	(void) fault_set(&fault, 0, MVMD_EXIT_OK, "virtiofsd-deprecated",
			 "the only virtiofsd here, %s, is QEMU's old one, written in C",
			 program->path);
	(void) fault_why(&fault, "it serves only as root, cannot serve read-only, and nobody mends "
				 "it any more: QEMU 8.0 removed it");
	(void) fault_remedy(&fault, "%s", wanted.remedy);
	(void) fault_evidence(&fault, "program", "%s", program->path);
	doctor_take(doctor, wanted.about, doctor_level_by_need(wanted.vm), &fault);
}

static void judge_qemu(Doctor *doctor, const Survey *host, const HostNeeds *needs)
{
	const Wanted qemu = {
		.about = "qemu",
		.program = &host->facts.qemu,
		.vm = needs->qemu,
		.without = "\"vmm\": \"auto\" takes cloud-hypervisor where KVM is usable",
		.remedy = "apt install qemu-system-x86 (Debian)",
	};
	const Wanted storage_daemon = {
		.about = "qemu-storage-daemon",
		.program = &host->facts.storage_daemon,
		.vm = needs->storage_daemon,
		.without = "it serves disks with \"backend\": \"storage-daemon\"",
		.remedy = "apt install qemu-system-common (Debian 12), qemu-utils",
	};

	if (is_usable(doctor, &qemu))
		say_ok(doctor, &qemu);
	if (is_usable(doctor, &storage_daemon))
		say_ok(doctor, &storage_daemon);
}

/* Root needs it for nothing, unless a spec says so. */
static void judge_helper(Doctor *doctor, const Survey *host, const HostNeeds *needs)
{
	const HelperFact *helper = &host->facts.helper;
	Fault fault = { 0 };

	if (!needs->helper && (host->facts.euid == 0 || !helper->program.path))
		return;
	if (fault_helper_program(&helper->program, &fault) == 0 &&
	    (host->facts.net_admin || fault_helper_rights(&helper->program, helper->rights,
							  host->facts.euid, &fault) == 0)) {
		doctor_ok(doctor, "qemu-bridge-helper",
			  "%s makes taps on the bridges that " BRIDGE_ACL_FILE " allows",
			  helper->program.path);
		return;
	}
	doctor_take(doctor, "qemu-bridge-helper", doctor_level_by_need(needs->helper), &fault);
}

/* What a VM that leaves all open would get here. */
static void judge_choice(Doctor *doctor, const Survey *host)
{
	const Spec automatic = { .vmm = VMM_AUTO, .accel = ACCEL_AUTO };
	VmmChoice choice = vmm_choose(&automatic, &host->facts);
	const Program *program =
		choice.vmm == VMM_QEMU ? &host->facts.qemu : &host->facts.cloud_hypervisor;
	Fault fault = { 0 };

	if (program->path && program->error == 0) {
		doctor_ok(doctor, "vmm", "\"vmm\": \"auto\" takes %s with %s: %s",
			  vmm_kind_to_string(choice.vmm), accel_to_string(choice.accel),
			  choice.reason);
		return;
	}
	(void) fault_set(&fault, -ENOENT, MVMD_EXIT_UNAVAILABLE, "no-vmm",
			 "no VM can start here: there is no VMM that this host can use");
	if (host->facts.cloud_hypervisor.path)
		(void) fault_why(&fault, "cloud-hypervisor does not do (%s), and QEMU is not there",
				 choice.reason);
	else
		(void) fault_why(&fault, "neither cloud-hypervisor nor QEMU is installed");
	(void) fault_remedy(&fault, "apt install qemu-system-x86 (Debian); on a host with KVM "
				    "cloud-hypervisor v52 or newer does as well");
	doctor_take(doctor, "vmm", DOCTOR_ERROR, &fault);
}

void doctor_judge_programs(Doctor *doctor, const Survey *host, const HostNeeds *needs)
{
	judge_choice(doctor, host);
	judge_cloud_hypervisor(doctor, host, needs);
	judge_qemu(doctor, host, needs);
	judge_virtiofsd(doctor, host, needs);
	judge_helper(doctor, host, needs);
}
