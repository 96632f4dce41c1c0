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

json_t *fault_to_record(const Fault *fault)
{
	json_t *record = fault_to_json(fault);

	(void) json_object_set_new(record, "error", json_integer(fault->error));
	(void) json_object_set_new(record, "exit_code", json_integer(fault->exit_code));
	return record;
}

json_t *fault_list_to_record(const FaultList *faults)
{
	json_t *list = json_array();

	for (size_t i = 0; i < faults->n; i++)
		(void) json_array_append_new(list, fault_to_record(&faults->items[i]));
	return list;
}

static int text_from_json(const json_t *json, const char *key, char **ret)
{
	return str_set(ret, json_string_value(json_object_get(json, key)));
}

static int evidence_from_json(json_t *evidence, Fault *ret)
{
	const char *key;
	json_t *value;

	json_object_foreach(evidence, key, value)
		(void) fault_evidence(ret, key, "%s", json_string_value(value) ?: "");
	return ret->n_evidence == json_object_size(evidence) ? 0 : -ENOMEM;
}

int fault_from_json(const json_t *json, Fault *ret)
{
	const char *id = json_string_value(json_object_get(json, "id"));
	const Finding *row = id ? finding_find(id) : NULL;
	_cleanup_(fault_done) Fault fault = { 0 };
	int r;

	if (!row || !json_is_string(json_object_get(json, "what")))
		return -EUCLEAN;
	fault.id = row->id;
	fault.error = (int) json_integer_value(json_object_get(json, "error"));
	fault.exit_code = (int) json_integer_value(json_object_get(json, "exit_code"));
	r = text_from_json(json, "what", &fault.what);
	if (r == 0)
		r = text_from_json(json, "why", &fault.why);
	if (r == 0)
		r = text_from_json(json, "remedy", &fault.remedy);
	if (r == 0)
		r = evidence_from_json(json_object_get(json, "evidence"), &fault);
	if (r == 0)
		fault_move(ret, &fault);
	return r;
}

int fault_list_from_json(const json_t *list, FaultList *ret)
{
	const json_t *json;
	size_t i;

	if (!json_is_array(list))
		return -EUCLEAN;
	json_array_foreach(list, i, json) {
		Fault fault = { 0 };
		int r = fault_from_json(json, &fault);

		if (r == 0)
			r = fault_list_take(ret, &fault);
		if (r == -ENOMEM)
			return r;
	}
	return 0;
}
