/* SPDX-License-Identifier: Apache-2.0 */
#include "model/fault-json.h"
#include "model/findings.h"

static json_t *evidence_to_json(const Fault *fault)
{
	json_t *evidence = json_object();

	for (size_t i = 0; i < fault->n_evidence; i++)
		(void) json_object_set_new(evidence, fault->evidence[i].key,
					   json_string(fault->evidence[i].value ?: ""));
	return evidence;
}

json_t *fault_to_json(const Fault *fault)
{
	const Finding *row = finding_find(fault->id);

	return json_pack("{s:s, s:s?, s:s?, s:s?, s:s?, s:o}", "id", fault->id, "severity",
			 row ? finding_severity_to_string(row->severity) : NULL, "what",
			 fault->what, "why", fault->why, "remedy", fault->remedy, "evidence",
			 evidence_to_json(fault));
}

json_t *fault_list_to_json(const FaultList *faults)
{
	json_t *list = json_array();

	for (size_t i = 0; i < faults->n; i++)
		(void) json_array_append_new(list, fault_to_json(&faults->items[i]));
	return list;
}
