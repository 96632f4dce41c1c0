/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "host/networkd.h"
#include "model/fault-json.h"
#include "model/lives-json.h"
#include "run/status.h"
#include "run/surroundings.h"

/* The schema of status --json; fields are only ever added to it. */
#define STATUS_VERSION 1

/* A backend that its guest brings down once in a while does so for months. */
#define FINDINGS_MAX	    64
#define FINDINGS_FIRST_KEPT 16

static json_t *pid_to_json(pid_t pid)
{
	return pid > 0 ? json_integer(pid) : json_null();
}

static json_t *vmm_to_json(const Resources *resources)
{
	const char *version = resources->vmm ? vmm_version(resources->vmm) : NULL;

	return json_pack("{s:s, s:s?, s:o}", "kind", vmm_kind_to_string(resources->plan->vmm),
			 "version", version ?: resources->plan->vmm_program->version, "pid",
			 pid_to_json(resources->vmm ? vmm_pid(resources->vmm) : 0));
}

static json_t *word_to_json(const char *word)
{
	return word[0] ? json_string(word) : json_null();
}

/* What it was not asked for, or has not said, is null. */
static void add_report(json_t *guest, const GuestReport *report)
{
	static const GuestReport nothing = { .exit_status = -1 };
	json_t *units = json_array();

	(void) json_object_set_new(guest, "ready",
				   report ? json_boolean(report->ready) : json_null());
	report = report ?: &nothing;
	(void) json_object_set_new(guest, "status", word_to_json(report->status));
	(void) json_object_set_new(guest, "hostname", word_to_json(report->hostname));
	for (size_t i = 0; i < report->n_units; i++)
		(void) json_array_append_new(units, json_string(report->units[i]));
	(void) json_object_set_new(guest, "units", units);
	(void) json_object_set_new(guest, "shutdown", word_to_json(report->shutdown));
	(void) json_object_set_new(guest, "exit_status",
				   report->exit_status < 0 ? json_null() :
							     json_integer(report->exit_status));
}

static json_t *guest_to_json(const Resources *resources, const VmStatus *status)
{
	uint64_t bytes = resources->console ? console_bytes(resources->console) : 0;
	json_t *json;

	json = json_pack("{s:s?, s:I, s:I}", "kernel", resources->plan->facts->guest_kernel.version,
			 "lives", (json_int_t) status->lives->n, "console_bytes",
			 (json_int_t) bytes);
	add_report(json, status->report);
	return json;
}

/* The kernel is asked now: what was attached once may have been taken away since. Null: it is put on nothing. */
static json_t *attached_to_json(const Resources *resources, size_t i)
{
	LinkInfo tap, bridge;
	const PlanNic *nic = &resources->plan->nics[i];
	const char *name = tap_name(&resources->taps[i], nic);

	if (!nic->spec->bridge)
		return json_null();
	return json_boolean(resources->nl && name && link_get(resources->nl, name, &tap) == 0 &&
			    tap.master != 0 &&
			    link_get(resources->nl, nic->spec->bridge, &bridge) == 0 &&
			    tap.master == bridge.ifindex);
}

/* Null, too, of one that is gone. */
static json_t *since_to_json(const Resources *resources, const Tap *tap)
{
	LinkInfo link;

	if (!tap->since_realtime_usec ||
	    (resources->nl && link_get_index(resources->nl, tap->ifindex, &link) == -ENODEV))
		return json_null();
	return json_integer((json_int_t) tap->since_realtime_usec);
}

/* The .network file that matches the tap which was left to systemd-networkd: it is asked now, too. */
static json_t *network_file_to_json(const Resources *resources, size_t i)
{
	_cleanup_(networkd_link_done) NetworkdLink networkd = { 0 };
	const PlanNic *nic = &resources->plan->nics[i];

	if (nic->attach == ATTACH_NETWORKD && resources->taps[i].ifindex > 0)
		networkd_look(nic->tap, resources->taps[i].ifindex, &networkd);
	return networkd.file ? json_string(networkd.file) : json_null();
}

