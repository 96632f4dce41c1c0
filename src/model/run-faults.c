/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>

#include "model/run-faults.h"
#include "mvmd/exit-codes.h"

int fault_power_button_ignored(const Plan *plan, Fault *fault)
{
	char text[FORMAT_MAX];

	(void) fault_set(fault, -ETIMEDOUT, MVMD_EXIT_OK, "power-button-ignored",
			 "the guest did not power off within %s and is ended now",
			 format_duration(text, plan->spec->timeouts.stop_usec));
	return fault_remedy(fault,
			    "in the guest, let systemd-logind or acpid act on the ACPI power "
			    "button; where it only needs longer: timeouts.stop");
}

int fault_vmm_deaf(const Plan *plan, const char *asked, const char *last_words, Fault *fault)
{
	char text[FORMAT_MAX];

	(void) fault_set(fault, -ETIMEDOUT, MVMD_EXIT_VMM, "vmm-deaf", "%s did not %s within %s",
			 vmm_kind_to_string(plan->vmm), asked,
			 format_duration(text, plan->spec->timeouts.boot_usec));
	if (*last_words)
		(void) fault_why(fault, "its last words: %s", last_words);
	else if (plan->n_backends > 0)
		(void) fault_why(fault, "not known; one way to it: a VMM waits without end for a "
					"vhost-user backend that accepts it and does not answer");
	return fault_remedy(fault,
			    "mvmd run -v %s tells each step; where it only needs longer: "
			    "timeouts.boot",
			    plan->spec->name);
}

int fault_vmm_exited(const Plan *plan, const char *end, const char *last_words, Fault *fault)
{
	/* Its exit status proves nothing: cloud-hypervisor leaves a panic of its own with 0. */
	(void) fault_set(fault, -EIO, MVMD_EXIT_VMM, "vmm-exited", "%s ended unasked with %s",
			 vmm_kind_to_string(plan->vmm), end);
	if (*last_words)
		(void) fault_why(fault, "its last words: %s", last_words);
	return fault_remedy(fault, "its lines above; mvmd check %s", plan->spec->name);
}

int fault_crash_limit(unsigned n, uint64_t last_life_usec, Fault *fault)
{
	(void) fault_set(
		fault, -EIO, MVMD_EXIT_CRASH_LIMIT, "crash-limit",
		"the guest was reset %u times in a row within seconds of its start, the last "
		"time after %" PRIu64 "ms, without one byte on its console",
		n, last_life_usec / USEC_PER_MSEC);
	return fault_remedy(fault,
			    "try another kernel, and \"console=ttyS0\" in boot.cmdline to see "
			    "what it says; tap and backends are not to blame");
}

int fault_guest_panic(Fault *fault)
{
	(void) fault_set(fault, -EIO, MVMD_EXIT_GUEST_CRASHED, "guest-panic",
			 "the guest's kernel panicked");
	return fault_remedy(fault, "read the last lines of its console");
}

int fault_leftovers(const char *found, Fault *fault)
{
	(void) fault_set(fault, -EEXIST, MVMD_EXIT_OK, "leftovers",
			 "cleaned up what an earlier run left: %s", found);
	(void) fault_evidence(fault, "found", "%s", found);
	return fault_why(fault, "the mvmd that had started it was killed");
}

int fault_bridge_down(const char *bridge, Fault *fault)
{
	(void) fault_set(fault, -ENETDOWN, MVMD_EXIT_OK, "bridge-down",
			 "bridge %s is down: nothing passes it", bridge);
	(void) fault_evidence(fault, "bridge", "%s", bridge);
	return fault_remedy(fault, "ip link set %s up", bridge);
}

int fault_bridge_mtu(const char *bridge, uint32_t before, uint32_t now, Fault *fault)
{
	(void) fault_set(fault, -EMSGSIZE, MVMD_EXIT_OK, "bridge-mtu",
			 "bridge %s now has MTU %u; before this VM's tap it had %u", bridge, now,
			 before);
	(void) fault_evidence(fault, "bridge", "%s", bridge);
	(void) fault_evidence(fault, "mtu", "%u", now);
	(void) fault_evidence(fault, "mtu_before", "%u", before);
	(void) fault_why(fault, "the kernel gives a bridge the least MTU of its ports, unless it "
				"was set by hand");
	return fault_remedy(fault,
			    "ip link set %s mtu %u keeps it for the other ports; or leave "
			    "interfaces[].mtu out",
			    bridge, before);
}
