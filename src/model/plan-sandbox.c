/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "model/plan-sandbox.h"
#include "mvmd/exit-codes.h"

/* The unit's drop-in has it, once systemd has read it. */
static int remedy_in_unit(const Spec *spec, Fault *fault)
{
	return fault_remedy(fault,
			    "mvmd start %s brings the unit up to date (or: systemctl "
			    "daemon-reload); a container needs leave from whoever started it",
			    spec->name);
}

/* What "auto" would have had instead. */
static const char *remedy_for_kvm(KvmState kvm)
{
	static const char *const words[_KVM_STATE_MAX] = {
		[KVM_ABSENT] =
			"modprobe kvm_intel or kvm_amd; a VM that may be slow says \"accel\": \"tcg\"",
		[KVM_DENIED] =
			"chgrp kvm /dev/kvm && chmod 0660 /dev/kvm: mvmd gives its VMs the group that "
			"owns /dev/kvm",
		[KVM_UNFIT] = "a VM that may be slow says \"accel\": \"tcg\"; a host with nested "
			      "virtualisation has a whole KVM",
	};

	return words[kvm] ?: "mvmd doctor tells what KVM lacks";
}

static int check_written_code(const Spec *spec, const Facts *facts, const VmmChoice *choice,
			      FaultList *faults)
{
	bool is_wanted = spec->accel == ACCEL_TCG;
	Fault fault = { 0 };

	if (choice->accel != ACCEL_TCG || !facts->sandbox.no_written_code)
		return 0;
	/* KVM may come, with its module; leave from the unit does not come by itself. */
	(void) fault_set(&fault, -EPERM, is_wanted ? MVMD_EXIT_PERMISSION : MVMD_EXIT_UNAVAILABLE,
			 "unit-lacks", "QEMU without KVM may not run here");
	(void) fault_why(&fault,
			 "%s%sit executes code that it has just written, and the unit "
			 "(MemoryDenyWriteExecute=) or a security module forbids that",
			 is_wanted ? "" : choice->reason, is_wanted ? "" : "; ");
	(void) fault_evidence(&fault, "lacks", "MemoryDenyWriteExecute=no");
	if (is_wanted)
		(void) remedy_in_unit(spec, &fault);
	else
		(void) fault_remedy(&fault, "%s", remedy_for_kvm(facts->kvm));
	return fault_list_take(faults, &fault);
}

static int check_share(const Spec *spec, const SpecShare *share, const Facts *facts,
		       const Identity *user, FaultList *faults)
{
	const SandboxFact *sandbox = &facts->sandbox;
	Fault fault = { 0 };

	if (!share->source)
		return 0;
	if (sandbox->no_namespaces) {
		(void) fault_set(&fault, -EPERM, MVMD_EXIT_PERMISSION, "unit-lacks",
				 "share %s: virtiofsd may not make its namespaces here", share->id);
		(void) fault_why(&fault, "the unit (RestrictNamespaces=, SystemCallFilter=) or the "
					 "container forbids it");
		(void) fault_evidence(&fault, "lacks", "RestrictNamespaces=, SystemCallFilter=");
	} else if (user->uid == 0 && sandbox->missing_capability) {
		(void) fault_set(&fault, -EPERM, MVMD_EXIT_PERMISSION, "unit-lacks",
				 "share %s: virtiofsd as root needs %s, which is missing here",
				 share->id, sandbox->missing_capability);
		(void) fault_why(&fault, "the unit (CapabilityBoundingSet=) or the container took "
					 "it from root");
		(void) fault_evidence(&fault, "lacks", "CapabilityBoundingSet=%s",
				      sandbox->missing_capability);
	} else {
		return 0;
	}
	(void) fault_evidence(&fault, "share", "%s", share->id);
	(void) remedy_in_unit(spec, &fault);
	return fault_list_take(faults, &fault);
}

int plan_sandbox(const Spec *spec, const Facts *facts, const VmmChoice *choice, FaultList *faults)
{
	int r = check_written_code(spec, facts, choice, faults);

	for (size_t i = 0; r >= 0 && i < facts->n_shares; i++)
		r = check_share(spec, &spec->shares[i], facts, &facts->share_users[i], faults);
	return r;
}

/* A mode is EACCES; the group of devices is EPERM (security/device_cgroup.c: devcgroup_check_permission()). */
bool device_is_refused(const Spec *spec, const char *path, mode_t mode, int error, Fault *fault)
{
	if (error != -EPERM || (mode && !S_ISBLK(mode)))
		return false;
	(void) fault_set(fault, -EPERM, MVMD_EXIT_PERMISSION, "unit-lacks",
			 "the device %s may not be opened here", path);
	(void) fault_why(fault, "the unit (DevicePolicy=, DeviceAllow=) or the container does not "
				"allow this device");
	(void) fault_evidence(fault, "lacks", "DeviceAllow=%s", path);
	(void) fault_evidence(fault, "path", "%s", path);
	if (strncmp(path, "/dev/", 5) == 0)
		(void) remedy_in_unit(spec, fault);
	else
		(void) fault_remedy(fault,
				    "write the device's path in /dev into %s: systemd follows no "
				    "link from elsewhere",
				    spec->file);
	return true;
}

bool path_may_be_out_of_view(const PathFact *path)
{
	return path->error == -ENOENT &&
	       (strncmp(path->path, "/tmp/", 5) == 0 || strncmp(path->path, "/var/tmp/", 9) == 0);
}

static bool path_is_hidden(const Spec *spec, const PathFact *path, Fault *fault)
{
	if (!path->in_hidden_home)
		return false;
	(void) fault_set(fault, path->error, MVMD_EXIT_UNAVAILABLE, "unit-lacks",
			 "%s lies in a user's home, which is hidden here", path->path);
	(void) fault_why(fault,
			 "root serves a share of this VM, and its unit hides what the spec does "
			 "not name (ProtectHome=); a link that leads there names nothing");
	(void) fault_evidence(fault, "lacks", "ProtectHome=no");
	(void) fault_evidence(fault, "path", "%s", path->path);
	(void) fault_remedy(fault,
			    "write the path without links into %s; then mvmd start %s brings "
			    "the unit up to date (or: systemctl daemon-reload)",
			    spec->file, spec->name);
	return true;
}

bool path_is_out_of_view(const Spec *spec, const Facts *facts, const PathFact *path, Fault *fault)
{
	if (path_is_hidden(spec, path, fault))
		return true;
	if (!facts->sandbox.own_tmp || !path_may_be_out_of_view(path))
		return false;
	(void) fault_set(fault, -ENOENT, MVMD_EXIT_UNAVAILABLE, "unit-lacks",
			 "there is no %s here: the unit has a /tmp of its own", path->path);
	(void) fault_why(fault,
			 "PrivateTmp= keeps other programs' temporary files from the VM, and "
			 "the VM's from them");
	(void) fault_evidence(fault, "lacks", "PrivateTmp=no");
	(void) fault_evidence(fault, "path", "%s", path->path);
	(void) fault_remedy(fault, "move it to /srv or /var/lib; mvmd run, by hand, has the host's "
				   "/tmp");
	return true;
}
