/* SPDX-License-Identifier: Apache-2.0 */
#include "run/post-mortem.h"
#include "host/record-series.h"
#include "model/facts-json.h"
#include "model/fault-json.h"

/* The guest writes what it likes: bytes that are no UTF-8 become "?". A new reference. */
static json_t *console_to_json(const Console *console)
{
	_cleanup_free_ char *tail = console ? console_tail(console) : NULL;

	if (!tail || !*tail)
		return json_null();
	for (unsigned char *c = (unsigned char *) tail; *c; c++)
		if (*c >= 0x80)
			*c = '?';
	return json_string(tail);
}

json_t *post_mortem_look(const Resources *resources, const VmStatus *status)
{
	json_t *record = status_to_json(resources, status);

	(void) json_object_set_new(record, "facts", facts_to_json(resources->plan));
	(void) json_object_set_new(record, "console", console_to_json(resources->console));
	return record;
}

void post_mortem_finish(json_t *record, int exit_code, const Fault *cause,
			const FaultList *findings)
{
	(void) json_object_set_new(record, "state", json_string(vm_state_to_string(VM_DEAD)));
	(void) json_object_set_new(record, "exit_code", json_integer(exit_code));
	(void) json_object_set_new(record, "cause", cause->id ? fault_to_json(cause) : json_null());
	(void) json_object_set_new(record, "ended_realtime_usec",
				   json_integer((json_int_t) realtime_usec()));
	(void) json_object_set_new(record, "findings", fault_list_to_json(findings));
}

int post_mortem_write(const char *state_directory, const char *vm, const json_t *record)
{
	return record_series_add(state_directory, vm, POST_MORTEM_SERIES, POST_MORTEM_KEPT, record);
}
