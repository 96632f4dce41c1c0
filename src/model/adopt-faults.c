/* SPDX-License-Identifier: Apache-2.0 */
#include "model/adopt-faults.h"
#include "mvmd/exit-codes.h"

int fault_adopt_vmm_gone(const Plan *plan, pid_t pid, Fault *fault)
{
	(void) fault_set(fault, -ESRCH, MVMD_EXIT_VMM, "vmm-gone",
			 "%s, pid %d, ended before it could be taken over",
			 vmm_kind_to_string(plan->vmm), pid);
	(void) fault_evidence(fault, "pid", "%d", pid);
	return fault_remedy(fault, "the VM is started anew");
}

int fault_adopt_console(const Plan *plan, int error, Fault *fault)
{
	(void) fault_set(fault, error, MVMD_EXIT_SYSTEM, "console",
			 "cannot take over the console of %s: %m", plan->spec->name);
	return fault_remedy(fault, "ulimit -n; free -m");
}

int fault_console_lost(const Plan *plan, Fault *fault)
{
	const char *name = plan->spec->name;

	(void) fault_set(fault, -ENOTCONN, MVMD_EXIT_OK, "console-lost",
			 "the guest's console is lost; the VM itself goes on");
	(void) fault_why(fault,
			 plan->console_socket ?
				 "%s does not answer on its console's socket" :
				 "only the supervisor that died had the pty's master, and nobody "
				 "kept it: systemd's fd store is emptied where a unit fails",
			 vmm_kind_to_string(plan->vmm));
	return fault_remedy(fault,
			    "mvmd stop %s and start it again, when it suits; until then reach "
			    "the guest by its network",
			    name);
}

int fault_adopt_no_guest(const Plan *plan, Fault *fault)
{
	(void) fault_set(
		fault, -ECHILD, MVMD_EXIT_RESTART, "adopt-no-guest",
		"%s is there, but without a guest: its supervisor died while it started it",
		vmm_kind_to_string(plan->vmm));
	return fault_remedy(fault, "nothing is lost; the VM is started anew");
}

int fault_adopt_failed(const Plan *plan, pid_t pid, const Fault *cause, Fault *fault)
{
	const char *name = plan->spec->name;

	(void) fault_set(fault, cause->error, cause->exit_code ?: MVMD_EXIT_BUSY, "adopt-failed",
			 "%s goes on running without a supervisor: its VMM is pid %d", name, pid);
	(void) fault_why(fault, "it could not be taken over: %s", cause->what ?: "out of memory");
	(void) fault_evidence(fault, "pid", "%d", pid);
	(void) fault_evidence(fault, "cause", "%s", cause->id ?: "none");
	return fault_remedy(fault,
			    "mvmd start %s, or mvmd run %s, tries again; mvmd stop --force %s ends "
			    "the VM at once; from within the guest it can power itself off",
			    name, name, name);
}

int fault_adopt_record(const Plan *plan, const char *part, int error, Fault *fault)
{
	(void) fault_set(fault, error, MVMD_EXIT_OK, "adopt-record",
			 "the %s of %s before its supervisor died are not known: %m", part,
			 plan->spec->name);
	(void) fault_evidence(fault, "path", "%s", plan->places.state_file);
	return fault_remedy(fault, "nothing is to be done: they are counted anew from here");
}

int fault_reload_refused(const Plan *plan, VmState state, Fault *fault)
{
	(void) fault_set(fault, -EBUSY, MVMD_EXIT_BUSY, "reload-refused",
			 "%s is \"%s\" and busy: it cannot be reloaded now", plan->spec->name,
			 vm_state_to_string(state));
	(void) fault_evidence(fault, "state", "%s", vm_state_to_string(state));
	(void) fault_why(fault, "it starts, stops or reboots, its VMM owes an answer, or another "
				"reload is under way");
	return fault_remedy(fault, "mvmd status %s; try again when it is running",
			    plan->spec->name);
}

int fault_reload_program(const Plan *plan, const char *path, int error, Fault *fault)
{
	(void) fault_set(fault, error, MVMD_EXIT_SYSTEM, "reload-program",
			 "cannot execute %s: %m; the VM runs on with the program that it had",
			 path);
	(void) fault_evidence(fault, "path", "%s", path);
	return fault_remedy(fault, "%s --version; install mvmd again, then mvmd reload %s", path,
			    plan->spec->name);
}

int fault_reload_older(const Plan *plan, const char *path, Fault *fault)
{
	(void) fault_set(fault, -EPROTONOSUPPORT, MVMD_EXIT_UNAVAILABLE, "reload-older",
			 "%s does not know the record of a VM of this version; the VM runs on with "
			 "the program that it had",
			 path);
	(void) fault_evidence(fault, "path", "%s", path);
	(void) fault_why(fault, "it is older, and could not take over the VM");
	return fault_remedy(fault,
			    "%s --version; a restart of the VM takes it all the same: mvmd "
			    "restart %s",
			    path, plan->spec->name);
}