static json_t *interfaces_to_json(const Resources *resources)
{
	json_t *list = json_array();

	for (size_t i = 0; i < resources->plan->n_nics; i++) {
		const PlanNic *nic = &resources->plan->nics[i];
		const Tap *tap = &resources->taps[i];
		char mac[MAC_TEXT_MAX];

		(void) json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s?, s:s, s:s?, s:s?, s:o, s:o}", "id",
				  nic->spec->id, "attach", net_attach_to_string(nic->attach), "tap",
				  tap_name(tap, nic), "mac", mac_format(mac, nic->mac), "bridge",
				  nic->spec->bridge, "link", nic->spec->macvtap.link, "attached",
				  attached_to_json(resources, i), "since_realtime_usec",
				  since_to_json(resources, tap)));
		(void) json_object_set_new(json_array_get(list, i), "network_file",
					   network_file_to_json(resources, i));
	}
	return list;
}

static json_t *backends_to_json(const Resources *resources)
{
	json_t *list = json_array();

	for (size_t i = 0; i < resources->plan->n_backends; i++) {
		const PlanBackend *plan = &resources->plan->backends[i];
		const Backend *backend = resources->backends[i];

		(void) json_array_append_new(
			list, json_pack("{s:s, s:s, s:o, s:s, s:I}", "id", plan->id, "kind",
					backend_kind_to_string(plan->kind), "pid",
					pid_to_json(backend ? backend_pid(backend) : 0), "socket",
					plan->socket, "restarts",
					(json_int_t) (backend ? backend_restarts(backend) : 0)));
	}
	return list;
}

/* What was found, and what is wrong with the links now: that may have come to be since, or have passed. */
static json_t *findings_to_json(const Resources *resources, const FaultList *findings)
{
	json_t *list = json_array();
	FaultList now = { 0 };

	for (size_t i = 0; i < findings->n; i++)
		if (!finding_is_momentary(&findings->items[i]))
			(void) json_array_append_new(list, fault_to_json(&findings->items[i]));
	(void) surroundings_look(resources, &now);
	for (size_t i = 0; i < now.n; i++)
		(void) json_array_append_new(list, fault_to_json(&now.items[i]));
	fault_list_done(&now);
	return list;
}

static json_t *waiting_to_json(const SystemdUnit *unit)
{
	json_t *list = json_array();

	for (size_t i = 0; i < unit->n_waiting; i++)
		(void) json_array_append_new(list, json_string(unit->waiting[i].step->awaits));
	return list;
}

json_t *status_to_json(const Resources *resources, const VmStatus *status)
{
	const LifeMoment now = { .usec = now_usec(),
				 .console_bytes = resources->console ?
							  console_bytes(resources->console) :
							  0 };

	return json_pack("{s:i, s:s, s:s, s:I, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:n, s:n, s:o}",
			 "version", STATUS_VERSION, "name", resources->plan->spec->name, "state",
			 vm_state_to_string(status->state), "since_realtime_usec",
			 (json_int_t) status->since_realtime_usec, "pid", (int) getpid(), "vmm",
			 vmm_to_json(resources), "guest", guest_to_json(resources, status), "lives",
			 lives_to_json(status->lives, &now), "interfaces",
			 interfaces_to_json(resources), "backends", backends_to_json(resources),
			 "findings", findings_to_json(resources, status->findings),
			 "changed_since_start", "next_try_usec", "waiting_for",
			 waiting_to_json(status->unit));
}

void findings_keep(FaultList *findings, const Fault *fault)
{
	Fault copy = { 0 };

	fault_copy(&copy, fault);
	if (findings->n == FINDINGS_MAX)
		fault_list_drop(findings, FINDINGS_FIRST_KEPT);
	(void) fault_list_take(findings, &copy);
}
