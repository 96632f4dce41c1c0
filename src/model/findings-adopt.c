/* SPDX-License-Identifier: Apache-2.0 */
#include "model/findings.h"

static const Finding findings[] = {
	{ .id = "vmm-gone",
	  .severity = FINDING_ERROR,
	  .title = "the VMM ended while it was taken over",
	  .what = "The supervisor of a VM died, the next one found its VMM, and that ended before it could "
		  "be taken over.",
	  .why = "Whoever killed the supervisor killed the VMM as well, as systemctl kill does without "
		 "--kill-whom=main; or the guest powered off.",
	  .remedy = "Nothing is to be done: the VM is started anew.",
	  .evidence = "pid" },
	{ .id = "adopt-failed",
	  .severity = FINDING_ERROR,
	  .title = "a running VM could not be taken over",
	  .what = "The supervisor of a VM died, and the next one could not take over its VMM. The VM goes "
		  "on running; nobody starts its backends again, or a second VMM beside it.",
	  .why = "The message has the cause, such as a VMM that does not answer.",
	  .remedy =
		  "mvmd start NAME, or mvmd run NAME, tries again; mvmd stop --force NAME ends the VM "
		  "at once.",
	  .evidence = "pid, cause" },
	{ .id = "adopt-no-guest",
	  .severity = FINDING_ERROR,
	  .title = "a VMM was found without a guest",
	  .what = "The supervisor of a VM died after it had started the VMM and before there was a guest.",
	  .why = "It was killed, or crashed, during the start.",
	  .remedy = "Nothing is to be done: the VM is started anew.",
	  .evidence = "" },
	{ .id = "adopt-record",
	  .severity = FINDING_WARNING,
	  .title = "what a VM went through before its supervisor died is not known",
	  .what = "The VM was taken over, but a part of its record could not be read.",
	  .why = "Another version of mvmd wrote it, or somebody changed it.",
	  .remedy = "Nothing is to be done: lives and findings are counted anew.",
	  .evidence = "path" },
	{ .id = "console-lost",
	  .severity = FINDING_WARNING,
	  .title = "the guest's console is lost",
	  .what = "The VM was taken over after its supervisor died, but not the guest's console: it can be "
		  "neither heard nor typed to. The VM itself goes on.",
	  .why = "cloud-hypervisor's console is a pty of which only the supervisor had the other end. It is "
		 "kept in systemd's fd store, which is emptied where a unit fails (systemd before 254).",
	  .remedy =
		  "mvmd stop NAME and mvmd start NAME, when it suits; until then reach the guest by its "
		  "network.",
	  .evidence = "" },
	{ .id = "reload-refused",
	  .severity = FINDING_ERROR,
	  .title = "a VM cannot be reloaded now",
	  .what = "mvmd was asked to execute its program anew while the VM starts, stops or reboots, or while "
		  "its VMM owes an answer.",
	  .why = "The new program could not know what was asked and is not answered yet.",
	  .remedy = "mvmd status NAME; mvmd reload NAME when it is running.",
	  .evidence = "state" },
	{ .id = "reload-program",
	  .severity = FINDING_WARNING,
	  .title = "the new mvmd cannot be executed",
	  .what = "mvmd was asked to execute its program anew, and what lies at its path does not run. The VM "
		  "runs on with the old one.",
	  .why = "An update is not complete, or the file is for another machine or libraries.",
	  .remedy = "mvmd --version; install mvmd again, then mvmd reload NAME.",
	  .evidence = "path" },
	{ .id = "reload-older",
	  .severity = FINDING_WARNING,
	  .title = "the new mvmd is an older one",
	  .what = "mvmd was asked to execute its program anew, and what lies at its path cannot read the record "
		  "of the running VM. The VM runs on with the newer one.",
	  .why = "mvmd was replaced by an older version while the VM ran.",
	  .remedy = "mvmd restart NAME, when it suits; or install the newer one again.",
	  .evidence = "path" },
};

const FindingTable findings_of_adoption = { "A SUPERVISOR THAT DIED", findings,
					    ELEMENTSOF(findings) };
