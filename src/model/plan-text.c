/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdlib.h>

#include "model/facts-json.h"
#include "model/image.h"
#include "model/plan.h"

static size_t longest_id(const Plan *plan)
{
	size_t longest = 0;

	for (size_t i = 0; i < plan->n_steps; i++)
		if (strlen(plan->steps[i].id) > longest)
			longest = strlen(plan->steps[i].id);
	return longest;
}

static void add_needs(StrBuf *text, const Plan *plan, const PlanStep *step)
{
	for (size_t i = 0; i < step->n_needs; i++)
		str_buf_add(text, "%s%s", i ? ", " : "after ", plan->steps[step->needs[i]].id);
}

int plan_to_text(const Plan *plan, char **ret)
{
	int width = (int) longest_id(plan);
	char duration[FORMAT_MAX];
	StrBuf text = { 0 };

	str_buf_add(&text, "%s: %s\n", plan->spec->name, plan->vmm_reason);
	for (size_t i = 0; i < plan->n_steps; i++) {
		const PlanStep *step = &plan->steps[i];

		str_buf_add(&text, "%2zu  %-*s  %s\n", i + 1, width, step->id, step->what);
		if (step->n_needs == 0 && !step->awaits)
			continue;
		str_buf_add(&text, "    %-*s  ", width, "");
		add_needs(&text, plan, step);
		if (step->awaits)
			str_buf_add(&text, "%swaits up to %s for %s", step->n_needs ? "; " : "",
				    format_duration(duration, step->deadline_usec), step->awaits);
		str_buf_add(&text, "\n");
	}
	return str_buf_take(&text, ret);
}

static json_t *step_to_json(const Plan *plan, const PlanStep *step)
{
	json_t *needs = json_array();

	for (size_t i = 0; i < step->n_needs; i++)
		(void) json_array_append_new(needs, json_string(plan->steps[step->needs[i]].id));
	return json_pack("{s:s, s:s, s:s, s:o, s:s?, s:I}", "id", step->id, "kind",
			 step_kind_to_string(step->kind), "what", step->what, "needs", needs,
			 "awaits", step->awaits, "deadline_usec", (json_int_t) step->deadline_usec);
}

static json_t *nic_to_json(const PlanNic *nic)
{
	const bool named = nic->tap[0] != '\0';
	char mac[MAC_TEXT_MAX], tap_mac[MAC_TEXT_MAX];

	(void) mac_format(tap_mac, nic->tap_mac);
	return json_pack(
		"{s:s, s:s, s:s?, s:s?, s:s?, s:s?, s:s, s:s?, s:o, s:I, s:b, s:o, s:s, s:o, s:o}",
		"id", nic->spec->id, "attach", net_attach_to_string(nic->attach), "tap",
		named ? nic->tap : NULL, "altname", nic->altname, "bridge", nic->spec->bridge,
		"link", nic->spec->macvtap.link, "mac", mac_format(mac, nic->mac), "tap_mac",
		named ? tap_mac : NULL, "mtu", nic->mtu ? json_integer(nic->mtu) : json_null(),
		"queues", (json_int_t) nic->queues, "vhost", nic->vhost, "port",
		port_to_json(&nic->port), "on_detach", on_detach_to_string(nic->on_detach),
		"offloads", offloads_to_json(&nic->offloads), "rate", rate_to_json(&nic->rate));
}

static json_t *backend_to_json(const PlanBackend *backend)
{
	bool external = backend->kind == BACKEND_EXTERNAL;

	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:s?}", "id", backend->id, "device",
			 backend_device(backend), "kind", backend_kind_to_string(backend->kind),
			 "socket", backend->socket, "uid",
			 external ? json_null() : json_integer(backend->identity.uid), "on_exit",
			 external ? NULL : backend_on_exit_to_string(backend->on_exit));
}

static json_t *steps_to_json(const Plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->n_steps; i++)
		(void) json_array_append_new(list, step_to_json(plan, &plan->steps[i]));
	return list;
}

static json_t *nics_to_json(const Plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->n_nics; i++)
		(void) json_array_append_new(list, nic_to_json(&plan->nics[i]));
	return list;
}

static json_t *backends_to_json(const Plan *plan)
{
	json_t *list = json_array();

	for (size_t i = 0; i < plan->n_backends; i++)
		(void) json_array_append_new(list, backend_to_json(&plan->backends[i]));
	return list;
}

static json_t *vmm_to_json(const Plan *plan)
{
	return json_pack("{s:s, s:s?, s:s?, s:s, s:s}", "kind", vmm_kind_to_string(plan->vmm),
			 "version", plan->vmm_program->version, "path", plan->vmm_program->path,
			 "accel", accel_to_string(plan->accel), "reason", plan->vmm_reason);
}

static json_t *kernel_to_json(const Plan *plan)
{
	const ImageFact *kernel = &plan->facts->guest_kernel;

	return json_pack("{s:s?, s:s?, s:s?}", "kind", image_kind_to_string(kernel->kind),
			 "version", kernel->version, "boot_protocol",
			 boot_protocol_to_string(plan->boot_protocol));
}

int plan_to_json(const Plan *plan, char **ret)
{
	json_t *json;

	json = json_pack("{s:i, s:s, s:o, s:o, s:o, s:I, s:b, s:o, s:o, s:o, s:o}", "version", 1,
			 "name", plan->spec->name, "facts", facts_to_json(plan), "vmm",
			 vmm_to_json(plan), "kernel", kernel_to_json(plan), "uid",
			 (json_int_t) plan->facts->vm.uid, "shared_memory", plan->shared_memory,
			 "cid", plan->cid ? json_integer(plan->cid) : json_null(), "interfaces",
			 nics_to_json(plan), "backends", backends_to_json(plan), "steps",
			 steps_to_json(plan));
	if (!json)
		return -ENOMEM;
	*ret = json_dumps(json, JSON_INDENT(2));
	json_decref(json);
	return *ret ? 0 : -ENOMEM;
}
