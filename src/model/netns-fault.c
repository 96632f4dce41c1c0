/* SPDX-License-Identifier: Apache-2.0 */
#include "model/netns-fault.h"
#include "mvmd/exit-codes.h"

int fault_netns(const char *name, int error, Fault *fault)
{
	if (error == -EPERM || error == -EACCES) {
		(void) fault_set(fault, error, MVMD_EXIT_PERMISSION, "netns-permission",
				 "cannot enter the network namespace %s: %m", name);
		(void) fault_evidence(fault, "netns", "%s", name);
		(void) fault_why(fault,
				 "it takes CAP_SYS_ADMIN, which a unit has not: there systemd "
				 "enters it, by a line that mvmd-generator writes");
		return fault_remedy(fault, "run mvmd as root; for a unit: systemctl daemon-reload");
	}
	(void) fault_set(fault, error, MVMD_EXIT_UNAVAILABLE, "netns-missing",
			 "cannot enter the network namespace %s: /run/netns/%s: %m", name, name);
	(void) fault_evidence(fault, "netns", "%s", name);
	if (error == -EINVAL)
		(void) fault_why(fault, "that file is there, and is no namespace");
	return fault_remedy(fault, "ip netns add %s, before the VM starts, with its bridges in it",
			    name);
}

int netns_problems(const Spec *spec, const Facts *facts, FaultList *faults)
{
	Fault fault = { 0 };

	if (facts->netns_error == 0)
		return 0;
	(void) fault_netns(spec->netns, facts->netns_error, &fault);
	return fault_list_take(faults, &fault);
}
