/* SPDX-License-Identifier: Apache-2.0 */
#include "model/findings.h"

static const Finding findings[] = {
	{ .id = "unit-stale",
	  .severity = FINDING_WARNING,
	  .title = "systemd does not know what the VM needs",
	  .what = "The unit runs with older lines than its spec asks for: a device, or what a share "
		  "needs of the sandbox, is not allowed. The VM may fail for that.",
	  .why = "mvmd-generator writes these lines into a drop-in of the unit, and systemd calls it "
		 "only at boot and at a daemon-reload; the spec was changed since. mvmd start and mvmd "
		 "restart see to that.",
	  .remedy =
		  "systemctl daemon-reload, and then: systemctl restart mvmd@NAME. Where that "
		  "changes nothing, mvmd-generator is missing: systemd.generator(7) has the folders.",
	  .evidence = "line, lines" },
	{ .id = "after-unknown",
	  .severity = FINDING_WARNING,
	  .title = "\"after\" names a VM that does not exist",
	  .what = "There is no spec of that name, so that there is nothing to start after.",
	  .why = "The name is misspelt, or that VM's spec was removed.",
	  .remedy = "List all with mvmd list; correct the name in the spec, or take it out.",
	  .evidence = "name, nearest" },
	{ .id = "after-circle",
	  .severity = FINDING_WARNING,
	  .title = "\"after\" goes round in a circle",
	  .what = "By their specs, each of some VMs is to start after another one of them. One entry is "
		  "left out, so that all of them start.",
	  .why = "Two specs each name the other VM, or more of them in a row.",
	  .remedy =
		  "Take one of the entries of the circle out of its spec's \"after\"; then: systemctl "
		  "daemon-reload.",
	  .evidence = "circle, left_out" },
};

const FindingTable findings_of_units = { "UNITS AND THE ORDER OF STARTS", findings,
					 ELEMENTSOF(findings) };
