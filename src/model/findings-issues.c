/* SPDX-License-Identifier: Apache-2.0 */
#include "model/findings.h"

static const Finding findings[] = {
	{ .id = "known-issue-refused",
	  .severity = FINDING_ERROR,
	  .title = "a known issue keeps the VM from running",
	  .what = "A proven row of the list of known issues fits for sure: this kernel or VMM "
		  "cannot run the VM. Nothing of the guest was started.",
	  .why = "The message has what is known of the cause, and where that is written.",
	  .remedy = "Do as the message says. Who knows better writes the id into "
		    "\"allow_known_issues\", in the spec for one VM or in host.conf for all; a "
		    "warning is left.",
	  .evidence = "issue, subject" },
	{ .id = "known-issue",
	  .severity = FINDING_WARNING,
	  .title = "a known issue fits the VM",
	  .what = "A row of the list of known issues fits the kernel of guest or host, the VMM or "
		  "a backend: what one sees is in the message.",
	  .why = "The version is in the row's range, and the issue is proven. That does not prove "
		 "that it is to blame for what you see now.",
	  .remedy = "mvmd explain with the id of the row; the row's own remedy is in the message.",
	  .evidence = "issue, subject" },
	{ .id = "known-issue-likely",
	  .severity = FINDING_NOTE,
	  .title = "a known issue perhaps fits the VM",
	  .what = "A row of the list of known issues looks as if it fitted.",
	  .why = "A distribution's kernel has fixes that its version does not tell, or only one "
		 "source states the issue.",
	  .remedy = "mvmd explain with the id of the row; nothing is to be done while the VM runs "
		    "well.",
	  .evidence = "issue, subject" },
	{ .id = "known-issue-minor",
	  .severity = FINDING_NOTE,
	  .title = "a known issue that costs time, or needs more than a version",
	  .what = "A row of the list of known issues fits that does not keep a VM from running.",
	  .why = "The version is in the row's range; whether it matters depends on the CPU, on "
		 "settings or on the load.",
	  .remedy = "mvmd explain with the id of the row.",
	  .evidence = "issue, subject" },
	{ .id = "known-issue-unknown",
	  .severity = FINDING_WARNING,
	  .title = "an allowed known issue is in no list",
	  .what = "\"allow_known_issues\" has an id that no row of the list of known issues has.",
	  .why = "A slip of the pen, or a row that a later list has no more.",
	  .remedy = "Write the id as mvmd explain knows it, or take it out.",
	  .evidence = "issue" },
};

const FindingTable findings_of_issues = { "KNOWN ISSUES", findings, ELEMENTSOF(findings) };
