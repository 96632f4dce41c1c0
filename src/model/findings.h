/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/util.h"

/*
 * Every finding that mvmd can make (the ids of fault_set()), told in general: what a Fault says of one VM,
 * a row says of all. tests/layers/findings.awk holds the table and the sources together.
 */
typedef enum FindingSeverity {
	FINDING_ERROR, /* ends the start, the run or the command */
	FINDING_WARNING, /* the VM runs on, or ends as it was asked to, but something is wrong */
	FINDING_NOTE,
	_FINDING_SEVERITY_MAX,
} FindingSeverity;

typedef struct Finding {
	const char *id;
	FindingSeverity severity;
	const char *title; /* a few words without a final dot */
	const char *what; /* what happened; sentences */
	const char *why; /* what leads to it; sentences */
	const char *remedy; /* the next command or edit; sentences */
	const char *
		evidence; /* the keys of its Evidence: "bridge, tap"; NULL: it has none of its own */
} Finding;

typedef struct FindingTable {
	const char *title; /* of the section in mvmd-errors(7) */
	const Finding *findings;
	size_t n;
} FindingTable;

extern const FindingTable findings_of_files, findings_of_host, findings_of_network,
	findings_of_attach, findings_of_ports, findings_of_run, findings_of_guest,
	findings_of_doctor, findings_of_issues, findings_of_units, findings_of_adoption;

#define FINDING_TABLES 11
extern const FindingTable *const finding_tables[FINDING_TABLES];

/* "error", "warning", "note". */
const char *finding_severity_to_string(FindingSeverity severity);

/* NULL: there is none of that id. */
const Finding *finding_find(const char *id);

/* The id nearest to what somebody wrote; NULL: none is near. Static. */
const char *finding_nearest(const char *id);

/* New strings in *ret. Return 0 or -ENOMEM. */
int finding_to_text(const Finding *finding, char **ret);
int findings_to_list(char **ret); /* a line each */
int findings_to_man(char **ret); /* mdoc(7) */
int finding_to_json(const Finding *finding, char **ret);
int findings_to_json(char **ret);
